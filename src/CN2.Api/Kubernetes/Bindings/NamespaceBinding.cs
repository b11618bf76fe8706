using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Namespaces;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary><c>v1</c> namespaces. One with content is marked when it is deleted, and goes after its content.</summary>
internal sealed class NamespaceBinding(NamespaceStore store, RequestReader requests) : ResourceBinding<NamespaceRow, NamespaceRequest>(requests)
{
    public override ResourceDefinition Definition => NamespaceSchema.Definition;

    public override ObjectMapping Mapping { get; } = new NamespaceMapping();

    protected override ResourceKind Kind => ResourceKind.Namespace;

    protected override async Task<NamespaceRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        (await Sql.ReadAllAsync(connection, "SELECT uid, name, labels, annotations, generation, created_at, updated_at FROM namespace WHERE name = $1", row => new NamespaceRow
        {
            Uid = row.GetGuid(0),
            Name = row.GetString(1),
            Labels = row.GetLabels(2),
            Annotations = row.GetLabels(3),
            Generation = row.GetInt64(4),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(5),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(6),
        }, ct, Sql.Value(name))).SingleOrDefault();

    protected override Task<List<NamespaceRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) => db.Namespaces.Named(scope.Visible).PageAsync(query, ct);

    protected override Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<NamespaceRow> rows, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<ResourceBody>>([.. rows.Select(NamespaceStore.ToResource)]);

    protected override Task<NamespaceRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => store.LockAsync(scope, name, ct);

    protected override Task<NamespaceRequest> ToRequestAsync(WriteScope scope, NamespaceRow row, CancellationToken ct) => Task.FromResult(NamespaceStore.ToRequest(row));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, NamespaceRequest request, CancellationToken ct) => Task.FromResult(store.Create(scope, request));

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, NamespaceRow row, NamespaceRequest request, CancellationToken ct) =>
        Task.FromResult(store.Replace(scope, row, request));

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, NamespaceRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);

    protected override ObjectOutcome DeletionRefused(NamespaceRow row, ApiProblem problem) =>
        NamespaceStore.IsBuiltIn(row.Name) ? problem : base.DeletionRefused(row, problem);
}
