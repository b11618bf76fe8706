using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.ServiceHealthChecks;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>CN2's servicehealthchecks.</summary>
internal sealed class ServiceHealthCheckBinding(ServiceHealthCheckStore store, AttachedContexts contexts, RequestReader requests)
    : ResourceBinding<ServiceHealthCheckRow, ServiceHealthCheckRequest>(requests)
{
    public override ResourceDefinition Definition => HealthCheckSchema.Definition;

    public override ObjectMapping Mapping { get; } = new ServiceHealthCheckMapping();

    protected override ResourceKind Kind => ResourceKind.ServiceHealthCheck;

    protected override async Task<ServiceHealthCheckRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        await using var db = contexts.Attach(connection);
        return await db.ServiceHealthChecks.AsNoTracking().SingleOrDefaultAsync(h => h.Namespace == ns && h.Name == name, ct);
    }

    protected override Task<List<ServiceHealthCheckRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) =>
        db.ServiceHealthChecks.In(scope).NamespacedPageAsync(query, ct);

    protected override Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ServiceHealthCheckRow> rows, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<ResourceBody>>([.. rows.Select(ServiceHealthCheckStore.ToResource)]);

    protected override Task<ServiceHealthCheckRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => store.LockAsync(scope, ns!, name, ct);

    protected override Task<ServiceHealthCheckRequest> ToRequestAsync(WriteScope scope, ServiceHealthCheckRow row, CancellationToken ct) =>
        Task.FromResult(ServiceHealthCheckStore.ToRequest(row));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, ServiceHealthCheckRequest request, CancellationToken ct) =>
        Task.FromResult(store.Create(scope, ns!, request));

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, ServiceHealthCheckRow row, ServiceHealthCheckRequest request, CancellationToken ct) =>
        Task.FromResult(store.Replace(scope, row, request));

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, ServiceHealthCheckRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);
}
