using System.Text.Json.Serialization;
using CN2.Api.FloatingIPs;

namespace CN2.Api.ExternalNetworks;

/// <summary>A route of a network's RoutingInstance: its own, or imported from a router. Members that do not apply are absent.</summary>
public sealed record RoutingInstanceRoute
{
    /// <summary>The destination, as a CIDR.</summary>
    public required string Prefix { get; init; }

    /// <summary>inet or inet6 (underlay; own routes only), inet-vpn or inet6-vpn.</summary>
    public required string Family { get; init; }

    /// <summary><c>own</c>, or the name of the BgpRouter that the route was imported from.</summary>
    public required string Source { get; init; }

    /// <summary>Own routes: the FloatingIP, <c>namespace/name</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FloatingIP { get; init; }

    /// <summary>Own routes: the Service that holds the FloatingIP, <c>namespace/name</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Service { get; init; }

    /// <summary>Own routes: the address of the vRouter. Imported routes: the end of the tunnel.</summary>
    public required string NextHop { get; init; }

    /// <summary>Overlay only: <c>AS:number</c> or <c>IPv4:number</c> (RFC 4364).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RouteDistinguisher { get; init; }

    /// <summary>The MPLS label of the VPN at the next hop.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public uint? Label { get; init; }

    /// <summary>
    /// Tunnels the next hop says it takes: MPLS-in-UDP, GRE, MPLS-in-GRE, VXLAN, or type-N. Empty: it said nothing, and GRE is assumed; in the
    /// underlay there are none.
    /// </summary>
    public required IReadOnlyList<string> Encapsulations { get; init; }

    /// <summary>The route targets; empty in the underlay.</summary>
    public required IReadOnlyList<string> RouteTargets { get; init; }

    /// <summary>LOCAL_PREF: higher is better.</summary>
    public required uint LocalPreference { get; init; }

    /// <summary>MULTI_EXIT_DISC: lower is better.</summary>
    public required uint Med { get; init; }

    /// <summary>Imported routes: the number of autonomous systems in the AS_PATH.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? AsPathLength { get; init; }

    /// <summary>Imported routes: whether vRouters use the route.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Used { get; init; }

    /// <summary>Imported routes that are not used, the reason: BetterRoute, NextHopNotIPv4, NextHopUnusable, LabelOutOfRange or NoCommonEncapsulation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UnusedReason { get; init; }

    /// <summary>Own routes: the control nodes that announce the route, and the BgpRouters that they send it to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<FloatingIPRouteControlNode>? ControlNodes { get; init; }
}
