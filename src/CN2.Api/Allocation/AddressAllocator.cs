using System.Net;
using CN2.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// Takes addresses and node ports for many holders at once, inside the caller's transaction. One statement serves all demands while the
/// first choices last; each exhausted subnet costs one statement more. Rows are locked in the order of subnet ids, and rows that another
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
        var cursors = demands.Where(d => d.Options.Count > 0).Select(d => new Cursor(d)).ToList();
        var spare = new Dictionary<int, Queue<IPAddress>>();
        for (var first = true; ; first = false)
        {
            var wanted = Wanted(cursors);
            if (!first && wanted.Count == 0) break;
            var got = await TakeRoundAsync(connection, first ? catalogVersion : null, wanted, first ? nodePorts : [], ct);
            foreach (var (subnet, addresses) in spare)
            {
                if (!got.TryGetValue(subnet, out var more)) got[subnet] = addresses;
                else while (addresses.TryDequeue(out var address)) more.Enqueue(address);
            }

            spare = got;
            foreach (var cursor in cursors) cursor.Serve(spare);
        }

        await GiveBackAsync(connection, spare, ct);
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
            // FOR SHARE excludes a refill: it does not see our holder before we commit, and would put the address into the pool again.
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT FROM subnet WHERE id = ANY($1) ORDER BY id FOR SHARE")
            {
                Parameters = { new() { Value = ordered.Select(a => a.SubnetId).Distinct().ToArray() } },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand("DELETE FROM free_address WHERE (subnet_id, address) IN (SELECT s, a FROM unnest($1, $2) AS t (s, a))")
            {
                Parameters = { new() { Value = ordered.ConvertAll(a => a.SubnetId) }, Inet(ordered.ConvertAll(a => a.Address)) },
            });
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

    private static NpgsqlParameter Inet(object value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };

    private static SortedDictionary<int, int> Wanted(List<Cursor> cursors)
    {
        var wanted = new SortedDictionary<int, int>();
        foreach (var cursor in cursors)
            foreach (var subnet in cursor.Missing()) wanted[subnet] = wanted.GetValueOrDefault(subnet) + 1;
        return wanted;
    }

    private static async Task<Dictionary<int, Queue<IPAddress>>> TakeRoundAsync(
        NpgsqlConnection connection, long? catalogVersion, SortedDictionary<int, int> wanted, IReadOnlyList<NodePortDemand> nodePorts, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (catalogVersion is not null) batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT version FROM catalog"));
        if (wanted.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT subnet, taken, refill FROM cn2_take($1, $2)")
            {
                Parameters = { new() { Value = wanted.Keys.ToArray() }, new() { Value = wanted.Values.ToArray() } },
            });
        }

        var ports = nodePorts.GroupBy(p => p.Protocol).OrderBy(g => g.Key).ToList();
        if (ports.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT proto, taken FROM cn2_take_node_ports($1, $2)")
            {
                Parameters = { new() { Value = ports.ConvertAll(g => (int)g.Key) }, new() { Value = ports.ConvertAll(g => g.Sum(p => p.Count)) } },
            });
        }

        var got = new Dictionary<int, Queue<IPAddress>>();
        int? dry = null;
        if (batch.BatchCommands.Count == 0) return got;
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (catalogVersion is not null)
        {
            await reader.ReadAsync(ct);
            if (reader.GetInt64(0) != catalogVersion) throw new CatalogMovedException();
            await reader.NextResultAsync(ct);
        }

        if (wanted.Count > 0)
        {
            while (await reader.ReadAsync(ct))
            {
                var subnet = reader.GetInt32(0);
                if (reader.GetBoolean(2))
                {
                    dry = subnet;
                    continue;
                }

                if (!got.TryGetValue(subnet, out var addresses)) got[subnet] = addresses = new Queue<IPAddress>();
                addresses.Enqueue(reader.GetFieldValue<IPAddress>(1));
            }

            await reader.NextResultAsync(ct);
        }

        if (dry is { } id) throw new PoolRunDryException(id, wanted[id]);
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

    private static async Task GiveBackAsync(NpgsqlConnection connection, Dictionary<int, Queue<IPAddress>> spare, CancellationToken ct)
    {
        var rest = spare.SelectMany(s => s.Value.Select(a => new PooledAddress(s.Key, a))).ToList();
        if (rest.Count == 0) return;
        await using var command = new NpgsqlCommand("INSERT INTO free_address (subnet_id, address) SELECT s, a FROM unnest($1, $2) AS t (s, a) ON CONFLICT DO NOTHING", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = rest.ConvertAll(a => a.SubnetId) });
        command.Parameters.Add(Inet(rest.ConvertAll(a => a.Address)));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The progress of one demand: the option, and in each of its families the subnet that is tried.</summary>
    private sealed class Cursor
    {
        private readonly AddressDemand _demand;
        private int _option = -1;
        private int[] _subnet = [];
        private PooledAddress?[] _taken = [];
        private bool _done;

        public Cursor(AddressDemand demand)
        {
            _demand = demand;
            demand.Chosen = -1;
            demand.Taken = [];
            NextOption();
        }

        public IEnumerable<int> Missing()
        {
            if (_done) yield break;
            for (var f = 0; f < _taken.Length; f++)
            {
                if (_taken[f] is null) yield return _demand.Options[_option].SubnetsOfFamily[f][_subnet[f]];
            }
        }

        /// <summary>Takes from the addresses of this round. A subnet without one is exhausted, so the demand moves to the next subnet or option.</summary>
        public void Serve(Dictionary<int, Queue<IPAddress>> got)
        {
            if (_done) return;
            var option = _demand.Options[_option];
            var failed = false;
            for (var f = 0; f < _taken.Length; f++)
            {
                if (_taken[f] is not null) continue;
                var subnet = option.SubnetsOfFamily[f][_subnet[f]];
                if (got.TryGetValue(subnet, out var addresses) && addresses.TryDequeue(out var address)) _taken[f] = new PooledAddress(subnet, address);
                else if (++_subnet[f] == option.SubnetsOfFamily[f].Count) failed = true;
            }

            if (failed)
            {
                foreach (var taken in _taken)
                {
                    if (taken is not { } back) continue;
                    if (!got.TryGetValue(back.SubnetId, out var addresses)) got[back.SubnetId] = addresses = new Queue<IPAddress>();
                    addresses.Enqueue(back.Address);
                }

                NextOption();
            }
            else if (Array.TrueForAll(_taken, t => t is not null))
            {
                _done = true;
                _demand.Chosen = _option;
                _demand.Taken = Array.ConvertAll(_taken, t => t!.Value);
            }
        }

        private void NextOption()
        {
            do _option++;
            while (_option < _demand.Options.Count && _demand.Options[_option].SubnetsOfFamily.Any(s => s.Count == 0));
            if (_option == _demand.Options.Count)
            {
                _done = true;
                return;
            }

            _subnet = new int[_demand.Options[_option].SubnetsOfFamily.Length];
            _taken = new PooledAddress?[_subnet.Length];
        }
    }
}
