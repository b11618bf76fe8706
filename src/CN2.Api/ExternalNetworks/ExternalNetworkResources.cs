using System.Globalization;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Grants;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.ExternalNetworks;

/// <summary>Makes the representations of ExternalNetworks; a page costs one query for the use of its subnets, and one each for grants, users and BgpRouters.</summary>
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
                Weighted = spec.Advertisement.Weighted,
            },
            Priority = row.Priority,
            AutoAssign = row.AutoAssign,
            AnswerPing = spec.AnswerPing,
            QuarantineSeconds = row.QuarantineSeconds,
            AllowedNamespaces = spec.AllowedNamespaces,
        };
    }

    /// <summary>The same on a context's connection.</summary>
    public async Task<IReadOnlyList<ExternalNetworkResource>> ReadAsync(CN2DbContext db, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct) =>
        await ReadAsync(await db.OpenSqlAsync(ct), rows, ct);

    /// <summary>The representations, in the order of <paramref name="rows"/>.</summary>
    public async Task<List<ExternalNetworkResource>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        var use = await SubnetUse.ReadAsync(connection, [.. rows.Select(r => r.Uid)], ct);
        var grants = await GrantTable.ReadAsync(connection, [.. rows.Select(r => r.Namespace).Distinct(StringComparer.Ordinal)], ct);
        var users = await NetworkUsers.ReadAsync(connection, rows, ct);
        var peers = rows.All(r => r.FabricForwarding) ? [] : await PeersAsync(connection, ct);
        return rows.Select(r => Make(r, cidr => use.GetValueOrDefault((r.Uid, cidr)) ?? SubnetUse.None, peers,
        [
            .. TenantConditions.WithinGrant(r, grants.Find(g => g.Namespace == r.Namespace)),
            .. TenantConditions.AllowedUsers(r, users),
        ])).ToList();
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

    private ExternalNetworkResource Make(ExternalNetworkRow row, Func<string, SubnetUse> use, List<OverlayPeer> peers, IReadOnlyList<ConditionBody> ofTenants) => StoredDocument.Make(
        row,
        () => Make(row, ApiJson.Read<ExternalNetworkSpec>(row.Spec), use, peers, ofTenants),
        condition =>
        {
            var resource = Make(row, new ExternalNetworkSpec(), use, peers, []);
            return resource with { Status = resource.Status with { State = ResourceState.Failure, Conditions = [condition] } };
        });

    private ExternalNetworkResource Make(
        ExternalNetworkRow row, ExternalNetworkSpec spec, Func<string, SubnetUse> use, List<OverlayPeer> peers, IReadOnlyList<ConditionBody> ofTenants)
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
            AnswerPing = spec.AnswerPing,
            QuarantineSeconds = row.QuarantineSeconds,
            AllowedNamespaces = spec.AllowedNamespaces,
            Status = new ExternalNetworkStatus(
                ResourceState.Success,
                spec.Subnets.ConvertAll(s =>
                {
                    var plan = SubnetPlans.Of(s);
                    var used = use(s.Cidr);
                    return new SubnetStatus(s.Cidr, Text(plan.Capacity), Text((UInt128)used.Held), Text(used.AvailableOf(plan)), Text((UInt128)used.Resting));
                }),
                row.FabricForwarding ? null : new RoutingInstanceStatus(
                    row.Number, MplsLabel.Of(row.Number), Texts(spec.ImportRouteTargets, spec, row), Texts(spec.ExportRouteTargets, spec, row)),
                StoredDocument.Conditions(row, row.FabricForwarding ? ofTenants :
                [
                    OverlayConditions.RouteTargets(row, spec, RouteTarget.Automatic(bgp.AutonomousSystem, row.Number)),
                    OverlayConditions.AddressFamilies(row, spec, bgp.Enabled, peers),
                    .. ofTenants,
                ])),
        };
    }

    private List<string> Texts(IEnumerable<string> ofDirection, ExternalNetworkSpec spec, ExternalNetworkRow row) =>
        [.. spec.RouteTargetsWith(ofDirection, bgp.AutonomousSystem, row.Number).Select(t => t.ToString())];

    private static string Text(UInt128 number) => number.ToString(CultureInfo.InvariantCulture);
}
