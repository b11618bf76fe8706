using System.Text.Json.Nodes;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>network-attachment-definitions. One that names a prefix is its ExternalNetwork, with the same name and uid; others live alone.</summary>
internal sealed class NetworkAttachmentBinding(ExternalNetworkStore store, ExternalNetworkResources resources, RequestReader requests, AttachedContexts contexts) : IObjectBinding
{
    private static readonly string Resource = NetworkAttachmentSchema.Definition.QualifiedName;

    public ResourceDefinition Definition => NetworkAttachmentSchema.Definition;

    public ObjectMapping Mapping { get; } = new NetworkAttachmentMapping();

    public ResourceKind? Kind => ResourceKind.ExternalNetwork;

    public bool MayBeResource => true;

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew)
    {
        var faults = new FaultList();
        if (NetworkAttachmentMapping.MakesNetwork(draft.Object)) return requests.Read<ExternalNetworkRequest>(Mapping, Mapping.ToRequest(draft.Object, faults), faults, isNew: true).Refused?.Faults ?? [];
        NetworkAttachmentMapping.Check(draft.Object, faults);
        return faults.Select(f => (f.Path, f.Message));
    }

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        await KubernetesObjectTable.FindAsync(connection, Resource, ns!, name, forUpdate: false, ct) is { } kept ? await BindAsync(connection, kept, null, ct) : null;

    public async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var found = await ObjectPages.KeptAsync(await db.OpenSqlAsync(ct), Resource, "external_network", range, ct);
        return await ObjectPages.PageAsync(found, range, uids => LoadAsync(db, uids, ct));
    }

    public async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        var kept = (await KubernetesObjectTable.OfAsync(connection, Resource, [.. uids], ct)).Values;
        var rows = await db.ExternalNetworks.AsNoTracking().Where(n => uids.Contains(n.Uid)).ToListAsync(ct);
        var shown = (await resources.ReadAsync(connection, rows, ct)).ToDictionary(r => r.Uid);
        return [.. kept.Select(k => new BoundObject(k.Uid, k.Namespace, k.Name, shown.TryGetValue(k.Uid, out var resource) ? RequestReader.ToJson(resource with { CreatedAt = k.CreatedAt }) : null, k))];
    }

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        var row = await store.LockAsync(scope, ns!, name, ct);
        return await KubernetesObjectTable.FindAsync(scope.Connection, Resource, ns!, name, forUpdate: true, ct) is { } kept
            ? await BindAsync(scope.Connection, kept, row?.Uid == kept.Uid ? row : null, ct) : null;
    }

    public async Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct)
    {
        if (await LockAsync(scope, draft.Namespace, draft.Name, ct) is not null) return ApiProblem.AlreadyExists($"NetworkAttachmentDefinition {draft.Namespace}/{draft.Name}");
        return await StoreAsync(scope, draft, Guid.CreateVersion7(scope.Now), null, ct);
    }

    public Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct) =>
        StoreAsync(scope, draft, current.Uid, (ExternalNetworkRow?)current.Row, ct);

    public async Task<ApiProblem?> RefusalOfDeletionAsync(WriteScope scope, BoundObject current, CancellationToken ct) =>
        current.Row is ExternalNetworkRow row ? await ExternalNetworkStore.RefusalAsync(scope, row.Namespace, ct) : null;

    public async Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct) =>
        current.Row is ExternalNetworkRow row ? await VirtualNetworkBinding.DeleteAsync(scope, store, row, ct) : new ObjectOutcome.Gone();

    /// <param name="scope">The transaction; the catalog is locked.</param>
    /// <param name="draft">The attachment as it shall be.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="row">Its network, locked; null: it has none.</param>
    /// <param name="ct">Ends the statements.</param>
    private async Task<ObjectOutcome> StoreAsync(WriteScope scope, ObjectDraft draft, Guid uid, ExternalNetworkRow? row, CancellationToken ct)
    {
        // Also where only owners or finalizers differ: they decide when the network goes.
        if (row is not null && await ExternalNetworkStore.RefusalAsync(scope, row.Namespace, ct) is { } no) return no;
        var faults = new FaultList();
        if (!NetworkAttachmentMapping.MakesNetwork(draft.Object))
        {
            NetworkAttachmentMapping.Check(draft.Object, faults);
            if (faults.Count > 0) return new ObjectOutcome.Refused(ApiProblem.Validation(faults), HasObjectPaths: true);
            if (row is not null)
            {
                if (await store.DeleteAsync(scope, row, ct) is WriteOutcome.Refused inUse) return inUse.Problem;
                await scope.SaveAsync(ct); // the trigger forgets what was kept with the network, before it is written anew
            }

            return new ObjectOutcome.Stored(new BoundObject(uid, draft.Namespace, draft.Name, null, null));
        }

        var current = row is null ? null : RequestReader.ToJson(ExternalNetworkResources.ToRequest(row));
        var json = current is null ? Mapping.ToRequest(draft.Object, faults) : Mapping.ToRequest(draft.Object, current, faults);
        if (current is not null) json["subnets"] = Subnets(json["subnets"] as JsonArray ?? [], (JsonArray)current["subnets"]!);
        var (request, refused) = requests.Read<ExternalNetworkRequest>(Mapping, json, faults, isNew: row is null);
        if (refused is not null) return refused;
        if (row is null && await IsTakenAsync(scope, draft, ct)) return ApiProblem.AlreadyExists($"VirtualNetwork {draft.Namespace}/{draft.Name}, which no NetworkAttachmentDefinition made,");
        var before = row is null ? null : StoredDocument.ReadOr(row.Spec, new ExternalNetworkSpec());
        if (await ExternalNetworkStore.TakenSubnetAsync(scope, draft.Namespace!, draft.Name, before, ExternalNetworkStore.ToSpec(request!), ct) is { } taken) return taken;
        request!.KnownUid = uid;
        return (row is null ? await store.CreateAsync(scope, draft.Namespace!, request, ct) : await store.ReplaceAsync(scope, row, request, ct)).ToOutcome(draft);
    }

    /// <summary>A VirtualNetwork of this name, one that lives alone included.</summary>
    private static async Task<bool> IsTakenAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct) =>
        await scope.Db.ExternalNetworks.AnyAsync(n => n.Namespace == draft.Namespace && n.Name == draft.Name, ct)
        || await KubernetesObjectTable.FindAsync(scope.Connection, SubnetUsers.VirtualNetworks, draft.Namespace!, draft.Name, forUpdate: false, ct) is not null;

    /// <summary>A prefix that stays keeps its gateway, ranges and reserved addresses; the first of each family is the attachment's, others stay.</summary>
    private static JsonArray Subnets(JsonArray asked, JsonArray current)
    {
        var subnets = new JsonArray();
        foreach (var subnet in asked) subnets.Add((current.FirstOrDefault(c => c!["cidr"]?.ToString() == subnet!["cidr"]?.ToString()) ?? subnet)!.DeepClone());
        foreach (var further in current.GroupBy(c => SubnetNames.FamilyOf(c!["cidr"]?.ToString())).SelectMany(g => g.Skip(1))) subnets.Add(further!.DeepClone());
        return subnets;
    }

    private async Task<BoundObject> BindAsync(NpgsqlConnection connection, KubernetesObjectRow kept, ExternalNetworkRow? row, CancellationToken ct)
    {
        List<ExternalNetworkRow> rows = [];
        if (row is not null)
        {
            rows = [row];
        }
        else if (!kept.IsAlone)
        {
            await using var db = contexts.Attach(connection);
            rows = await db.ExternalNetworks.AsNoTracking().Where(n => n.Uid == kept.Uid).ToListAsync(ct);
        }

        var resource = rows.Count == 0 ? null : (await resources.ReadAsync(connection, rows, ct))[0] with { CreatedAt = kept.CreatedAt };
        return new BoundObject(kept.Uid, kept.Namespace, kept.Name, resource is null ? null : RequestReader.ToJson(resource), kept) { Row = rows.FirstOrDefault() };
    }
}
