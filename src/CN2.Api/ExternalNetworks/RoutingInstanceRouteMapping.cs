using System.Globalization;
using CN2.Api.FloatingIPs;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.ExternalNetworks;

/// <summary>Makes the representations of own and imported routes.</summary>
internal static class RoutingInstanceRouteMapping
{
    public const string Own = "own";

    /// <summary>The encapsulations that every own VPN route offers (docs/contract.md §4).</summary>
    private static readonly IReadOnlyList<string> OwnEncapsulations = ["MPLS-in-UDP", "GRE"];

    public static RoutingInstanceRoute Of(FloatingIPRouteBody route, NamespacedName floatingIP, NamespacedName? service) => new()
    {
        Prefix = route.Prefix,
        Family = route.Family,
        Source = Own,
        FloatingIP = floatingIP.ToString(),
        Service = service?.ToString(),
        NextHop = route.NextHop,
        RouteDistinguisher = route.RouteDistinguisher,
        Label = route.Label,
        Encapsulations = route.Label is null ? [] : OwnEncapsulations,
        RouteTargets = route.RouteTargets ?? [],
        LocalPreference = route.LocalPreference,
        Med = route.Med,
        ControlNodes = route.ControlNodes,
    };

    /// <param name="route">The imported route.</param>
    /// <param name="used">True: one of the best routes to its prefix.</param>
    public static RoutingInstanceRoute Of(ImportedRoute route, bool used) => new()
    {
        Prefix = route.Key.Prefix.ToString(),
        Family = route.Key.Prefix.FamilyOf() == IPFamily.IPv6 ? "inet6-vpn" : "inet-vpn",
        Source = route.Key.Peer,
        NextHop = route.NextHop.ToString(),
        RouteDistinguisher = route.Key.RouteDistinguisher,
        Label = route.Label,
        Encapsulations = [.. route.Encapsulations.Select(NameOf)],
        RouteTargets = [.. route.RouteTargets.Select(t => t.ToString())],
        LocalPreference = route.LocalPreference,
        Med = route.Med,
        AsPathLength = route.ASPathLength,
        Used = used,
        UnusedReason = used ? null : VpnPathSelection.FaultOf(route)?.ToString() ?? "BetterRoute",
    };

    /// <summary>The name of a tunnel type in the encapsulation community (RFC 9012 §4.1).</summary>
    private static string NameOf(ushort tunnelType) => tunnelType switch
    {
        2 => "GRE",
        8 => "VXLAN",
        11 => "MPLS-in-GRE",
        13 => "MPLS-in-UDP",
        _ => "type-" + tunnelType.ToString(CultureInfo.InvariantCulture),
    };
}
