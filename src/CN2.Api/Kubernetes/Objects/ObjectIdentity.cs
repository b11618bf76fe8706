using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>Which object it is.</summary>
/// <param name="Uid">Of the object.</param>
/// <param name="Namespace">Of its resource.</param>
/// <param name="Name">Of its resource; what <see cref="ObjectRange.After"/> goes by.</param>
internal readonly record struct ObjectIdentity(Guid Uid, string Namespace, string Name)
{
    /// <param name="connection">The connection to read on.</param>
    /// <param name="table">The table of a kind with namespaces.</param>
    /// <param name="range">Its selector is not looked at.</param>
    /// <param name="ct">Ends the query.</param>
    public static Task<List<ObjectIdentity>> ReadAsync(NpgsqlConnection connection, string table, ObjectRange range, CancellationToken ct)
    {
        var (ns, name) = range.After ?? ("", "");
        var after = new[] { Sql.Value(ns), Sql.Value(name), Sql.Value(range.Most) };
        return Sql.ReadAllAsync(connection, $"SELECT uid, namespace, name FROM {table} WHERE (namespace, name) > ($1, $2){(range.Namespace is null ? "" : " AND namespace = $4")} ORDER BY namespace, name LIMIT $3",
            Read, ct, range.Namespace is null ? after : [.. after, Sql.Value(range.Namespace)]);
    }

    /// <summary>Those of these uids that exist.</summary>
    public static Task<List<ObjectIdentity>> ReadAsync(NpgsqlConnection connection, string table, Guid[] uids, CancellationToken ct) =>
        Sql.ReadAllAsync(connection, $"SELECT uid, namespace, name FROM {table} WHERE uid = ANY ($1)", Read, ct, Sql.Value(uids));

    private static ObjectIdentity Read(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1), row.GetString(2));
}
