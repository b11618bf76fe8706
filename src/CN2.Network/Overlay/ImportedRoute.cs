using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Overlay;

/// <summary>The key of a VPN route: the peer that sent it, the route distinguisher as text, the prefix.</summary>
public readonly record struct ImportedRouteKey(string Peer, string RouteDistinguisher, IPNetwork Prefix);

/// <summary>A vpnv4 or vpnv6 route learned from a peer (RFC 4364). Value equality.</summary>
public sealed record ImportedRoute
{
    public required ImportedRouteKey Key { get; init; }

    /// <summary>The outer destination. It is IPv4 for vpnv6 too, where it arrives as an IPv4-mapped address (RFC 4659).</summary>
    public required IPAddress NextHop { get; init; }

    public required uint Label { get; init; }
    public required EquatableList<RouteTarget> RouteTargets { get; init; }

    /// <summary>Tunnel types of the encapsulation community (RFC 9012 §4.1): 2 GRE, 11 MPLS-in-GRE, 13 MPLS-in-UDP. Empty: the route has no such community.</summary>
    public EquatableList<ushort> Encapsulations { get; init; } = [];

    public uint LocalPreference { get; init; } = 100;
    public uint Med { get; init; }
    public int ASPathLength { get; init; }
}

/// <summary>A route that was learned or changed, or (<see cref="Route"/> null) withdrawn.</summary>
public readonly record struct ImportedRouteChange(ImportedRouteKey Key, ImportedRoute? Route);
