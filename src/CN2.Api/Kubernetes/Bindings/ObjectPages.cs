using CN2.Api.Data;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Writes;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>Which objects a page of a list has, for kinds whose objects may live alone. The database orders them, so that both sources have one order.</summary>
internal static class ObjectPages
{
    private const string Behind = "($2::text IS NULL OR t.namespace = $2) AND ($7::text[] IS NULL OR t.namespace = ANY ($7)) AND ($3::text IS NULL OR (t.namespace, t.name) > ($3, $4))";

    /// <summary>Objects that were all written through the Kubernetes API; some have a resource, which then has the labels.</summary>
    /// <param name="connection">The connection to read on.</param>
    /// <param name="resource">As in <c>kubernetes_object</c>.</param>
    /// <param name="table">Of the resources.</param>
    /// <param name="range">The page; one more than it asks for is answered, to show that there is a next one.</param>
    /// <param name="ct">Ends the query.</param>
    public static Task<List<PagedObject>> KeptAsync(NpgsqlConnection connection, string resource, string table, ObjectRange range, CancellationToken ct) => ReadAsync(
        connection,
        $"""
         SELECT t.namespace, t.name, t.uid FROM kubernetes_object t LEFT JOIN {table} r ON r.uid = t.uid
         WHERE t.resource = $1 AND {Behind} AND ($5::jsonpath IS NULL OR coalesce(r.labels, t.document::jsonb #> {Labels}, {NoLabels}) @@ $5::jsonpath)
         ORDER BY t.namespace, t.name LIMIT $6
         """, resource, range, ct);

    /// <summary>The resources of a table, and the objects that live alone.</summary>
    /// <param name="connection">The connection to read on.</param>
    /// <param name="resource">As in <c>kubernetes_object</c>.</param>
    /// <param name="table">Of the resources.</param>
    /// <param name="range">The page; one more than it asks for is answered, to show that there is a next one.</param>
    /// <param name="ct">Ends the query.</param>
    public static Task<List<PagedObject>> AllAsync(NpgsqlConnection connection, string resource, string table, ObjectRange range, CancellationToken ct) => ReadAsync(
        connection,
        $"""
         (SELECT t.namespace, t.name, t.uid FROM {table} t WHERE {Behind} AND ($5::jsonpath IS NULL OR t.labels @@ $5::jsonpath) ORDER BY t.namespace, t.name LIMIT $6)
         UNION ALL
         (SELECT t.namespace, t.name, t.uid FROM kubernetes_object t
          WHERE t.resource = $1 AND t.is_alone AND {Behind} AND ($5::jsonpath IS NULL OR coalesce(t.document::jsonb #> {Labels}, {NoLabels}) @@ $5::jsonpath)
          ORDER BY t.namespace, t.name LIMIT $6)
         ORDER BY 1, 2 LIMIT $6
         """, resource, range, ct);

    private const string Labels = "'{metadata,labels}'";
    private const string NoLabels = "'{}'::jsonb";

    /// <summary>The page of what was found for it, in that order.</summary>
    /// <param name="found">What <see cref="KeptAsync"/> or <see cref="AllAsync"/> has answered.</param>
    /// <param name="range">The same.</param>
    /// <param name="load">Reads the objects of some uids.</param>
    public static async Task<ObjectPage> PageAsync(List<PagedObject> found, ObjectRange range, Func<Guid[], Task<IReadOnlyList<BoundObject>>> load)
    {
        var page = found.Take(range.Most).ToList();
        var objects = (await load([.. page.Select(p => p.Uid)])).ToDictionary(o => o.Uid);
        return new ObjectPage(
            [.. page.Select(p => objects.GetValueOrDefault(p.Uid)).OfType<BoundObject>()],
            found.Count > range.Most ? (page[^1].Namespace, page[^1].Name) : null);
    }

    private static Task<List<PagedObject>> ReadAsync(NpgsqlConnection connection, string sql, string resource, ObjectRange range, CancellationToken ct) => Sql.ReadAllAsync(
        connection, sql, row => new PagedObject(row.GetString(0), row.GetString(1), row.GetGuid(2)), ct,
        Sql.Value(resource), Text(range.Namespace), Text(range.After?.Namespace), Text(range.After?.Name), Text(LabelPath.Of(range.Selector)), Sql.Value(range.Most + 1),
        new NpgsqlParameter { Value = (object?)range.Scope.Several?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });

    private static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
