using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Services;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary><c>v1</c> endpoints: one object for each Service with a selector. Their changes in the feed are those of the Service.</summary>
internal sealed class EndpointsBinding : ReadOnlyBinding
{
    public override ResourceDefinition Definition => EndpointsSchemas.Endpoints;

    public override ResourceKind? Kind => ResourceKind.Service;

    public override async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        await ServiceTable.FindAsync(connection, ns!, name, forUpdate: false, ct) is { } row ? (await ToObjectsAsync(connection, [row], ct)).FirstOrDefault() : null;

    public override async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        // Endpoints have the labels of their Service.
        var rows = await db.Services.In(range.Scope).NamespacedPageAsync(ListQuery.Of(range.Most, range.Selector, range.After), ct);
        var page = rows.Take(range.Most).ToList();
        return new ObjectPage(await ToObjectsAsync(await db.OpenSqlAsync(ct), page, ct), rows.Count > page.Count ? (page[^1].Namespace, page[^1].Name) : null);
    }

    public override async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        return await ToObjectsAsync(connection, await ServiceTable.ReadAsync(connection, "s.uid = ANY ($1)", ct, Sql.Value(uids.ToArray())), ct);
    }

    private static async Task<List<BoundObject>> ToObjectsAsync(NpgsqlConnection connection, IReadOnlyList<ServiceRow> rows, CancellationToken ct) =>
        [.. (await ServiceEndpoints.ReadAsync(connection, rows, ct)).Select(s => Bound(EndpointsMapping.ToEndpoints(s.Service, s.Endpoints), Guid.Parse(s.Service["uid"]!.ToString())))];
}
