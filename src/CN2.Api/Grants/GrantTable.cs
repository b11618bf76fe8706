using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Grants;

/// <summary>Tables <c>namespace_grant</c>, <c>grant_prefix</c> and <c>grant_use</c> by SQL; triggers keep the last one.</summary>
internal static class GrantTable
{
    private const string Select =
        """
        SELECT g.uid, g.namespace, g.labels, g.annotations, g.generation, g.created_at, g.updated_at, g.spec::text,
            g.most_services, g.most_floating_ips, g.most_node_ports, g.most_virtual_machine_interfaces, g.most_external_networks,
            u.services, u.floating_ips, u.node_ports, u.virtual_machine_interfaces, u.external_networks
        FROM namespace_grant g JOIN grant_use u ON u.namespace = g.namespace
        """;

    /// <summary>The grants of those of these namespaces that have one.</summary>
    public static Task<List<GrantRow>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> namespaces, CancellationToken ct) =>
        Sql.ReadAllAsync(connection, $"{Select} WHERE g.namespace = ANY ($1)", ReadRow, ct, Sql.Value(namespaces.ToArray()));

    /// <summary>
    /// The same with what is used locked until the transaction ends, in the order of names: nobody else adds to these namespaces or takes away.
    /// </summary>
    public static async Task<List<GrantRow>> LockUseAsync(NpgsqlConnection connection, IReadOnlyCollection<string> namespaces, CancellationToken ct)
    {
        // The namespace before what it uses, in the order of the triggers and of who deletes a grant.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Sql.Command("SELECT FROM namespace WHERE name = ANY ($1) ORDER BY name FOR KEY SHARE", Sql.Value(namespaces.ToArray())),
                Sql.Command($"{Select} WHERE g.namespace = ANY ($1) ORDER BY g.namespace FOR UPDATE OF u", Sql.Value(namespaces.ToArray())),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.NextResultAsync(ct);
        var rows = new List<GrantRow>();
        while (await reader.ReadAsync(ct)) rows.Add(ReadRow(reader));
        return rows;
    }

    /// <summary>The grant of a namespace; null: it has none.</summary>
    public static async Task<GrantRow?> FindAsync(NpgsqlConnection connection, string ns, CancellationToken ct) =>
        (await ReadAsync(connection, [ns], ct)).SingleOrDefault();

    /// <summary>Locks a namespace against everybody who adds to it, takes away from it, or writes its grant. False: it does not exist.</summary>
    public static async Task<bool> LockNamespaceAsync(NpgsqlConnection connection, string ns, CancellationToken ct) =>
        (await Sql.ReadAllAsync(connection, "SELECT 1 FROM namespace WHERE name = $1 FOR UPDATE", _ => true, ct, Sql.Value(ns))).Count > 0;

    /// <summary>Writes a grant; the namespace is locked (<see cref="LockNamespaceAsync"/>).</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, GrantRow row, IReadOnlyList<IPNetwork> prefixes, IReadOnlyList<IPNetwork>? endpointPrefixes, bool isNew, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Sql.Command(
            """
            INSERT INTO namespace_grant (uid, namespace, labels, annotations, generation, created_at, updated_at, spec, endpoint_prefixes,
                most_services, most_floating_ips, most_node_ports, most_virtual_machine_interfaces, most_external_networks)
            VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (namespace) DO UPDATE SET labels = excluded.labels, annotations = excluded.annotations, generation = excluded.generation, updated_at = excluded.updated_at,
                spec = excluded.spec, endpoint_prefixes = excluded.endpoint_prefixes, most_services = excluded.most_services, most_floating_ips = excluded.most_floating_ips,
                most_node_ports = excluded.most_node_ports, most_virtual_machine_interfaces = excluded.most_virtual_machine_interfaces,
                most_external_networks = excluded.most_external_networks
            """,
            Sql.Value(row.Uid), Sql.Value(row.Namespace), Sql.Value(Sql.LabelsText(row.Labels)), Sql.Value(Sql.LabelsText(row.Annotations)), Sql.Value(row.Generation),
            Sql.Time(row.CreatedAt), Sql.Time(row.UpdatedAt), Sql.Value(row.Spec), Cidrs(endpointPrefixes),
            Number(row.Quota.Services), Number(row.Quota.FloatingIPs), Number(row.Quota.NodePorts), Number(row.Quota.VirtualMachineInterfaces), Number(row.Quota.ExternalNetworks)));
        batch.BatchCommands.Add(Sql.Command("DELETE FROM grant_prefix WHERE namespace = $1", Sql.Value(row.Namespace)));
        batch.BatchCommands.Add(Sql.Command("INSERT INTO grant_prefix (namespace, prefix) SELECT $1, p FROM unnest($2) p", Sql.Value(row.Namespace), Cidrs(prefixes)));
        if (isNew) batch.BatchCommands.Add(Sql.Command("SELECT cn2_begin_use($1)", Sql.Value(row.Namespace)));
        await batch.ExecuteNonQueryAsync(ct);
    }

    public static async Task DeleteAsync(NpgsqlConnection connection, string ns, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("DELETE FROM namespace_grant WHERE namespace = $1", connection);
        command.Parameters.Add(Sql.Value(ns));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A prefix of another namespace's grant that one of these overlaps; null: there is none.</summary>
    public static async Task<(IPNetwork Prefix, IPNetwork Other, string Namespace)?> FindOverlapAsync(
        NpgsqlConnection connection, string ns, IReadOnlyList<IPNetwork> prefixes, CancellationToken ct) =>
        (await Sql.ReadAllAsync(
            connection, "SELECT p, g.prefix, g.namespace FROM unnest($2) p JOIN grant_prefix g ON g.prefix && p AND g.namespace <> $1 ORDER BY p, g.prefix LIMIT 1",
            r => (r.GetFieldValue<IPNetwork>(0), r.GetFieldValue<IPNetwork>(1), r.GetString(2)), ct, Sql.Value(ns), Cidrs(prefixes)))
        .Select(f => ((IPNetwork, IPNetwork, string)?)f).SingleOrDefault();

    /// <summary>The networks of a namespace: their conditions, and what of them may leave to routers, follow its grant.</summary>
    public static Task<List<(string Name, Guid Uid)>> NetworksAsync(NpgsqlConnection connection, string ns, CancellationToken ct) =>
        Sql.ReadAllAsync(connection, "SELECT name, uid FROM external_network WHERE namespace = $1 ORDER BY name", r => (r.GetString(0), r.GetGuid(1)), ct, Sql.Value(ns));

    private static NpgsqlParameter Cidrs(IReadOnlyList<IPNetwork>? prefixes) =>
        new() { Value = (object?)prefixes?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Cidr };

    private static NpgsqlParameter Number(int? number) => new() { Value = (object?)number ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };

    private static GrantRow ReadRow(NpgsqlDataReader row)
    {
        int? Most(int column) => row.IsDBNull(column) ? null : row.GetInt32(column);
        return new GrantRow
        {
            Uid = row.GetGuid(0),
            Namespace = row.GetString(1),
            Name = GrantRow.OnlyName,
            Labels = row.GetLabels(2),
            Annotations = row.GetLabels(3),
            Generation = row.GetInt64(4),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(5),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(6),
            Spec = row.GetString(7),
            Quota = new(Most(8), Most(9), Most(10), Most(11), Most(12)),
            Used = new(row.GetInt64(13), row.GetInt64(14), row.GetInt64(15), row.GetInt64(16), row.GetInt64(17)),
        };
    }
}
