using CN2.Network.Addressing;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables for ICMP errors that say a packet was too big ("fragmentation needed", RFC 1191; "packet too big", RFC 8201); pure. A
/// router's ECMP may bring such an error to another node than its flow. Connection tracking translates the errors of flows of this node; those that it
/// knows no flow for are dropped here, and a copy of each goes to <see cref="Relay.IcmpRelay"/>, which sends it to the other nodes of the FloatingIP.
/// <para>
/// There, the agent sends the error from a socket with the mark <see cref="OverlayNumbers.Relayed"/> plus the number of the RoutingInstance. The
/// mark gives it the zone of the flow in a VPN. What belongs to no flow there either is dropped, and is never relayed again, because only packets that
/// come by an uplink or out of a VPN are.
/// </para>
/// </summary>
internal static class NftRelay
{
    /// <summary>The counter of errors that belong to no flow of this node.</summary>
    public const string NoFlow = "icmp_no_flow";

    /// <summary>The counter of those of them that were not handed to the relay, because they are too many.</summary>
    public const string OverLimit = "icmp_over_limit";

    /// <summary>The counter of errors from other nodes that belong to no flow of this node.</summary>
    public const string Unmatched = "icmp_unmatched";

    // One limit for each FloatingIP, so that forged errors for one take nothing from the others, and one for the node.
    private const string RelaysOfAddress = "limit rate over 100/second burst 100 packets";
    private const string RelaysOfNode = "limit rate over 400/second burst 400 packets";

    public static string Sets(string addr) => $$"""
          counter {{NoFlow}} { }
          counter {{OverLimit}} { }
          counter {{Unmatched}} { }
          set relays { type {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }
          set vpn_relays { type mark . {{addr}}; size 65535; flags dynamic, timeout; timeout 10s; }
          map vpn_relay_zones { typeof meta mark : ct zone; }

        """;

    /// <summary>The rule for packets to FloatingIPs of the underlay that no flow and no entry translates.</summary>
    public static string Untranslated(IPFamily family) => $"{TooBig(family)} iifname @{NftAnswers.Uplinks} goto relay";

    /// <summary>The rule for packets out of a VPN; those of its flows are translated already.</summary>
    public static string FromVpn(IPFamily family) => $"{TooBig(family)} ct state invalid goto vpn_relay";

    /// <summary>The rule for packets of this node itself, after translation.</summary>
    public static string FromAgent => $"meta mark & {NftRuleset.Hex(OverlayNumbers.MarkMask)} == {NftRuleset.Hex(OverlayNumbers.Relayed)} goto relayed";

    public static string Chains(IPFamily family, int port)
    {
        var ip = NftRuleset.Keyword(family);
        var log = port == 0 ? "" : $"log group {NftRuleset.Number(port)}\n    ";
        return $$"""

              # ICMP errors about packets that were too big for a link, of flows of another node. The agent gets a copy.
              chain relay {
                counter name {{NoFlow}}
                update @relays { {{ip}} daddr {{RelaysOfAddress}} } goto relay_over
                meta mark set 0
                goto relay_copy
              }
              chain vpn_relay {
                meta mark set iifname map @vpn_marks
                meta mark . {{ip}} daddr != @vpn_floating_ips drop
                counter name {{NoFlow}}
                update @vpn_relays { meta mark . {{ip}} daddr {{RelaysOfAddress}} } goto relay_over
                goto relay_copy
              }
              chain relay_copy {
                {{RelaysOfNode}} goto relay_over
                {{log}}drop
              }
              chain relay_over {
                counter name {{OverLimit}} drop
              }

              # Those that another node has sent here, as the agent puts them in.
              chain relay_zone {
                type filter hook output priority raw; policy accept;
                ct original zone set meta mark map @vpn_relay_zones
              }
              chain relayed {
                meta mark set 0
                ct state related ct status snat,dnat accept
                counter name {{Unmatched}} drop
              }
            """;
    }

    private static string TooBig(IPFamily family) =>
        family == IPFamily.IPv4 ? "icmp type destination-unreachable icmp code frag-needed" : "icmpv6 type packet-too-big";
}
