using System.Globalization;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.ExternalNetworks;

/// <summary>Makes the representations of ExternalNetworks; a page costs one query for the use of its subnets and one for the BgpRouters.</summary>
public sealed class ExternalNetworkResources(BgpOptions bgp)
{
    public static ExternalNetworkRequest ToRequest(ExternalNetworkRow row)
    {
        var spec = ApiJson.Read<ExternalNetworkSpec>(row.Spec);
        return new ExternalNetworkRequest
        {
            Name = row.Name,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Subnets = spec.Subnets.ConvertAll(s => new SubnetRequest
            {
                Cidr = s.Cidr,
                Gateway = s.Gateway,
                Ranges = s.Ranges.ConvertAll(r => new AddressRangeBody { From = r.From, To = r.To }),
                Reserved = s.Reserved,
            }),
            FabricForwarding = row.FabricForwarding,
            RouteTargets = spec.RouteTargets,
            ImportRouteTargets = spec.ImportRouteTargets,
            ExportRouteTargets = spec.ExportRouteTargets,
            Advertisement = new AdvertisementRequest
            {
                LocalPreference = spec.Advertisement.LocalPreference,
                Med = spec.Advertisement.Med,
                Communities = spec.Advertisement.Communities,
                LargeCommunities = spec.Advertisement.LargeCommunities,
            },
            Priority = row.Priority,
            AutoAssign = row.AutoAssign,
        };
    }

    /// <summary>The same on a context's connection.</summary>
    public async Task<IReadOnlyList<ExternalNetworkResource>> ReadAsync(CN2DbContext db, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct) =>
        await ReadAsync(await db.OpenSqlAsync(ct), rows, ct);

    /// <summary>The representations, in the order of <paramref name="rows"/>.</summary>
    public async Task<List<ExternalNetworkResource>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        var held = new Dictionary<(Guid Network, string Cidr), (long All, long InRanges)>();
        await using (var command = new NpgsqlCommand(
            """
            SELECT s.external_network_uid, s.cidr::text, h.total, h.inside
            FROM subnet s CROSS JOIN LATERAL (
                SELECT count(*) AS total,
                    count(*) FILTER (WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = s.id AND f.address BETWEEN r.first AND r.last)) AS inside
                FROM floating_ip f WHERE f.subnet_id = s.id) h
            WHERE s.external_network_uid = ANY($1)
            """, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(r => r.Uid)] });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) held[(reader.GetGuid(0), reader.GetString(1))] = (reader.GetInt64(2), reader.GetInt64(3));
        }

        var peers = rows.All(r => r.FabricForwarding) ? [] : await PeersAsync(connection, ct);
        return rows.Select(r => Make(r, cidr => held.GetValueOrDefault((r.Uid, cidr)), peers)).ToList();
    }

    /// <summary>The BgpRouters that are not adminDown.</summary>
    private static async Task<List<OverlayPeer>> PeersAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var peers = new List<OverlayPeer>();
        await using var command = new NpgsqlCommand("SELECT name, spec::text, updated_at FROM bgp_router ORDER BY name", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            // One that cannot be read is named by its own condition.
            if (StoredDocument.ReadOr<BgpRouterSpec>(reader.GetString(1), null) is { AdminDown: false } spec) peers.Add(new OverlayPeer(reader.GetString(0), spec.AddressFamilies, reader.GetFieldValue<DateTimeOffset>(2)));
        }

        return peers;
    }

    private ExternalNetworkResource Make(ExternalNetworkRow row, Func<string, (long All, long InRanges)> held, List<OverlayPeer> peers) => StoredDocument.Make(
        row,
        () => Make(row, ApiJson.Read<ExternalNetworkSpec>(row.Spec), held, peers),
        condition =>
        {
            var resource = Make(row, new ExternalNetworkSpec(), held, peers);
            return resource with { Status = resource.Status with { State = ResourceState.Failure, Conditions = [condition] } };
        });

    private ExternalNetworkResource Make(ExternalNetworkRow row, ExternalNetworkSpec spec, Func<string, (long All, long InRanges)> held, List<OverlayPeer> peers)
    {
        return new ExternalNetworkResource
        {
            Name = row.Name,
            Namespace = row.Namespace,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Subnets = spec.Subnets,
            FabricForwarding = row.FabricForwarding,
            RouteTargets = spec.RouteTargets,
            ImportRouteTargets = spec.ImportRouteTargets,
            ExportRouteTargets = spec.ExportRouteTargets,
            Advertisement = spec.Advertisement,
            Priority = row.Priority,
            AutoAssign = row.AutoAssign,
            Status = new ExternalNetworkStatus(
                ResourceState.Success,
                spec.Subnets.ConvertAll(s =>
                {
                    var capacity = SubnetPlans.Of(s).Capacity;
                    var (all, inRanges) = held(s.Cidr);
                    return new SubnetStatus(s.Cidr, Text(capacity), Text((UInt128)all), Text(capacity - (UInt128)inRanges));
                }),
                row.FabricForwarding ? null : new RoutingInstanceStatus(
                    row.Number, MplsLabel.Of(row.Number), Texts(spec.ImportRouteTargets, spec, row), Texts(spec.ExportRouteTargets, spec, row)),
                row.FabricForwarding ? [] :
                [
                    OverlayConditions.RouteTargets(row, spec, RouteTarget.Automatic(bgp.AutonomousSystem, row.Number)),
                    OverlayConditions.AddressFamilies(row, spec, bgp.Enabled, peers),
                ]),
        };
    }

    private List<string> Texts(IEnumerable<string> ofDirection, ExternalNetworkSpec spec, ExternalNetworkRow row) =>
        [.. spec.RouteTargetsWith(ofDirection, bgp.AutonomousSystem, row.Number).Select(t => t.ToString())];

    private static string Text(UInt128 number) => number.ToString(CultureInfo.InvariantCulture);
}
