using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>What must hold of the pools at any quiet moment: filled = free ∪ held ∪ the infrastructure's, disjoint; nothing free outside of what was filled.</summary>
public static class PoolAudit
{
    public static async Task ExpectSoundAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(
            """
            SELECT 'free and held: ' || host(f.address) FROM free_address f JOIN floating_ip h USING (subnet_id, address)
            UNION ALL SELECT 'free and part of the infrastructure: ' || host(f.address) FROM free_address f JOIN infrastructure_address i USING (address)
            UNION ALL SELECT 'free outside of the filled ranges: ' || host(f.address) FROM free_address f
                WHERE NOT EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = f.subnet_id AND f.address BETWEEN r.first AND r.filled_to)
            UNION ALL SELECT 'lost in subnet ' || r.subnet_id || ': ' || sum(r.filled_to - r.first + 1) - max(c.free) - max(c.held)
                FROM subnet_range r CROSS JOIN LATERAL (SELECT
                    (SELECT count(*) FROM free_address f WHERE f.subnet_id = r.subnet_id) AS free,
                    (SELECT count(*) FROM floating_ip h WHERE h.subnet_id = r.subnet_id AND EXISTS (
                        SELECT FROM subnet_range q WHERE q.subnet_id = r.subnet_id AND h.address BETWEEN q.first AND q.filled_to))
                    + (SELECT count(DISTINCT i.address) FROM infrastructure_address i JOIN subnet_range q ON q.subnet_id = r.subnet_id AND i.address BETWEEN q.first AND q.filled_to
                       WHERE NOT EXISTS (SELECT FROM floating_ip h WHERE h.subnet_id = r.subnet_id AND h.address = i.address)) AS held) c
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
