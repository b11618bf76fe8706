using System.Net.Sockets;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers;

/// <summary>
/// Which paths BGP can carry, the same for every speaker. The engines check little themselves: gobgpd 3.10 accepts a prefix "garbage",
/// host bits, labels of 2^20, and silently cuts numbers that are too large.
/// </summary>
internal static class PathLimits
{
    /// <summary>A BGP message has 4096 bytes (RFC 4271 §4); it must hold the path with all its communities, of up to 12 bytes each.</summary>
    public const int MaxCommunities = 200;

    /// <summary>The same for route targets, of 8 bytes each.</summary>
    public const int MaxRouteTargets = 100;

    /// <summary>A sentence for the user when this path cannot be announced; null when it can.</summary>
    public static string? Fault(BgpPath path)
    {
        if (HostAddress.FaultOf(path.Prefix) is { } fault) return $"{path.Prefix} cannot be announced: {fault}";
        if (HostAddress.FaultOf(path.NextHop) is { } hopFault) return $"{path.Prefix} cannot be announced with its next hop: {hopFault}";
        if (path.Vpn is { } vpn)
        {
            if (VpnFault(path, vpn) is { } vpnFault) return vpnFault;
        }
        else if (path.Prefix.AddressFamily != path.NextHop.AddressFamily)
        {
            return $"Next hop {path.NextHop} is of another address family than {path.Prefix}: give the VirtualRouter an address of that family.";
        }

        if (path.Communities.Count > MaxCommunities) return $"{path.Communities.Count} communities are too many: at most {MaxCommunities} fit into a BGP message.";
        if (path.LargeCommunities.Count > MaxCommunities) return $"{path.LargeCommunities.Count} large communities are too many: at most {MaxCommunities} fit into a BGP message.";
        return null;
    }

    private static string? VpnFault(BgpPath path, BgpVpn vpn)
    {
        if (path.NextHop.AddressFamily != AddressFamily.InterNetwork)
            return $"The next hop of a VPN route must be an IPv4 address, and {path.NextHop} is not: give the VirtualRouter an IPv4 address.";
        if (!vpn.RouteDistinguisher.Administrator.Equals(path.NextHop) || vpn.RouteDistinguisher.Number == 0)
            return $"Route distinguisher {vpn.RouteDistinguisher} must be next hop {path.NextHop} and the number of a RoutingInstance.";
        if (!MplsLabel.IsUsable(vpn.Label)) return $"Label {vpn.Label} cannot be advertised: labels are {MplsLabel.First} to {MplsLabel.Last}.";
        if (vpn.RouteTargets.Count > MaxRouteTargets) return $"{vpn.RouteTargets.Count} route targets are too many: at most {MaxRouteTargets} fit into a BGP message.";
        foreach (var target in vpn.RouteTargets)
            if (Fault(target) is { } fault) return fault;
        return null;
    }

    /// <summary>A sentence when the numbers of this route target do not fit its encoding (RFC 4360 §3); null when they do.</summary>
    public static string? Fault(RouteTarget target) => target.Kind switch
    {
        RouteTargetKind.TwoOctetAS when target.Administrator > ushort.MaxValue => $"Route target {target}: its AS number must be at most {ushort.MaxValue}.",
        RouteTargetKind.TwoOctetAS => null,
        RouteTargetKind.FourOctetAS or RouteTargetKind.IPv4Address when target.Number > ushort.MaxValue =>
            $"Route target {target}: its last number must be at most {ushort.MaxValue}.",
        RouteTargetKind.FourOctetAS or RouteTargetKind.IPv4Address => null,
        _ => $"Route target {target} has an unknown type.",
    };
}
