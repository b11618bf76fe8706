using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using CN2.Network.Resources;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// CN2's virtualnetworks: every ExternalNetwork, and those that live alone because a Subnet they name does not exist yet. Once it has a network, a
/// reference to a Subnet that does not exist is refused.
/// </summary>
internal sealed class VirtualNetworkBinding(ExternalNetworkStore store, ExternalNetworkResources resources, NetworkWriting writing, AttachedContexts contexts) : IObjectBinding
{
    private static readonly string Resource = SubnetUsers.VirtualNetworks;

    public ResourceDefinition Definition => NetworkSchemas.VirtualNetwork;

    public ObjectMapping Mapping { get; } = new VirtualNetworkMapping();

    public ResourceKind? Kind => ResourceKind.ExternalNetwork;

    public bool MayBeResource => true;

    public int MostAlone => Limits.WaitingNetworks;

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew) => writing.FaultsOf(draft.Object);

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        if (await db.ExternalNetworks.AsNoTracking().SingleOrDefaultAsync(n => n.Namespace == ns && n.Name == name, ct) is { } row) return (await BindAsync(connection, [row], ct))[0];
        return await KubernetesObjectTable.FindAsync(connection, Resource, ns!, name, forUpdate: false, ct) is { IsAlone: true } kept ? Alone(kept) : null;
    }

    public async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var found = await ObjectPages.AllAsync(await db.OpenSqlAsync(ct), Resource, "external_network", range, ct);
        return await ObjectPages.PageAsync(found, range, uids => LoadAsync(db, uids, ct));
    }

    public async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        var rows = await db.ExternalNetworks.AsNoTracking().Where(n => uids.Contains(n.Uid)).ToListAsync(ct);
        var alone = (await KubernetesObjectTable.OfAsync(connection, Resource, [.. uids], ct)).Values.Where(k => k.IsAlone);
        return [.. await BindAsync(connection, rows, ct), .. alone.Select(Alone)];
    }

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        if (await store.LockAsync(scope, ns!, name, ct) is { } row) return (await BindAsync(scope.Connection, [row], ct))[0];
        return await KubernetesObjectTable.FindAsync(scope.Connection, Resource, ns!, name, forUpdate: true, ct) is { IsAlone: true } kept ? Alone(kept) : null;
    }

    public async Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct)
    {
        if (await LockAsync(scope, draft.Namespace, draft.Name, ct) is not null) return ApiProblem.AlreadyExists($"VirtualNetwork {draft.Namespace}/{draft.Name}");
        return await StoreAsync(scope, draft, Guid.CreateVersion7(scope.Now), null, ct);
    }

    public Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct) =>
        StoreAsync(scope, draft, current.Uid, (ExternalNetworkRow?)current.Row, ct);

    public async Task<ApiProblem?> RefusalOfDeletionAsync(WriteScope scope, BoundObject current, CancellationToken ct) =>
        current.Row is ExternalNetworkRow row ? await ExternalNetworkStore.RefusalAsync(scope, row.Namespace, ct) : null;

    public async Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct) =>
        current.Row is ExternalNetworkRow row ? await DeleteAsync(scope, store, row, ct) : new ObjectOutcome.Gone();

    /// <summary>Deletes a network; one that is in use waits.</summary>
    public static async Task<ObjectOutcome> DeleteAsync(WriteScope scope, ExternalNetworkStore store, ExternalNetworkRow row, CancellationToken ct) =>
        await store.DeleteAsync(scope, row, ct) switch
        {
            WriteOutcome.Gone => new ObjectOutcome.Gone(),
            WriteOutcome.Refused refused => refused.Problem.ToDeletion(),
            var other => throw new InvalidOperationException($"A deletion came to {other.GetType().Name}"),
        };

    private async Task<ObjectOutcome> StoreAsync(WriteScope scope, ObjectDraft draft, Guid uid, ExternalNetworkRow? row, CancellationToken ct)
    {
        // Also where only owners or finalizers differ: they decide when the network goes.
        if (row is not null && await ExternalNetworkStore.RefusalAsync(scope, row.Namespace, ct) is { } no) return no;
        var (resource, refused) = await writing.WriteAsync(scope, draft.Namespace!, draft.Object, uid, row, null, null, ct);
        return refused ?? new ObjectOutcome.Stored(new BoundObject(uid, draft.Namespace, draft.Name, resource is null ? null : RequestReader.ToJson(resource), null));
    }

    private async Task<List<BoundObject>> BindAsync(NpgsqlConnection connection, List<ExternalNetworkRow> rows, CancellationToken ct)
    {
        var shown = await resources.ReadAsync(connection, rows, ct);
        var kept = await KubernetesObjectTable.OfAsync(connection, Resource, [.. rows.Select(r => r.Uid)], ct);
        return [.. rows.Select((row, i) =>
        {
            var own = kept.GetValueOrDefault(row.Uid);
            // It is as old as its first write, not as its network.
            var resource = own is null ? shown[i] : shown[i] with { CreatedAt = own.CreatedAt < row.CreatedAt ? own.CreatedAt : row.CreatedAt };
            return new BoundObject(row.Uid, row.Namespace, row.Name, RequestReader.ToJson(resource), own) { Row = row };
        })];
    }

    private static BoundObject Alone(KubernetesObjectRow kept) => new(kept.Uid, kept.Namespace, kept.Name, null, kept);
}
