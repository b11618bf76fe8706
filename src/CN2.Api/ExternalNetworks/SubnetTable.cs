using System.Net;
using CN2.Api.Data;
using CN2.Network.Addressing;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// The pools of ExternalNetworks by SQL (docs/adr/0007-ef-or-sql.md): <c>subnet</c>, the routing tables it is part of
/// (<c>subnet_scope</c>), and the ranges that addresses are allocated from (<c>subnet_range</c>, <c>free_address</c>).
/// </summary>
internal static class SubnetTable
{
    /// <summary>The subnets of a network.</summary>
    public static Task<List<(int Id, IPNetwork Cidr)>> ReadAsync(NpgsqlConnection connection, Guid network, CancellationToken ct) => Sql.ReadAllAsync(
        connection, "SELECT id, cidr FROM subnet WHERE external_network_uid = $1 ORDER BY id",
        row => (row.GetInt32(0), row.GetFieldValue<IPNetwork>(1)), ct, Sql.Value(network));

    /// <summary>
    /// Finds a subnet of another network that overlaps one of these in a routing table. The exclusion constraint <c>subnet_overlap</c> is
    /// the referee; this names the other network. While the catalog's row is locked, both see the same subnets.
    /// </summary>
    public static async Task<SubnetOverlap?> FindOverlapAsync(NpgsqlConnection connection, Guid network, List<IPNetwork> cidrs, List<string> scopes, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT c::text, x.cidr::text, n.namespace || '/' || n.name FROM unnest($1) AS c
            JOIN subnet_scope x ON x.cidr && c AND x.scope = ANY($2)
            JOIN subnet s ON s.id = x.subnet_id JOIN external_network n ON n.uid = s.external_network_uid AND n.uid <> $3
            ORDER BY 3, 1 LIMIT 1
            """, connection);
        command.Parameters.Add(Sql.Array(cidrs, c => c, NpgsqlDbType.Cidr));
        command.Parameters.Add(Sql.Array(scopes, s => s));
        command.Parameters.Add(Sql.Value(network));
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? new SubnetOverlap(reader.GetString(0), reader.GetString(1), reader.GetString(2)) : null;
    }

    /// <summary>One of these that lies wholly in the service network, and the service network's prefix: no address of it could be given.</summary>
    public static async Task<(string Cidr, string ServiceNetwork)?> FindInServiceNetworkAsync(NpgsqlConnection connection, List<IPNetwork> cidrs, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT c::text, s.cidr::text FROM unnest($1) AS c JOIN subnet s ON s.external_network_uid IS NULL AND s.cidr >>= c ORDER BY 1 LIMIT 1", connection);
        command.Parameters.Add(Sql.Array(cidrs, c => c, NpgsqlDbType.Cidr));
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetString(0), reader.GetString(1)) : null;
    }

    public static async Task AddAsync(NpgsqlConnection connection, Guid network, SubnetPlan plan, int position, CancellationToken ct)
    {
        var id = (int)(await ExecuteAsync(connection, "INSERT INTO subnet (external_network_uid, cidr, gateway, position) VALUES ($1, $2, $3, $4) RETURNING id", ct,
            Sql.Value(network), Cidr(plan.Cidr), Inet(plan.Gateway), Sql.Value(position)))!;
        await SetRangesAsync(connection, id, plan, ct);
    }

    public static Task UpdateAsync(NpgsqlConnection connection, int subnet, SubnetPlan plan, int position, CancellationToken ct) =>
        ExecuteAsync(connection, "UPDATE subnet SET position = $2, gateway = $3 WHERE id = $1", ct, Sql.Value(subnet), Sql.Value(position), Inet(plan.Gateway));

    /// <summary>
    /// Replaces the ranges that addresses are allocated from. It waits for transactions that are taking addresses, so the holders they
    /// make are seen by the statements after this one.
    /// </summary>
    public static Task SetRangesAsync(NpgsqlConnection connection, int subnet, SubnetPlan plan, CancellationToken ct) => ExecuteAsync(
        connection, "SELECT cn2_set_subnet_ranges($1, $2, $3)", ct, Sql.Value(subnet), Inets(plan.Runs.Select(r => r.First)), Inets(plan.Runs.Select(r => r.Last)));

    /// <summary>
    /// Makes the network's subnets part of these routing tables. Once for all of them, and after everything else: whoever takes an address must not wait
    /// for what is locked here (cn2_scope_added) while this transaction waits for them.
    /// </summary>
    public static async Task SetScopesAsync(NpgsqlConnection connection, Guid network, List<string> scopes, CancellationToken ct)
    {
        await ExecuteAsync(connection,
            "DELETE FROM subnet_scope o USING subnet s WHERE s.external_network_uid = $1 AND o.subnet_id = s.id AND o.scope <> ALL($2)", ct, Sql.Value(network), Sql.Array(scopes, s => s));
        await ExecuteAsync(connection,
            """
            INSERT INTO subnet_scope (subnet_id, scope, cidr)
            SELECT s.id, x, s.cidr FROM subnet s CROSS JOIN unnest($2) AS x
            WHERE s.external_network_uid = $1 AND NOT EXISTS (SELECT FROM subnet_scope o WHERE o.subnet_id = s.id AND o.scope = x)
            """, ct, Sql.Value(network), Sql.Array(scopes, s => s));
    }

    public static Task DeleteAsync(NpgsqlConnection connection, int subnet, CancellationToken ct) =>
        ExecuteAsync(connection, "DELETE FROM subnet WHERE id = $1", ct, Sql.Value(subnet));

    public static Task DeleteOfNetworkAsync(NpgsqlConnection connection, Guid network, CancellationToken ct) =>
        ExecuteAsync(connection, "DELETE FROM subnet WHERE external_network_uid = $1", ct, Sql.Value(network));

    /// <summary>FloatingIPs in the subnets of a network, as problems name them; at most 1000.</summary>
    public static Task<List<string>> HoldersOfNetworkAsync(NpgsqlConnection connection, Guid network, CancellationToken ct) =>
        HoldersAsync(connection, "s.external_network_uid = $1", ct, Sql.Value(network));

    /// <summary>FloatingIPs in a subnet, as problems name them; at most 1000.</summary>
    public static Task<List<string>> HoldersAsync(NpgsqlConnection connection, int subnet, CancellationToken ct) =>
        HoldersAsync(connection, "s.id = $1", ct, Sql.Value(subnet));

    /// <summary>FloatingIPs in ranges of a subnet, as problems name them; at most 1000.</summary>
    public static Task<List<string>> HoldersAsync(NpgsqlConnection connection, int subnet, IReadOnlyList<AddressRange> ranges, CancellationToken ct) =>
        HoldersAsync(connection, "s.id = $1 AND EXISTS (SELECT FROM unnest($2, $3) AS t (a, b) WHERE f.address BETWEEN a AND b)", ct,
            Sql.Value(subnet), Inets(ranges.Select(r => r.First)), Inets(ranges.Select(r => r.Last)));

    private static Task<List<string>> HoldersAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters) => Sql.ReadAllAsync(
        connection,
        $"""
         SELECT 'FloatingIP ' || f.namespace || '/' || f.name || ' (' || host(f.address) || coalesce(', Service ' || o.namespace || '/' || o.name, '') || ')'
         FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id LEFT JOIN service o ON o.uid = f.service_uid WHERE {condition} ORDER BY f.address LIMIT 1000
         """,
        row => row.GetString(0), ct, parameters);

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ScalarAsync(ct);
    }

    private static NpgsqlParameter Cidr(IPNetwork network) => new() { Value = network, NpgsqlDbType = NpgsqlDbType.Cidr };

    private static NpgsqlParameter Inet(IPAddress? address) => new() { Value = (object?)address ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet };

    private static NpgsqlParameter Inets(IEnumerable<IPAddress> addresses) =>
        new() { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };
}
