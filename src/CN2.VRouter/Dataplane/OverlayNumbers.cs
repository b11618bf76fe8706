using System.Globalization;

namespace CN2.VRouter.Dataplane;

/// <summary>The marks, table numbers, rule preferences and device names of a RoutingInstance. NAT entries and tunnels must agree on them.</summary>
public static class OverlayNumbers
{
    public const int LastRoutingInstance = 65535;

    /// <summary>Plus the number of the RoutingInstance: the ct mark and fwmark of flows from the VPN, and the number of the routing table.</summary>
    public const uint FromVpn = 0xcb300000;

    /// <summary>Plus the number of the RoutingInstance: the fwmark of flows that an endpoint began.</summary>
    public const uint FromEndpoint = 0xcb310000;

    /// <summary>Plus the number of the RoutingInstance, or 0: the fwmark of ICMP errors that another node has relayed here.</summary>
    public const uint Relayed = 0xcb320000;

    /// <summary>The bits of a mark that identify it as one of these; the other bits are the number.</summary>
    public const uint MarkMask = 0xffff0000;

    /// <summary>The protocol (rtm_protocol) of the agent's routes and rules: the agent recognises them by it.</summary>
    public const byte RouteProtocol = 203;

    /// <summary>Preference of the rule that sends replies of flows from a VPN to its table, by their mark.</summary>
    public const uint FromVpnPreference = 13100;

    /// <summary>Preference of the rule that sends flows that an endpoint began to the VPN's table, by their mark.</summary>
    public const uint FromEndpointPreference = 13101;

    /// <summary>Preference of the rule that makes all other packets of VPNs unreachable, so that they do not leak into the underlay.</summary>
    public const uint GuardPreference = 13102;

    /// <summary>IFNAMSIZ without the final zero byte.</summary>
    public const int LongestDeviceName = 15;

    /// <summary>The most bytes that a tunnel adds: IPv4, UDP and one label (MPLS-in-GRE adds 28).</summary>
    public const int TunnelOverhead = 20 + 8 + 4;

    public static uint RoutingTable(int routingInstance) => FromVpn + (uint)routingInstance;

    public static string Device(string table, int routingInstance) => string.Create(CultureInfo.InvariantCulture, $"{table}-{routingInstance}");
}
