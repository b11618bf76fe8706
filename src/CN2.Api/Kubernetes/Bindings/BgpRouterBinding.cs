using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.BgpRouters;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Options;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>CN2's bgprouters; all of them are in namespace <c>contrail</c>, as in CN2.</summary>
internal sealed class BgpRouterBinding(BgpRouterStore store, AttachedContexts contexts, RequestReader requests, BgpOptions bgp)
    : ResourceBinding<BgpRouterRow, BgpRouterRequest>(requests)
{
    public override ResourceDefinition Definition => BgpRouterSchema.Definition;

    public override ObjectMapping Mapping { get; } = new BgpRouterMapping(bgp.AutonomousSystem);

    protected override ResourceKind Kind => ResourceKind.BgpRouter;

    protected override async Task<BgpRouterRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        if (ns != BgpRouterMapping.Namespace) return null;
        await using var db = contexts.Attach(connection);
        return await db.BgpRouters.AsNoTracking().SingleOrDefaultAsync(r => r.Name == name, ct);
    }

    protected override async Task<List<BgpRouterRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) =>
        scope.Namespace is null or BgpRouterMapping.Namespace ? await db.BgpRouters.PageAsync(query, ct) : [];

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<BgpRouterRow> rows, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        return await store.ToResourcesAsync(db, rows, ct);
    }

    protected override async Task<BgpRouterRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) =>
        ns == BgpRouterMapping.Namespace ? await store.LockAsync(scope, name, ct) : null;

    protected override Task<BgpRouterRequest> ToRequestAsync(WriteScope scope, BgpRouterRow row, CancellationToken ct) => Task.FromResult(BgpRouterStore.ToRequest(row));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, BgpRouterRequest request, CancellationToken ct) => store.CreateAsync(scope, request, ct);

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, BgpRouterRow row, BgpRouterRequest request, CancellationToken ct) => store.ReplaceAsync(scope, row, request, ct);

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, BgpRouterRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);

    protected override (string? Namespace, string Name) IdentityOf(ResourceBody resource) => (BgpRouterMapping.Namespace, resource.Name);

    protected override void Complete(ObjectDraft draft, JsonObject request, BgpRouterRequest? current, FaultList faults, bool isNew)
    {
        if (draft.Namespace != BgpRouterMapping.Namespace) faults.Add("metadata.namespace", $"must be {BgpRouterMapping.Namespace}: BGPRouters are in this namespace");
    }
}
