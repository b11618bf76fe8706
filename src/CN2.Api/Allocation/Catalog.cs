using System.Net;
using CN2.Api.Data.Documents;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Resources;
using CN2.Network.Selection;
using Npgsql;
using LabelExpression = CN2.Network.Selection.LabelExpression;

namespace CN2.Api.Allocation;

/// <summary>
/// The few rows that decide where an address comes from, kept in memory. Triggers move <c>catalog.version</c> with every change of
/// them; a transaction that allocates compares it in its first statement and starts again with a fresh copy when it has moved, so a
/// replica never decides on what another has changed.
/// </summary>
public sealed class Catalog(ServiceNetworkOptions serviceNetwork)
{
    private CatalogSnapshot? _current;

    /// <summary>What was last read; whoever writes on it must have the version compared.</summary>
    public async ValueTask<CatalogSnapshot> CurrentAsync(NpgsqlConnection connection, CancellationToken ct) =>
        Volatile.Read(ref _current) ?? await ReloadAsync(connection, ct);

    /// <summary>The current catalog, compared with the database: for reads and for writes that do not allocate.</summary>
    public async Task<CatalogSnapshot> VerifiedAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var current = await CurrentAsync(connection, ct);
        await using var command = new NpgsqlCommand("SELECT version FROM catalog", connection);
        return (long)(await command.ExecuteScalarAsync(ct))! == current.Version ? current : await ReloadAsync(connection, ct);
    }

    /// <summary>Reads it anew; not inside a transaction that already took a snapshot.</summary>
    public async Task<CatalogSnapshot> ReloadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // One statement, so one snapshot: the version belongs to the rows.
        await using var command = new NpgsqlCommand(
            """
            SELECT 0, (SELECT version FROM catalog), NULL::uuid, NULL::text, NULL::text, NULL::jsonb, NULL::int, NULL::boolean, NULL::boolean, NULL::text, NULL::inet
            UNION ALL SELECT 1, NULL, uid, NULL, name, labels, NULL, NULL, NULL, NULL, NULL FROM namespace
            UNION ALL SELECT 2, NULL, uid, namespace, name, labels, priority, auto_assign, fabric_forwarding, NULL, NULL FROM external_network
            UNION ALL SELECT 3, position, external_network_uid, NULL, cidr::text, NULL, id, NULL, NULL, NULL, gateway FROM subnet
            UNION ALL SELECT 4, NULL, uid, NULL, name, NULL, NULL, NULL, NULL, spec::text, NULL FROM external_network_selector
            """, connection);
        long version = 0;
        var namespaces = new Dictionary<string, LabelSet>(StringComparer.Ordinal);
        var networks = new List<CatalogNetwork>();
        var subnets = new List<(Guid? Network, long Position, CatalogSubnet Subnet)>();
        var selectors = new List<NetworkSelector>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                switch (reader.GetInt32(0))
                {
                    case 0: version = reader.GetInt64(1); break;
                    case 1: namespaces[reader.GetString(4)] = Labels(reader); break;
                    case 2:
                        networks.Add(new CatalogNetwork
                        {
                            Uid = reader.GetGuid(2),
                            Id = new NamespacedName(reader.GetString(3), reader.GetString(4)),
                            Labels = Labels(reader),
                            Priority = reader.GetInt32(6),
                            AutoAssign = reader.GetBoolean(7),
                            FabricForwarding = reader.GetBoolean(8),
                            Subnets = [],
                        });
                        break;
                    case 3:
                        subnets.Add((reader.IsDBNull(2) ? null : reader.GetGuid(2), reader.GetInt64(1),
                            new CatalogSubnet(reader.GetInt32(6), IPNetwork.Parse(reader.GetString(4)), reader.IsDBNull(10) ? null : reader.GetFieldValue<IPAddress>(10))));
                        break;
                    case 4: selectors.Add(Selector(reader.GetString(4), reader.GetString(9))); break;
                }
            }
        }

        var ofNetwork = subnets.Where(s => s.Network is not null).ToLookup(s => s.Network!.Value);
        var snapshot = new CatalogSnapshot(
            version,
            namespaces,
            networks.ConvertAll(n => n with { Subnets = ofNetwork[n.Uid].OrderBy(s => s.Position).Select(s => s.Subnet).ToArray() }),
            selectors,
            // Only the pools that are configured now are handed out from; an older one stays for those who hold its addresses.
            subnets.Where(s => s.Network is null && (s.Subnet.Cidr.Equals(serviceNetwork.V4) || s.Subnet.Cidr.Equals(serviceNetwork.V6))).Select(s => s.Subnet).ToArray());
        Volatile.Write(ref _current, snapshot);
        return snapshot;

        static NetworkSelector Selector(string name, string spec)
        {
            var (networks, namespaces) = ApiJson.Read<ExternalNetworkSelectorSpec>(spec);
            return new NetworkSelector(name, Read(networks), namespaces is null ? null : Read(namespaces));
        }

        static LabelSelector? Read(LabelSelectorBody body) => LabelSelector.Make(
            body.MatchLabels, body.MatchExpressions?.ConvertAll(e => new LabelExpression(e.Key, e.Operator?.ToString(), e.Values))).Selector;

        static LabelSet Labels(NpgsqlDataReader reader) => LabelSet.Of(System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(reader.GetString(5))!);
    }
}
