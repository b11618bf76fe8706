using CN2.Api.Data.Rows;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Table <c>kubernetes_object</c> by SQL (docs/adr/0007-ef-or-sql.md). A row goes with its resource, by a trigger.</summary>
internal static class KubernetesObjectTable
{
    private const string Columns = "resource, uid, namespace, name, document::text, is_alone, generation, created_at, deleting_at, by_operator, waits_for";

    /// <param name="connection">Where the transaction is open, if there is one.</param>
    /// <param name="condition">SQL after WHERE over <c>kubernetes_object o</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    /// <param name="ct">Ends the query.</param>
    /// <param name="parameters">Of the condition.</param>
    public static Task<List<KubernetesObjectRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters) =>
        Sql.ReadAllAsync(connection, $"SELECT {Columns} FROM kubernetes_object o WHERE {condition}", ReadRow, ct, parameters);

    /// <summary>What is kept of some objects of one resource, by uid.</summary>
    public static async Task<Dictionary<Guid, KubernetesObjectRow>> OfAsync(NpgsqlConnection connection, string resource, IReadOnlyList<Guid> uids, CancellationToken ct) =>
        uids.Count == 0 ? [] : (await ReadAsync(connection, "o.resource = $1 AND o.uid = ANY($2)", ct, Sql.Value(resource), Sql.Value(uids.ToArray()))).ToDictionary(r => r.Uid);

    /// <summary>The object of this name, whether it lives alone or not.</summary>
    /// <param name="connection">Where the transaction is open, if there is one.</param>
    /// <param name="resource">As <see cref="KubernetesObjectRow.Resource"/>.</param>
    /// <param name="ns">Empty: the kind is cluster-scoped.</param>
    /// <param name="name">Of the object.</param>
    /// <param name="forUpdate">Locks the row until the transaction ends.</param>
    /// <param name="ct">Ends the query.</param>
    public static async Task<KubernetesObjectRow?> FindAsync(NpgsqlConnection connection, string resource, string ns, string name, bool forUpdate, CancellationToken ct) =>
        (await ReadAsync(connection, $"o.resource = $1 AND o.namespace = $2 AND o.name = $3{(forUpdate ? " FOR UPDATE" : "")}", ct, Sql.Value(resource), Sql.Value(ns), Sql.Value(name)))
            .FirstOrDefault();

    /// <summary>Writes the rows, or replaces what was kept. <see cref="KubernetesObjectRow.CreatedAt"/> stays as it was first.</summary>
    public static NpgsqlBatchCommand Write(List<KubernetesObjectRow> rows) => Sql.Command(
        """
        INSERT INTO kubernetes_object (resource, uid, namespace, name, document, is_alone, generation, created_at, deleting_at, by_operator, waits_for)
        SELECT r, u, ns, n, d::json, a, g, c, x, b, w FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS t (r, u, ns, n, d, a, g, c, x, b, w)
        ON CONFLICT (resource, uid) DO UPDATE SET document = excluded.document, is_alone = excluded.is_alone, generation = excluded.generation, deleting_at = excluded.deleting_at,
            by_operator = excluded.by_operator, waits_for = excluded.waits_for
        """,
        Sql.Array(rows, r => r.Resource), Sql.Array(rows, r => r.Uid), Sql.Array(rows, r => r.Namespace), Sql.Array(rows, r => r.Name), Sql.Array(rows, r => r.Document),
        Sql.Array(rows, r => r.IsAlone), Sql.Array(rows, r => r.Generation), Sql.Array(rows, r => r.CreatedAt.UtcDateTime),
        Sql.Array(rows, r => r.DeletingAt?.UtcDateTime, NpgsqlTypes.NpgsqlDbType.TimestampTz), Sql.Array(rows, r => r.ByOperator), Sql.Texts(rows, r => r.WaitsFor));

    /// <summary>How many objects of a kind live alone in a namespace, counted up to a number.</summary>
    public static async Task<long> CountAloneAsync(NpgsqlConnection connection, string resource, string ns, int most, CancellationToken ct) =>
        (await Sql.ReadAllAsync(
            connection, "SELECT count(*) FROM (SELECT FROM kubernetes_object WHERE resource = $1 AND namespace = $2 AND is_alone LIMIT $3) o", row => row.GetInt64(0), ct,
            Sql.Value(resource), Sql.Value(ns), Sql.Value(most)))[0];

    /// <summary>What the objects of a resource wait for before they go.</summary>
    public static Task<List<string>> FinalizersAsync(NpgsqlConnection connection, Guid uid, CancellationToken ct) =>
        Sql.ReadAllAsync(connection, "SELECT json_array_elements_text(document #> '{metadata,finalizers}') FROM kubernetes_object WHERE uid = $1", row => row.GetString(0), ct, Sql.Value(uid));

    /// <summary>The first of these Subnets that exists and that no network uses; null: none does.</summary>
    public static async Task<string?> FindSubnetAloneAsync(NpgsqlConnection connection, string ns, IReadOnlyCollection<string> names, CancellationToken ct) =>
        names.Count == 0 ? null
        : (await ReadAsync(connection, "o.resource = 'subnets.core.contrail.juniper.net' AND o.namespace = $1 AND o.name = ANY ($2) AND o.is_alone ORDER BY o.name", ct, Sql.Value(ns), Sql.Value(names.ToArray())))
            .FirstOrDefault()?.Name;

    /// <summary>Until the transaction ends, nobody creates a VirtualMachineInterface of this name.</summary>
    public static NpgsqlBatchCommand TakePodName(string ns, string name) => Sql.Command("SELECT cn2_take_pod_name($1, $2)", Sql.Value(ns), Sql.Value(name));

    /// <summary>The objects that belong to an owner; the first thousand. An owner in a namespace has none in another, whatever somebody there writes.</summary>
    public static Task<List<KubernetesObjectRow>> DependentsAsync(NpgsqlConnection connection, Guid owner, string ns, CancellationToken ct) =>
        ReadAsync(connection, "o.owners && ARRAY[$1] AND ($2 = '' OR o.namespace = $2) ORDER BY o.uid LIMIT 1000", ct, Sql.Value(owner.ToString()), Sql.Value(ns));

    /// <summary>Somebody must look again whether what belongs to this owner still does.</summary>
    public static NpgsqlBatchCommand CheckOwnersOf(Guid owner) =>
        Sql.Command("UPDATE kubernetes_object SET owners_unchecked = true WHERE owners && ARRAY[$1]", Sql.Value(owner.ToString()));

    public static NpgsqlBatchCommand OwnersChecked(string resource, Guid uid) =>
        Sql.Command("UPDATE kubernetes_object SET owners_unchecked = false WHERE resource = $1 AND uid = $2", Sql.Value(resource), Sql.Value(uid));

    public static NpgsqlBatchCommand Delete(string resource, Guid uid) =>
        Sql.Command("DELETE FROM kubernetes_object WHERE resource = $1 AND uid = $2", Sql.Value(resource), Sql.Value(uid));

    private static KubernetesObjectRow ReadRow(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetGuid(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetBoolean(5), row.GetInt64(6),
        row.GetFieldValue<DateTimeOffset>(7), row.GetTimeOrNull(8), row.GetBoolean(9), row.GetStringOrNull(10));
}
