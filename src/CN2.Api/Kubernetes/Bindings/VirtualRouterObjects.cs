using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.VirtualRouters;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>The two kinds that are VirtualRouters: CN2's own, and Nodes.</summary>
internal abstract class VirtualRouterObjects(VirtualRouterStore store, AttachedContexts contexts, RequestReader requests)
    : ResourceBinding<VirtualRouterRow, VirtualRouterRequest>(requests)
{
    protected override ResourceKind Kind => ResourceKind.VirtualRouter;

    protected override async Task<VirtualRouterRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        return await db.VirtualRouters.AsNoTracking().SingleOrDefaultAsync(r => r.Name == name, ct);
    }

    protected override Task<List<VirtualRouterRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) => db.VirtualRouters.PageAsync(query, ct);

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<VirtualRouterRow> rows, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        return await store.ToResourcesAsync(db, rows, ct);
    }

    protected override Task<VirtualRouterRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => store.LockAsync(scope, name, ct);

    protected override Task<VirtualRouterRequest> ToRequestAsync(WriteScope scope, VirtualRouterRow row, CancellationToken ct) => Task.FromResult(VirtualRouterStore.ToRequest(row));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, VirtualRouterRequest request, CancellationToken ct) => store.CreateAsync(scope, request, ct);

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, VirtualRouterRow row, VirtualRouterRequest request, CancellationToken ct) =>
        store.ReplaceAsync(scope, row, request, ct);

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, VirtualRouterRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);
}
