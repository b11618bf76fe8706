using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>What must hold of the pools at any quiet moment: filled = free ∪ held ∪ in quarantine ∪ what others have (infrastructure, endpoints, service network), disjoint; nothing free outside of what was filled.</summary>
public static class PoolAudit
{
    public static async Task ExpectSoundAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(
            """
            SELECT 'free and held: ' || host(f.address) FROM free_address f JOIN floating_ip h USING (subnet_id, address)
            UNION ALL SELECT 'free and in quarantine: ' || host(f.address) FROM free_address f JOIN resting_address q USING (subnet_id, address)
            UNION ALL SELECT 'held and in quarantine: ' || host(f.address) FROM floating_ip f JOIN resting_address q USING (subnet_id, address)
            UNION ALL SELECT 'free and of the infrastructure, an endpoint or the service network: ' || host(f.address) FROM free_address f WHERE cn2_is_blocked(f.subnet_id, f.address)
            UNION ALL SELECT 'free outside of the filled ranges: ' || host(f.address) FROM free_address f
                WHERE NOT EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = f.subnet_id AND f.address BETWEEN r.first AND r.filled_to)
            UNION ALL SELECT 'lost in subnet ' || r.subnet_id || ': ' || sum(r.filled_to - r.first + 1) - max(c.free) - max(c.held)
                FROM subnet_range r CROSS JOIN LATERAL (SELECT
                    (SELECT count(*) FROM free_address f WHERE f.subnet_id = r.subnet_id)
                    + (SELECT count(*) FROM resting_address t WHERE t.subnet_id = r.subnet_id AND NOT cn2_is_blocked(t.subnet_id, t.address) AND EXISTS (
                        SELECT FROM subnet_range q WHERE q.subnet_id = r.subnet_id AND t.address BETWEEN q.first AND q.filled_to)) AS free,
                    (SELECT count(*) FROM floating_ip h WHERE h.subnet_id = r.subnet_id AND EXISTS (
                        SELECT FROM subnet_range q WHERE q.subnet_id = r.subnet_id AND h.address BETWEEN q.first AND q.filled_to))
                    + (SELECT count(*) FROM (SELECT address FROM infrastructure_address UNION SELECT address FROM interface_address) b
                       WHERE cn2_is_blocked(r.subnet_id, b.address) AND EXISTS (SELECT FROM subnet_range q WHERE q.subnet_id = r.subnet_id AND b.address BETWEEN q.first AND q.filled_to)
                         AND NOT EXISTS (SELECT FROM floating_ip h WHERE h.subnet_id = r.subnet_id AND h.address = b.address)
                         AND NOT EXISTS (SELECT FROM subnet n WHERE n.external_network_uid IS NULL AND n.id <> r.subnet_id AND n.cidr >>= b.address AND cn2_is_shared(r.subnet_id)))
                    + (SELECT coalesce(sum(least(q.filled_to, host(broadcast(n.cidr))::inet) - greatest(q.first, host(network(n.cidr))::inet) + 1), 0)
                       FROM subnet n, subnet_range q WHERE n.external_network_uid IS NULL AND n.id <> r.subnet_id AND cn2_is_shared(r.subnet_id) AND q.subnet_id = r.subnet_id
                         AND family(n.cidr) = family(q.first) AND n.cidr && (SELECT s.cidr FROM subnet s WHERE s.id = r.subnet_id)
                         AND host(network(n.cidr))::inet <= q.filled_to AND host(broadcast(n.cidr))::inet >= q.first) AS held) c
                WHERE r.filled_to IS NOT NULL GROUP BY r.subnet_id HAVING sum(r.filled_to - r.first + 1) <> max(c.free) + max(c.held)
            UNION ALL SELECT 'node port free and held: ' || port FROM free_node_port JOIN node_port USING (protocol, port)
            UNION ALL SELECT 'node ports lost: ' || (last - first + 1) * 3 - (SELECT count(*) FROM free_node_port) - (SELECT count(*) FROM node_port)
                FROM node_port_range WHERE (last - first + 1) * 3 <> (SELECT count(*) FROM free_node_port) + (SELECT count(*) FROM node_port)
            UNION ALL SELECT 'FloatingIP of no Service: ' || name FROM floating_ip WHERE NOT reserved AND service_uid IS NULL
            """);
        var faults = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) faults.Add(reader.GetString(0));
        Assert.Empty(faults);
    }
}
