using System.Globalization;

namespace CN2.VRouter.Dataplane;

/// <summary>The marks, table numbers, rule preferences and device names of a RoutingInstance: nftables and the engine agree on them.</summary>
public static class OverlayNumbers
{
    public const int LastRoutingInstance = 65535;

    /// <summary>Added to the number: the ct mark and fwmark of flows that came by the VPN, and the number of the routing table.</summary>
    public const uint FromVpn = 0xcb300000;

    /// <summary>Added to the number: the fwmark of flows that an endpoint began.</summary>
    public const uint FromEndpoint = 0xcb310000;

    /// <summary>What of a mark says that it is one of these; the rest is the number.</summary>
    public const uint MarkMask = 0xffff0000;

    /// <summary>The routing tables' and rules' protocol (rtm_protocol): how we know our own.</summary>
    public const byte RouteProtocol = 203;

    /// <summary>Rule preferences: by the mark to the table, for replies and for what endpoints begin; then the guard.</summary>
    public const uint FromVpnPreference = 13100;

    public const uint FromEndpointPreference = 13101;

    /// <summary>Replies into a VPN that has no route for them end here: nothing leaks into the underlay.</summary>
    public const uint GuardPreference = 13102;

    /// <summary>IFNAMSIZ without its final zero.</summary>
    public const int LongestDeviceName = 15;

    /// <summary>IPv4, UDP and one label: what a tunnel adds at most (MPLS-in-GRE adds 28).</summary>
    public const int TunnelOverhead = 20 + 8 + 4;

    public static uint RoutingTable(int routingInstance) => FromVpn + (uint)routingInstance;

    public static string Device(string table, int routingInstance) => string.Create(CultureInfo.InvariantCulture, $"{table}-{routingInstance}");
}
