using System.Net;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Lab;
using Npgsql;

namespace CN2.Model.Tests.Invariants;

/// <summary>A path in a BGP table: prefix, next hop and attributes as text.</summary>
internal sealed record RibPath(string Prefix, string NextHop, string Attributes);

/// <summary>A subnet's pools as the database has them; addresses as text.</summary>
internal sealed record Pool(int Id, Guid? Network, IPNetwork Cidr, IPAddress? Gateway, IReadOnlyList<(IPAddress First, IPAddress Last, IPAddress? FilledTo)> Ranges, HashSet<IPAddress> Free, HashSet<IPAddress> Held, HashSet<IPAddress> Resting);

/// <summary>Everything there is to compare, read at one moment of rest: the API's view, the database, gobgpd, the router, the kernels.</summary>
internal sealed record Reality
{
    public required List<JsonObject> Services { get; init; }
    public required List<JsonObject> FloatingIPs { get; init; }
    public required List<JsonObject> Interfaces { get; init; }
    public required List<JsonObject> Networks { get; init; }
    public required List<JsonObject> Namespaces { get; init; }
    public required List<JsonObject> Selectors { get; init; }
    public required List<JsonObject> VirtualRouters { get; init; }
    public required HashSet<RibPath> Rib { get; init; }
    public required HashSet<RibPath> RouterRib { get; init; }
    public required IReadOnlyDictionary<string, NodeTable> Tables { get; init; }
    public required List<Pool> Pools { get; init; }
    public required HashSet<(int Protocol, int Port)> HeldNodePorts { get; init; }
    public required HashSet<(int Protocol, int Port)> FreeNodePorts { get; init; }

    /// <summary>Address and next hop of each row of <c>advertisement</c>.</summary>
    public required HashSet<(string Address, string NextHop)> Advertisements { get; init; }

    public static async Task<Reality> ReadAsync(ModelLab lab, ApiClient api)
    {
        var (pools, held, free, advertisements) = await ReadDatabaseAsync(lab);
        return new Reality
        {
            Services = await api.ListAsync("services"),
            FloatingIPs = await api.ListAsync("floating-ips"),
            Interfaces = await api.ListAsync("virtual-machine-interfaces"),
            Networks = await api.ListAsync("external-networks"),
            Namespaces = await api.ListAsync("namespaces"),
            Selectors = await api.ListAsync("external-network-selectors"),
            VirtualRouters = await api.ListAsync("virtual-routers"),
            Rib = [.. ReadRib(lab, lab.GobgpTarget, "ipv4"), .. ReadRib(lab, lab.GobgpTarget, "ipv6")],
            RouterRib = [.. ReadRib(lab, lab.RouterTarget, "ipv4"), .. ReadRib(lab, lab.RouterTarget, "ipv6")],
            Tables = lab.Nodes.ToDictionary(n => n.Key, n => NodeTable.Read(n.Value)),
            Pools = pools,
            HeldNodePorts = held,
            FreeNodePorts = free,
            Advertisements = advertisements,
        };
    }

    public static IEnumerable<RibPath> ReadRib(ModelLab lab, string target, string family)
    {
        var (code, output) = Command.Try("gobgp", "--target", target, "global", "rib", "-a", family, "-j");
        if (code != 0) throw new IOException($"gobgp: {output}");
        if (JsonNode.Parse(output) is not JsonObject table) yield break;
        foreach (var (prefix, paths) in table)
        {
            foreach (var path in paths!.AsArray())
            {
                var attributes = path!["attrs"]!.AsArray();
                JsonNode? Attribute(int type) => attributes.FirstOrDefault(a => (int)a!["type"]! == type);
                var communities = Attribute(8)?["communities"]?.AsArray().Select(c => (uint)c!).Order().Select(c => $"{c >> 16}:{c & 0xffff}") ?? [];
                yield return new RibPath(
                    prefix,
                    (string?)(Attribute(3) ?? Attribute(14))?["nexthop"] ?? "",
                    $"origin {Attribute(1)?["value"]} local-preference {Attribute(5)?["value"]} med {Attribute(4)?["metric"]} communities {string.Join(',', communities)}");
            }
        }
    }

    private static async Task<(List<Pool>, HashSet<(int, int)>, HashSet<(int, int)>, HashSet<(string, string)>)> ReadDatabaseAsync(ModelLab lab)
    {
        await using var connection = new NpgsqlConnection(lab.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        var pools = new List<Pool>();
        await ForEachAsync("SELECT id, external_network_uid, cidr, gateway FROM subnet ORDER BY id", r => pools.Add(new Pool(
            r.GetInt32(0), r.IsDBNull(1) ? null : r.GetGuid(1), r.GetFieldValue<IPNetwork>(2), r.IsDBNull(3) ? null : r.GetFieldValue<IPAddress>(3), new List<(IPAddress, IPAddress, IPAddress?)>(), [], [], [])));
        var byId = pools.ToDictionary(p => p.Id);
        await ForEachAsync("SELECT subnet_id, first, last, filled_to FROM subnet_range ORDER BY first", r =>
            ((List<(IPAddress, IPAddress, IPAddress?)>)byId[r.GetInt32(0)].Ranges).Add((r.GetFieldValue<IPAddress>(1), r.GetFieldValue<IPAddress>(2), r.IsDBNull(3) ? null : r.GetFieldValue<IPAddress>(3))));
        await ForEachAsync("SELECT subnet_id, address FROM free_address", r => byId[r.GetInt32(0)].Free.Add(r.GetFieldValue<IPAddress>(1)));
        await ForEachAsync("SELECT subnet_id, address FROM resting_address", r => byId[r.GetInt32(0)].Resting.Add(r.GetFieldValue<IPAddress>(1)));
        await ForEachAsync("SELECT subnet_id, address FROM floating_ip", r => byId[r.GetInt32(0)].Held.Add(r.GetFieldValue<IPAddress>(1)));
        var held = new HashSet<(int, int)>();
        await ForEachAsync("SELECT protocol, port FROM node_port", r => held.Add((r.GetInt16(0), r.GetInt32(1))));
        var free = new HashSet<(int, int)>();
        await ForEachAsync("SELECT protocol, port FROM free_node_port", r => free.Add((r.GetInt16(0), r.GetInt32(1))));
        var advertisements = new HashSet<(string, string)>();
        await ForEachAsync("SELECT host(f.address), h FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid CROSS JOIN LATERAL jsonb_array_elements_text(a.routes) h", r => advertisements.Add((r.GetString(0), r.GetString(1))));
        return (pools, held, free, advertisements);

        async Task ForEachAsync(string sql, Action<NpgsqlDataReader> row)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync()) row(reader);
        }
    }
}
