using System.Net;
using CN2.Api.Data;
using CN2.Network.Addressing;
using Npgsql;

namespace CN2.Api.ExternalNetworks;

/// <summary>Who has the addresses of a subnet.</summary>
/// <param name="Held">Addresses of FloatingIPs.</param>
/// <param name="HeldInRanges">Those of them in the ranges that are handed out automatically.</param>
/// <param name="OthersInRanges">
/// Addresses in these ranges of the infrastructure and, when the subnet is part of the underlay, of endpoints. Without those of
/// <paramref name="ServiceNetworks"/>, and without those that a FloatingIP holds.
/// </param>
/// <param name="Resting">Released addresses, in the ranges or not, that are in quarantine.</param>
/// <param name="ServiceNetworks">Networks of cluster IPs that overlap a subnet of the underlay, in ascending order: nothing of them is handed out.</param>
internal sealed record SubnetUse(long Held, long HeldInRanges, long OthersInRanges, long Resting, IReadOnlyList<IPNetwork> ServiceNetworks)
{
    public static SubnetUse None { get; } = new(0, 0, 0, 0, []);

    /// <summary>
    /// The use of every subnet of these networks, by network and prefix; one round trip. It reads the index entries in the ranges, never what lies
    /// outside of them.
    /// </summary>
    public static async Task<Dictionary<(Guid Network, string Cidr), SubnetUse>> ReadAsync(NpgsqlConnection connection, Guid[] networks, CancellationToken ct) =>
        (await Sql.ReadAllAsync(
            connection,
            """
            SELECT s.external_network_uid, s.cidr::text, h.total, h.inside, o.others, q.resting, coalesce(c.networks, '{}')
            FROM subnet s
            CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM subnet_scope u WHERE u.subnet_id = s.id AND u.scope = 'underlay') AS yes) underlay
            CROSS JOIN LATERAL (
                SELECT array_agg(c.cidr ORDER BY c.cidr) AS networks FROM subnet c WHERE underlay.yes AND c.external_network_uid IS NULL AND c.cidr && s.cidr) c
            CROSS JOIN LATERAL (
                SELECT (SELECT count(*) FROM floating_ip f WHERE f.subnet_id = s.id) AS total,
                    (SELECT count(*) FROM subnet_range r JOIN floating_ip f ON f.subnet_id = s.id AND f.address BETWEEN r.first AND r.last WHERE r.subnet_id = s.id) AS inside) h
            CROSS JOIN LATERAL (
                SELECT count(*) AS others FROM (
                    SELECT i.address FROM subnet_range r JOIN infrastructure_address i ON i.address BETWEEN r.first AND r.last WHERE r.subnet_id = s.id
                    UNION
                    SELECT e.address FROM subnet_range r JOIN interface_address e ON e.address BETWEEN r.first AND r.last WHERE r.subnet_id = s.id AND underlay.yes) a
                WHERE NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id AND f.address = a.address)
                  AND NOT coalesce(a.address <<= ANY (c.networks), false)) o
            CROSS JOIN LATERAL (SELECT count(*) AS resting FROM resting_address r WHERE r.subnet_id = s.id AND r.rests_until > now()) q
            WHERE s.external_network_uid = ANY($1)
            """,
            r => (Key: (r.GetGuid(0), r.GetString(1)), Use: new SubnetUse(r.GetInt64(2), r.GetInt64(3), r.GetInt64(4), r.GetInt64(5), r.GetFieldValue<IPNetwork[]>(6))),
            ct, Sql.Value(networks))).ToDictionary(u => u.Key, u => u.Use);

    /// <summary>How many addresses automatic allocation can still hand out.</summary>
    public UInt128 AvailableOf(SubnetPlan plan)
    {
        var outside = ServiceNetworks.Count == 0 ? plan.Capacity
            : AddressRanges.Subtract(plan.Runs, [.. ServiceNetworks.Select(n => AddressRange.Of(n.First(), n.Last(), n.FamilyOf()))]).Aggregate(UInt128.Zero, (sum, range) => sum + range.Count);
        var taken = (UInt128)(HeldInRanges + OthersInRanges);
        return taken < outside ? outside - taken : 0; // rows may be older than the rule: then a FloatingIP is in a service network
    }
}
