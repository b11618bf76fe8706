using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Addressing;

namespace CN2.Api.ExternalNetworks;

/// <summary>The parts of a BgpRouter that the conditions of an overlay network depend on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="AddressFamilies">Its configured address families.</param>
/// <param name="ChangedAt">When it was last changed.</param>
internal sealed record OverlayPeer(string Name, IReadOnlyList<string> AddressFamilies, DateTimeOffset ChangedAt);

/// <summary>
/// What the configuration alone says about an overlay network: whether routers would accept its routes. Whether the routes were sent is
/// in the statuses of its Services.
/// </summary>
internal static class OverlayConditions
{
    private const int NamesShown = 3;

    /// <summary>
    /// Unknown while the network has only the automatic target: the configuration of the routers cannot be seen from here.
    /// </summary>
    public static ConditionBody RouteTargets(ExternalNetworkRow row, ExternalNetworkSpec spec, RouteTarget? automatic)
    {
        var exports = spec.RouteTargets.Count + spec.ExportRouteTargets.Count > 0;
        var imports = spec.RouteTargets.Count + spec.ImportRouteTargets.Count > 0;
        var (status, reason, message) = (exports, imports, automatic) switch
        {
            (true, true, _) => ("True", "Configured",
                $"Routers that import {Some(spec.RouteTargets.Concat(spec.ExportRouteTargets))} learn its addresses; what they export with {Some(spec.RouteTargets.Concat(spec.ImportRouteTargets))} is imported."),
            (false, _, null) => ("False", "NoRouteTarget",
                $"Its routes have no route target (behind a 4-byte AS there is no automatic one for network number {row.Number}), so they are not advertised; add routeTargets or exportRouteTargets."),
            (true, false, null) => ("False", "NoRouteTarget",
                "It imports no route target, so replies find no way back into the VPN; add routeTargets or importRouteTargets."),
            (false, false, _) => ("Unknown", "AutomaticRouteTargetOnly",
                $"Routers import it only if they are configured for {automatic}, its automatic route target, and are heard only if they export with it; add routeTargets, such as target:64512:1, or configure the router's VPN for {automatic}."),
            (false, true, _) => ("Unknown", "AutomaticRouteTargetOnly",
                $"Routers import it only if they are configured for {automatic}, its automatic route target; add routeTargets or exportRouteTargets, or let the router's VPN import {automatic}."),
            (true, false, _) => ("Unknown", "AutomaticRouteTargetOnly",
                $"Only what routers export with {automatic}, its automatic route target, is imported, and without a route replies find no way back into the VPN; add routeTargets or importRouteTargets, or let the router's VPN export {automatic}."),
        };
        return new ConditionBody("RouteTargets", status, reason, message, row.Generation, row.UpdatedAt);
    }

    /// <summary>Whether the configured BgpRouters accept the families that the subnets need. It does not depend on their sessions.</summary>
    public static ConditionBody AddressFamilies(ExternalNetworkRow row, ExternalNetworkSpec spec, bool bgpEnabled, IReadOnlyList<OverlayPeer> peers)
    {
        var since = peers.Select(p => p.ChangedAt).Append(row.UpdatedAt).Max();
        if (!bgpEnabled)
        {
            return new ConditionBody("AddressFamilies", "False", "BgpDisabled",
                "The BGP engine is switched off (Bgp:Engine is none); set it to gobgp to announce routes.", row.Generation, row.UpdatedAt);
        }

        var missing = FamiliesOf(spec).Where(f => !peers.Any(p => p.AddressFamilies.Contains(f))).ToList();
        if (missing.Count > 0)
        {
            return new ConditionBody("AddressFamilies", "False", "NoPeer",
                $"No BgpRouter that is not adminDown lists {string.Join(" or ", missing)}; create one, or add the family to its addressFamilies.", row.Generation, since);
        }

        var takers = FamiliesOf(spec).Select(f => $"{f} is taken by {Some(peers.Where(p => p.AddressFamilies.Contains(f)).Select(p => p.Name))}");
        return new ConditionBody("AddressFamilies", "True", "Configured",
            $"Of the BgpRouters as configured {string.Join(", ", takers)}; whether their sessions are up is in their statuses.", row.Generation, since);
    }

    private static IEnumerable<string> FamiliesOf(ExternalNetworkSpec spec) =>
        spec.Subnets.Select(s => SubnetPlans.Of(s).Family == IPFamily.IPv6 ? "inet6-vpn" : "inet-vpn").Distinct().Order(StringComparer.Ordinal);

    private static string Some(IEnumerable<string> names)
    {
        var all = names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return string.Join(", ", all.Take(NamesShown)) + (all.Count > NamesShown ? $" and {all.Count - NamesShown} more" : "");
    }
}
