using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>CN2's routinginstances, one for each ExternalNetwork. Read-only.</summary>
internal sealed class RoutingInstanceBinding(ExternalNetworkResources resources, AttachedContexts contexts, RequestReader requests)
    : ResourceBinding<ExternalNetworkRow, ExternalNetworkRequest>(requests)
{
    public override ResourceDefinition Definition => NetworkSchemas.RoutingInstance;

    public override ObjectMapping Mapping { get; } = new RoutingInstanceMapping();

    protected override ResourceKind Kind => ResourceKind.ExternalNetwork;

    protected override async Task<ExternalNetworkRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        return await db.ExternalNetworks.AsNoTracking().SingleOrDefaultAsync(n => n.Namespace == ns && n.Name == name, ct);
    }

    protected override Task<List<ExternalNetworkRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) =>
        db.ExternalNetworks.In(scope).NamespacedPageAsync(query, ct);

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct) =>
        await resources.ReadAsync(connection, rows, ct);

    // Discovery names no verb that writes, so nobody calls the following.
    protected override Task<ExternalNetworkRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => throw ReadOnly();

    protected override Task<ExternalNetworkRequest> ToRequestAsync(WriteScope scope, ExternalNetworkRow row, CancellationToken ct) => throw ReadOnly();

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, ExternalNetworkRequest request, CancellationToken ct) => throw ReadOnly();

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkRequest request, CancellationToken ct) => throw ReadOnly();

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, ExternalNetworkRow row, CancellationToken ct) => throw ReadOnly();

    private static InvalidOperationException ReadOnly() => new("routinginstances are read-only");
}
