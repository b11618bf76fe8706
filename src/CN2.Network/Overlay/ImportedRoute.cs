using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Overlay;

/// <summary>What makes a VPN route one: who told it, its route distinguisher as text, its prefix.</summary>
public readonly record struct ImportedRouteKey(string Peer, string RouteDistinguisher, IPNetwork Prefix);

/// <summary>A vpnv4 or vpnv6 route learned from a peer (RFC 4364). Value equality.</summary>
public sealed record ImportedRoute
{
    public required ImportedRouteKey Key { get; init; }

    /// <summary>The outer destination; IPv4 also for vpnv6 (there it arrives as an IPv4-mapped address, RFC 4659).</summary>
    public required IPAddress NextHop { get; init; }

    public required uint Label { get; init; }
    public required EquatableList<RouteTarget> RouteTargets { get; init; }

    /// <summary>Tunnel types of the encapsulation community (RFC 9012 §4.1): 2 GRE, 11 MPLS-in-GRE, 13 MPLS-in-UDP. Empty: nothing was said.</summary>
    public EquatableList<ushort> Encapsulations { get; init; } = [];

    public uint LocalPreference { get; init; } = 100;
    public uint Med { get; init; }
    public int ASPathLength { get; init; }
}

/// <summary>A route that was learned or changed, or (<see cref="Route"/> null) is gone.</summary>
public readonly record struct ImportedRouteChange(ImportedRouteKey Key, ImportedRoute? Route);
