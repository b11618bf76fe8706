using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>
/// Tables <c>virtual_machine_interface</c> and <c>interface_address</c> by SQL (docs/adr/0007-ef-or-sql.md). The second one holds each
/// address once per vRouter: its primary key is the referee of "the same address twice".
/// </summary>
internal static class VirtualMachineInterfaceTable
{
    // The reconciler's columns come first, so that both reads share the positions.
    private const string StateColumns = "uid, namespace, name, labels, addresses, virtual_router, ready, health_check, health, health_held_until, weight";
    private const string Columns = StateColumns + ", annotations, generation, created_at, updated_at, health_message, health_changed_at, health_downs";

    /// <summary>All rows with the columns that the reconciler reads; the last one: whether an address is the infrastructure's.</summary>
    public const string StateSql =
        $"SELECT {StateColumns}, EXISTS (SELECT FROM infrastructure_address i WHERE i.address = ANY (t.addresses)) FROM virtual_machine_interface t";

    /// <param name="connection">Where the transaction is open, if there is one.</param>
    /// <param name="condition">SQL after WHERE over <c>virtual_machine_interface</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    /// <param name="ct">Ends the query.</param>
    /// <param name="parameters">Of the condition.</param>
    public static Task<List<VirtualMachineInterfaceRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters) =>
        Sql.ReadAllAsync(connection, $"SELECT {Columns} FROM virtual_machine_interface WHERE {condition}", ReadRow, ct, parameters);

    /// <summary>The row of this name, or none.</summary>
    public static async Task<VirtualMachineInterfaceRow?> FindAsync(NpgsqlConnection connection, string ns, string name, bool forUpdate, CancellationToken ct) =>
        (await ReadAsync(connection, $"namespace = $1 AND name = $2{(forUpdate ? " FOR UPDATE" : "")}", ct, Sql.Value(ns), Sql.Value(name))).SingleOrDefault();

    /// <summary>Inserts new rows. In the order of names, so that two batches that overlap wait for each other instead of a deadlock.</summary>
    public static NpgsqlBatchCommand Insert(List<VirtualMachineInterfaceRow> rows, DateTimeOffset now) => Sql.Command(
        """
        INSERT INTO virtual_machine_interface (uid, namespace, name, labels, annotations, generation, created_at, updated_at, virtual_router, addresses, ready, health_check, health, weight)
        SELECT u, ns, n, l::jsonb, a::jsonb, 1, $10, $10, r, ip::inet[], y, c, h, w
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12) AS t (u, ns, n, l, a, r, ip, y, c, h, w) ORDER BY ns, n
        """,
        Sql.Array(rows, v => v.Uid), Sql.Array(rows, v => v.Namespace), Sql.Array(rows, v => v.Name), Sql.Array(rows, v => Sql.LabelsText(v.Labels)),
        Sql.Array(rows, v => Sql.LabelsText(v.Annotations)), Sql.Array(rows, v => v.VirtualRouter), Sql.Array(rows, AddressesText), Sql.Array(rows, v => v.Ready),
        Sql.Texts(rows, v => v.HealthCheck), Sql.Time(now), Sql.Array(rows, v => v.Health), Sql.Array(rows, v => v.Weight));

    /// <summary>Writes what a request changes. With another health check, how often the endpoint went down counts from zero.</summary>
    public static NpgsqlBatchCommand Update(List<VirtualMachineInterfaceRow> rows, DateTimeOffset now) => Sql.Command(
        """
        UPDATE virtual_machine_interface SET labels = l::jsonb, annotations = a::jsonb, generation = g, updated_at = $12, virtual_router = r, addresses = ip::inet[],
            ready = y, weight = w, health_check = c, health = h, health_message = m, health_changed_at = hc,
            health_downs = CASE WHEN health_check IS DISTINCT FROM c THEN 0 ELSE health_downs END,
            health_down_at = CASE WHEN health_check IS DISTINCT FROM c THEN NULL ELSE health_down_at END,
            health_held_until = CASE WHEN health_check IS DISTINCT FROM c THEN NULL ELSE health_held_until END
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13) AS t (u, l, a, g, r, ip, y, c, h, m, hc, w) WHERE uid = u
        """,
        Sql.Array(rows, v => v.Uid), Sql.Array(rows, v => Sql.LabelsText(v.Labels)), Sql.Array(rows, v => Sql.LabelsText(v.Annotations)),
        Sql.Array(rows, v => v.Generation), Sql.Array(rows, v => v.VirtualRouter), Sql.Array(rows, AddressesText), Sql.Array(rows, v => v.Ready),
        Sql.Texts(rows, v => v.HealthCheck), Sql.Array(rows, v => v.Health), Sql.Texts(rows, v => v.HealthMessage),
        Sql.Array(rows, v => v.HealthChangedAt?.UtcDateTime, NpgsqlDbType.TimestampTz), Sql.Time(now), Sql.Array(rows, v => v.Weight));

    public static NpgsqlBatchCommand Delete(Guid uid) => Sql.Command("DELETE FROM virtual_machine_interface WHERE uid = $1", Sql.Value(uid));

    /// <summary>The first of the statements that move addresses; a statement does not see its own deletions, so these are two.</summary>
    public static NpgsqlBatchCommand RemoveAddresses(List<VirtualMachineInterfaceRow> rows) =>
        Sql.Command("DELETE FROM interface_address WHERE interface_uid = ANY ($1)", Sql.Array(rows, v => v.Uid));

    /// <summary>
    /// Gives each address its row in interface_address. Answers one row (vRouter, address, uid of the interface that asked) when an address
    /// is used on the vRouter already, or asked for twice.
    /// </summary>
    public static NpgsqlBatchCommand AddAddresses(List<VirtualMachineInterfaceRow> rows)
    {
        var addresses = rows.SelectMany(r => r.Addresses.Select(a => (r.VirtualRouter, Address: a, r.Uid))).ToList();
        return Sql.Command(
            """
            WITH wanted AS (SELECT r, a, u FROM unnest($1, $2, $3) AS t (r, a, u)),
            given AS (INSERT INTO interface_address (virtual_router, address, interface_uid) SELECT r, a, u FROM wanted ORDER BY r, a
                      ON CONFLICT ON CONSTRAINT interface_address_once DO NOTHING RETURNING virtual_router, address)
            SELECT w.r, w.a, w.u FROM wanted w WHERE (SELECT count(*) FROM given) < (SELECT count(*) FROM wanted)
                AND NOT EXISTS (SELECT FROM given g WHERE g.virtual_router = w.r AND g.address = w.a)
            UNION ALL
            SELECT w.r, w.a, w.u FROM wanted w WHERE (SELECT count(*) FROM given) < (SELECT count(*) FROM wanted)
                AND EXISTS (SELECT FROM wanted o WHERE o.r = w.r AND o.a = w.a AND o.u <> w.u)
            LIMIT 1
            """,
            Sql.Array(addresses, a => a.VirtualRouter), Sql.Array(addresses, a => a.Address, NpgsqlDbType.Inet), Sql.Array(addresses, a => a.Uid));
    }

    /// <summary>An array literal, because <c>unnest</c> flattens an array of arrays.</summary>
    private static string AddressesText(VirtualMachineInterfaceRow row) => $"{{{string.Join(',', row.Addresses.Select(a => a.ToString()))}}}";

    private static VirtualMachineInterfaceRow ReadRow(NpgsqlDataReader row) => new()
    {
        Uid = row.GetGuid(0),
        Namespace = row.GetString(1),
        Name = row.GetString(2),
        Labels = row.GetLabels(3),
        Addresses = row.GetFieldValue<IPAddress[]>(4),
        VirtualRouter = row.GetString(5),
        Ready = row.GetBoolean(6),
        HealthCheck = row.GetStringOrNull(7),
        Health = row.GetString(8),
        HealthHeldUntil = row.GetTimeOrNull(9),
        Weight = row.GetInt32(10),
        Annotations = row.GetLabels(11),
        Generation = row.GetInt64(12),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(13),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(14),
        HealthMessage = row.GetStringOrNull(15),
        HealthChangedAt = row.GetTimeOrNull(16),
        HealthDowns = row.GetInt32(17),
    };
}
