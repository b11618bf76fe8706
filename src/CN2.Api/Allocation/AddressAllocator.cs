using System.Net;
using CN2.Api.Data;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// Takes addresses and node ports for many holders at once, inside the caller's transaction. One statement serves all demands while the
/// first choices last; each exhausted subnet costs one statement more. A released address is given to others only after its rest, or when nothing
/// else is free (docs/contract.md §3, quarantineSeconds). Rows are locked in the order of subnet ids, and rows that another
/// transaction has locked are skipped, so that concurrent callers neither collide nor wait. The unique constraints over holders remain
/// the referee.
/// </summary>
public static class AddressAllocator
{
    /// <summary>Serves the demands, earlier ones first. A demand that cannot be served takes nothing.</summary>
    /// <exception cref="CatalogMovedException">The demands were made from a catalog that is not the current one.</exception>
    /// <exception cref="PoolRunDryException">A subnet must be refilled first; then the write starts again.</exception>
    public static async Task TakeAsync(
        NpgsqlConnection connection, long catalogVersion, IReadOnlyList<AddressDemand> demands, IReadOnlyList<NodePortDemand> nodePorts, CancellationToken ct)
    {
        var cursors = demands.Where(d => d.Options.Count > 0).Select(d => new AddressCursor(d)).ToList();
        List<TakenAddress> spare = [];
        for (var first = true; ; first = false)
        {
            var wanted = Wanted(cursors);
            if (!first && wanted.Count == 0) break;
            // What a round leaves goes back before the next one, so that each takes the lowest that is free.
            var got = await TakeRoundAsync(connection, first ? catalogVersion : null, spare, wanted, first ? nodePorts : [], ct);
            foreach (var cursor in cursors) cursor.Serve(got);
            spare = [.. got.Values.SelectMany(g => g.Left)];
        }

        if (spare.Count == 0) return;
        await using var batch = new NpgsqlBatch(connection);
        foreach (var command in GiveBack(spare)) batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Takes requested addresses and node ports out of the pools. Whether another holder has them is decided by the constraints
    /// <c>floating_ip_address</c> and <c>pk_node_port</c> when the holder is inserted.
    /// </summary>
    public static async Task TakeAskedAsync(NpgsqlConnection connection, IReadOnlyList<PooledAddress> addresses, IReadOnlyList<(short Protocol, int Port)> nodePorts, CancellationToken ct)
    {
        if (addresses.Count == 0 && nodePorts.Count == 0) return;
        await using var batch = new NpgsqlBatch(connection);
        if (addresses.Count > 0)
        {
            var ordered = addresses.OrderBy(a => a.SubnetId).ThenBy(a => a.Address.ToString(), StringComparer.Ordinal).ToList();
            batch.BatchCommands.Add(Sql.Command("SELECT cn2_take_asked($1, $2)", Sql.Array(ordered, a => a.SubnetId), Sql.Array(ordered, a => a.Address, NpgsqlDbType.Inet)));
        }

        if (nodePorts.Count > 0)
            batch.BatchCommands.Add(Sql.Command("DELETE FROM free_node_port WHERE (protocol, port) IN (SELECT pr, po FROM unnest($1, $2) AS t (pr, po))", Protocols(nodePorts), Ports(nodePorts)));
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Those of the requested node ports that others hold. One that is being given back at this moment is waited for, so that
    /// <see cref="TakeAskedAsync"/> sees it in the pool. Call it first: what was taken from the pools for a refused Service would be lost, because its
    /// transaction is committed too.
    /// </summary>
    public static async Task<HashSet<(short Protocol, int Port)>> HeldNodePortsAsync(NpgsqlConnection connection, IReadOnlyList<(short Protocol, int Port)> nodePorts, CancellationToken ct) =>
        nodePorts.Count == 0 ? [] : [.. await Sql.ReadAllAsync(
            connection,
            "SELECT protocol, port FROM node_port WHERE (protocol, port) IN (SELECT pr, po FROM unnest($1, $2) AS t (pr, po)) ORDER BY protocol, port FOR SHARE",
            row => (row.GetInt16(0), row.GetInt32(1)), ct, Protocols(nodePorts), Ports(nodePorts))];

    private static NpgsqlParameter Protocols(IReadOnlyList<(short Protocol, int Port)> nodePorts) => Sql.Value(nodePorts.Select(p => p.Protocol).ToArray());

    private static NpgsqlParameter Ports(IReadOnlyList<(short Protocol, int Port)> nodePorts) => Sql.Value(nodePorts.Select(p => p.Port).ToArray());

    /// <summary>Where addresses are looked for, and for each the holder that it is for; in the order in which rows are locked.</summary>
    private static SortedDictionary<PoolSource, List<NamespacedName?>> Wanted(List<AddressCursor> cursors)
    {
        var wanted = new SortedDictionary<PoolSource, List<NamespacedName?>>();
        foreach (var (source, holder) in cursors.SelectMany(c => c.Missing()))
        {
            if (!wanted.TryGetValue(source, out var holders)) wanted[source] = holders = [];
            holders.Add(holder);
        }

        return wanted;
    }

    private static NpgsqlBatchCommand Take(SortedDictionary<PoolSource, List<NamespacedName?>> wanted)
    {
        List<PoolSource> sources = [.. wanted.Keys];
        var holders = wanted.Values.SelectMany((h, i) => h.OfType<NamespacedName>().Select(name => (Entry: i + 1, Name: name))).ToList();
        return Sql.Command(
            "SELECT entry, taken, refill, rested_until, holder_namespace, holder_name FROM cn2_take($1, $2, $3, $4, $5, $6)",
            Sql.Array(sources, s => s.SubnetId), Sql.Array(sources, s => wanted[s].Count), Sql.Array(sources, s => s.AlsoResting),
            Sql.Array(holders, h => h.Entry), Sql.Array(holders, h => h.Name.Namespace), Sql.Array(holders, h => h.Name.Name));
    }

    private static async Task<Dictionary<PoolSource, TakenAddresses>> TakeRoundAsync(
        NpgsqlConnection connection, long? catalogVersion, List<TakenAddress> spare, SortedDictionary<PoolSource, List<NamespacedName?>> wanted,
        IReadOnlyList<NodePortDemand> nodePorts, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (catalogVersion is not null) batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT version FROM catalog"));
        foreach (var command in GiveBack(spare)) batch.BatchCommands.Add(command);
        if (wanted.Count > 0) batch.BatchCommands.Add(Take(wanted));

        var ports = nodePorts.GroupBy(p => p.Protocol).OrderBy(g => g.Key).ToList();
        if (ports.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT proto, taken FROM cn2_take_node_ports($1, $2)")
            {
                Parameters = { new() { Value = ports.ConvertAll(g => (int)g.Key) }, new() { Value = ports.ConvertAll(g => g.Sum(p => p.Count)) } },
            });
        }

        var got = new Dictionary<PoolSource, TakenAddresses>();
        if (batch.BatchCommands.Count == 0) return got;
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (catalogVersion is not null)
        {
            await reader.ReadAsync(ct);
            if (reader.GetInt64(0) != catalogVersion) throw new CatalogMovedException();
            await reader.NextResultAsync(ct);
        }

        PoolSource? dry = null;
        if (wanted.Count > 0)
        {
            PoolSource[] sources = [.. wanted.Keys];
            while (await reader.ReadAsync(ct))
            {
                var source = sources[reader.GetInt32(0) - 1];
                if (reader.GetBoolean(2))
                {
                    dry = source;
                    continue;
                }

                if (!got.TryGetValue(source, out var addresses)) got[source] = addresses = new TakenAddresses();
                var taken = Read(reader, source);
                addresses.Add(taken, isOwn: taken.RestedUntil is not null && wanted[source].Contains(taken.LastHolder));
            }

            await reader.NextResultAsync(ct);
        }

        if (dry is { } empty) throw new PoolRunDryException(empty.SubnetId, wanted[empty].Count);
        if (ports.Count > 0)
        {
            var taken = new Dictionary<int, Queue<int>>();
            while (await reader.ReadAsync(ct))
            {
                if (!taken.TryGetValue(reader.GetInt32(0), out var numbers)) taken[reader.GetInt32(0)] = numbers = new Queue<int>();
                numbers.Enqueue(reader.GetInt32(1));
            }

            foreach (var demand in nodePorts)
            {
                demand.Taken.Clear();
                if (!taken.TryGetValue(demand.Protocol, out var numbers)) continue;
                while (demand.Taken.Count < demand.Count && numbers.TryDequeue(out var number)) demand.Taken.Add(number);
            }
        }

        return got;
    }

    private static TakenAddress Read(NpgsqlDataReader row, PoolSource source)
    {
        var place = new PooledAddress(source.SubnetId, row.GetFieldValue<IPAddress>(1));
        return row.IsDBNull(3) ? new TakenAddress(place, null, default) : new TakenAddress(place, row.GetDateTime(3), new NamespacedName(row.GetString(4), row.GetString(5)));
    }

    /// <summary>What was taken and is not needed goes back; an address that rested rests on.</summary>
    private static IEnumerable<NpgsqlBatchCommand> GiveBack(List<TakenAddress> spare)
    {
        var free = spare.FindAll(t => t.RestedUntil is null);
        if (free.Count > 0)
        {
            yield return Sql.Command(
                "INSERT INTO free_address (subnet_id, address) SELECT s, a FROM unnest($1, $2) AS t (s, a) ON CONFLICT DO NOTHING",
                Sql.Array(free, t => t.Place.SubnetId), Sql.Array(free, t => t.Place.Address, NpgsqlDbType.Inet));
        }

        var resting = spare.FindAll(t => t.RestedUntil is not null);
        if (resting.Count == 0) yield break;
        yield return Sql.Command(
            """
            INSERT INTO resting_address (subnet_id, address, rests_until, last_namespace, last_name)
            SELECT s, a, u, ns, n FROM unnest($1, $2, $3, $4, $5) AS t (s, a, u, ns, n) ON CONFLICT DO NOTHING
            """,
            Sql.Array(resting, t => t.Place.SubnetId), Sql.Array(resting, t => t.Place.Address, NpgsqlDbType.Inet),
            Sql.Array(resting, t => t.RestedUntil!.Value, NpgsqlDbType.TimestampTz), Sql.Array(resting, t => t.LastHolder.Namespace), Sql.Array(resting, t => t.LastHolder.Name));
    }
}
