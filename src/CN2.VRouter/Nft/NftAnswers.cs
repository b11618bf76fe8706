using System.Net;
using CN2.Network.Addressing;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables that answers packets to FloatingIPs which no entry translates; pure. Only FloatingIPs with a route through this node are
/// answered for: their ports without an entry are refused, and echo requests to them are translated to the node's own address, so that the kernel
/// answers. All others are silent (docs/contract.md §5).
/// <para>
/// Every answer has two limits: one for each FloatingIP, so that a flood to one takes nothing from the others, and one for the node. Echo requests
/// beyond the limit are dropped before connection tracking sees them.
/// </para>
/// </summary>
internal static class NftAnswers
{
    /// <summary>The set of the interfaces by which packets come from outside.</summary>
    public const string Uplinks = "uplinks";

    private const string PingsOfAddress = "limit rate over 100/second burst 50 packets";
    private const string PingsOfNode = "limit rate over 2000/second burst 500 packets";
    private const string RefusalsOfAddress = "limit rate over 100/second burst 100 packets";
    private const string RefusalsOfNode = "limit rate over 5000/second burst 1000 packets";

    /// <summary>The elements that this NAT entry may share with others.</summary>
    public static IEnumerable<NftSharedElement> SharedElements(DataplaneNatEntry natEntry)
    {
        var key = natEntry.Key;
        foreach (var backend in natEntry.Backends.Concat(natEntry.Draining))
        {
            if (backend.Local) yield return new(key.Family, NftSet.Endpoints, backend.Address, 0);
        }

        // One to one everything goes to the endpoint, which answers for itself.
        if (key.Address is not { } address || key.Protocol is null) yield break;
        var vpn = key.RoutingInstance != 0;
        if (natEntry.RefusesOthers) yield return new(key.Family, vpn ? NftSet.VpnRefusing : NftSet.Refusing, address, key.RoutingInstance);
        if (natEntry.AnswersPing) yield return new(key.Family, vpn ? NftSet.VpnPinged : NftSet.Pinged, address, key.RoutingInstance);
    }

    public static string UplinkElements(NftOptions options) => string.Join(", ", options.Uplinks.Where(n => n.AsSpan().IndexOfAny("\"*\\") < 0).Order(StringComparer.Ordinal).Select(n => $"\"{n}\""));

    public static string Sets(NftOptions options, string addr)
    {
        var uplinks = UplinkElements(options) is { Length: > 0 } elements ? $" elements = {{ {elements} }};" : "";
        return $$"""
              set {{Uplinks}} { type ifname;{{uplinks}} }
              set refusing { type {{addr}}; }
              set pinged { type {{addr}}; }
              set refusals { type {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }
              set pings { type {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }
              set vpn_refusals { type mark . {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }
              set vpn_pings { type mark . {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }

            """;
    }

    /// <summary>The rule that hands an echo request over to the node.</summary>
    public static string Translation(IPFamily family, IPAddress? node) => $"{Echo(family)} {Ip(family)} daddr @pinged {ToNode(family, node)}";

    public static string VpnTranslation(IPFamily family, IPAddress? node) => $"{Echo(family)} ct mark . {Ip(family)} daddr @vpn_pinged {ToNode(family, node)}";

    /// <summary>A ping that goes on when its FloatingIP is no longer answered for: its flow is translated still.</summary>
    public static string FormerPings(IPFamily family) =>
        $"{Echo(family)} ct status dnat ct original {Ip(family)} daddr @floating_ips fib daddr type local ct original {Ip(family)} daddr != @pinged drop";

    public static string VpnFormerPings(IPFamily family) =>
        $"{Echo(family)} ct status dnat fib daddr type local ct mark . ct original {Ip(family)} daddr != @vpn_pinged drop";

    public static string VpnPingLimit(IPFamily family) =>
        $$"""{{Echo(family)}} ct mark . {{Ip(family)}} daddr @vpn_pinged update @vpn_pings { ct mark . {{Ip(family)}} daddr {{PingsOfAddress}} } drop""";

    public static string VpnRefusal(IPFamily family) =>
        $"ct state new ct status ! confirmed ct mark . {Ip(family)} daddr @vpn_refusing meta l4proto != {Icmp(family)} goto vpn_refuse";

    /// <summary>Port unreachable comes from the FloatingIP: the node's own address means nothing in the VPN, or means somebody else.</summary>
    public static string VpnRefusalSource(IPFamily family) =>
        $"{NftOverlay.FromVpn("ct")} ct direction reply ct state related {(family == IPFamily.IPv4 ? "icmp" : "icmpv6")} type destination-unreachable {Ip(family)} saddr set ct original {Ip(family)} daddr";

    /// <param name="devices">Matches the devices of RoutingInstances, whose packets have limits of their own.</param>
    public static string Chains(IPFamily family, string devices)
    {
        var ip = Ip(family);
        var icmp = Icmp(family);
        var reject = $"""
            {RefusalsOfNode} drop
                meta l4proto tcp reject with tcp reset
                reject with {(family == IPFamily.IPv4 ? "icmp" : "icmpv6")} type port-unreachable
            """;
        return $$"""

              # Before connection tracking, which would otherwise spend its table on a flood.
              chain ping_limit {
                type filter hook prerouting priority raw; policy accept;
                iifname != {{devices}} {{Echo(family)}} {{ip}} daddr @pinged jump ping_rate
              }
              chain ping_rate {
                update @pings { {{ip}} daddr {{PingsOfAddress}} } drop
                {{PingsOfNode}} drop
              }

              # Only the first packet of a flow is refused: one that belongs to no flow, or to one that is translated, ends nothing. The packets of a flow from before
              # its entry existed are dropped until that flow ends, and are translated then.
              chain untranslated {
                {{NftRelay.Untranslated(family)}}
                ct state new ct status ! confirmed {{ip}} daddr @refusing meta l4proto != {{icmp}} goto refuse
                drop
              }
              chain refuse {
                update @refusals { {{ip}} daddr {{RefusalsOfAddress}} } drop
                {{reject}}
              }
              chain vpn_refuse {
                update @vpn_refusals { ct mark . {{ip}} daddr {{RefusalsOfAddress}} } drop
                {{reject}}
              }
            """;
    }

    private static string Ip(IPFamily family) => NftRuleset.Keyword(family);

    private static string Icmp(IPFamily family) => family == IPFamily.IPv4 ? "icmp" : "ipv6-icmp";

    private static string Echo(IPFamily family) => family == IPFamily.IPv4 ? "icmp type echo-request" : "icmpv6 type echo-request";

    // Without an address of the node: that of the interface by which the packet came.
    private static string ToNode(IPFamily family, IPAddress? node) => node is null ? "redirect" : $"dnat {Ip(family)} to {node}";
}
