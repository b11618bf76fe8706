using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables for RoutingInstances; pure. The device on which a packet arrives identifies its VPN, and its addresses are looked
/// up in separate maps, so equal addresses in two VPNs do not meet.
/// <para>
/// The ct mark holds the VPN of a flow for its whole life: <see cref="OverlayNumbers.FromVpn"/> plus the number if the flow came from the
/// VPN, <see cref="OverlayNumbers.FromEndpoint"/> plus the number if an endpoint with its own FloatingIP began it. The packet mark says
/// that a packet must leave into the VPN: the tunnel engine's routing rules send it to the table of the RoutingInstance.
/// </para>
/// </summary>
internal static class NftOverlay
{
    private const uint EitherMask = OverlayNumbers.MarkMask & ~(OverlayNumbers.FromVpn ^ OverlayNumbers.FromEndpoint);

    /// <summary>The mark of flows that arrive on the RoutingInstance's device.</summary>
    public static uint MarkOf(int routingInstance) => OverlayNumbers.FromVpn + (uint)routingInstance;

    /// <summary>The RoutingInstance that a flow with this mark came from; 0: the underlay.</summary>
    public static int FromVpnBy(uint mark) => (mark & OverlayNumbers.MarkMask) == OverlayNumbers.FromVpn ? (int)(mark & ~OverlayNumbers.MarkMask) : 0;

    /// <summary>The RoutingInstance that an endpoint's flow with this mark went into; 0: none.</summary>
    public static int FromEndpointBy(uint mark) => (mark & OverlayNumbers.MarkMask) == OverlayNumbers.FromEndpoint ? (int)(mark & ~OverlayNumbers.MarkMask) : 0;

    /// <summary>The elements that exist as long as the RoutingInstance has an entry for the address.</summary>
    public static IEnumerable<NftSharedElement> SharedElements(IPFamily family, int routingInstance, IPAddress address) =>
    [
        new(family, NftSet.VpnZones, null, routingInstance),
        new(family, NftSet.VpnRelayZones, null, routingInstance),
        new(family, NftSet.VpnMarks, null, routingInstance),
        new(family, NftSet.VpnDevices, null, routingInstance),
        new(family, NftSet.VpnDevices, null, routingInstance + (int)(OverlayNumbers.FromEndpoint - OverlayNumbers.FromVpn)),
        new(family, NftSet.VpnFloatingIPs, address, routingInstance),
    ];

    public static NftElement Element(string table, NftSharedElement shared)
    {
        var number = shared.Number & OverlayNumbers.LastRoutingInstance;
        var device = $"\"{OverlayNumbers.Device(table, number)}\"";
        var mark = NftRuleset.Hex(OverlayNumbers.FromVpn + (uint)shared.Number);
        return shared.Set switch
        {
            NftSet.VpnZones => new(shared.Family, shared.Set, device, NftRuleset.Number(number)),
            NftSet.VpnRelayZones => new(shared.Family, shared.Set, NftRuleset.Hex(OverlayNumbers.Relayed + (uint)number), NftRuleset.Number(number)),
            NftSet.VpnMarks => new(shared.Family, shared.Set, device, mark),
            NftSet.VpnDevices => new(shared.Family, shared.Set, $"{device} . {mark}", null),
            _ => new(shared.Family, shared.Set, $"{mark} . {shared.Address}", null),
        };
    }

    /// <summary>The endpoints that the entry gives an address in a VPN. Draining ones too: they receive no new flows but may begin some.</summary>
    public static IEnumerable<IPAddress> Endpoints(DataplaneNatEntry natEntry) =>
        natEntry.Key is { RoutingInstance: not 0, Protocol: null }
            ? natEntry.Backends.Concat(natEntry.Draining).Where(b => b.Local).Select(b => b.Address)
            : [];

    /// <summary>
    /// The elements with which an endpoint begins flows into a VPN from the FloatingIP that is attached to it one to one there. If there are several, the
    /// first in the order of keys, because a packet does not say which one its endpoint means.
    /// </summary>
    public static IEnumerable<NftElement> EndpointElements(IPAddress endpoint, NatEntryKey floatingIP) =>
    [
        new(floatingIP.Family, NftSet.VpnEndpoints, endpoint.ToString(), NftRuleset.Hex(OverlayNumbers.FromEndpoint + (uint)floatingIP.RoutingInstance)),
        new(floatingIP.Family, NftSet.VpnSources, endpoint.ToString(), floatingIP.Address!.ToString()),
    ];

    /// <summary>
    /// Matches the devices of all RoutingInstances, including those that the tables do not know yet. If the table's name is too long for a
    /// number behind it, there are no such devices, and the match fits no name.
    /// </summary>
    public static string Devices(string table)
    {
        var prefix = table + "-";
        return prefix.Length < OverlayNumbers.LongestDeviceName ? $"\"{prefix}*\"" : $"\"{prefix[..Math.Min(prefix.Length, OverlayNumbers.LongestDeviceName)]}\"";
    }

    public static string FromVpn(string where) => Marked(where, OverlayNumbers.FromVpn, OverlayNumbers.MarkMask);

    public static string FromEndpoint(string where) => Marked(where, OverlayNumbers.FromEndpoint, OverlayNumbers.MarkMask);

    public static string Sets(string addr) => $$"""
          map vpn_zones { typeof iifname : ct zone; }
          map vpn_marks { type ifname : mark; }
          set vpn_devices { type ifname . mark; }
          set vpn_floating_ips { type mark . {{addr}}; }
          set vpn_refusing { type mark . {{addr}}; }
          set vpn_pinged { type mark . {{addr}}; }
          map vpn_frontends { type mark . {{addr}} . inet_proto . inet_service : mark; }
          map vpn_backends { type mark . {{addr}} . inet_proto . inet_service . mark : {{addr}} . inet_service; }
          set vpn_source_ranges { type mark . {{addr}} . inet_proto . inet_service . {{addr}}; flags interval; }
          map vpn_one_to_one { type mark . {{addr}} : mark; }
          map vpn_one_to_one_backends { type mark . {{addr}} . mark : {{addr}}; }
          set vpn_one_to_one_source_ranges { type mark . {{addr}} . {{addr}}; flags interval; }
          map vpn_endpoints { type {{addr}} : mark; }
          map vpn_sources { type {{addr}} : {{addr}}; }

        """;

    public static string Chains(IPFamily family, IPAddress? node, string devices, string ranges, string hash)
    {
        var ip = NftRuleset.Keyword(family);
        return $$"""

              # Only in the direction in which a flow begins: equal addresses in two VPNs are then two flows, and replies, which come
              # from endpoints outside any VPN, find their flow.
              chain vpn_zone {
                type filter hook prerouting priority raw; policy accept;
                ct original zone set iifname map @vpn_zones
              }
              chain vpn_mark {
                type filter hook prerouting priority mangle; policy accept;
                iifname {{devices}} goto vpn_arrival
                {{FromVpn("ct")}} ct direction reply meta mark set ct mark
                {{FromEndpoint("ct")}} ct direction original meta mark set ct mark
                # Flows that began in the underlay stay there.
                ct status ! confirmed meta mark set {{ip}} saddr map @vpn_endpoints
              }
              chain vpn_arrival {
                ct state new ct mark set iifname map @vpn_marks
                {{NftAnswers.VpnPingLimit(family)}}
              }
              chain vpn_output {
                type route hook output priority mangle; policy accept;
                {{FromVpn("ct")}} ct direction reply meta mark set ct mark
                {{NftAnswers.VpnRefusalSource(family)}}
              }

              chain vpn_frontend {
                {{ranges}} ct mark . {{ip}} daddr . meta l4proto . th dport . {{ip}} saddr != @vpn_source_ranges drop
                {{hash}}
                meta l4proto { tcp, udp, sctp } dnat {{ip}} to ct mark . {{ip}} daddr . meta l4proto . th dport . meta mark map @vpn_backends
              }
              chain vpn_one_to_one {
                {{ranges}} ct mark . {{ip}} daddr . {{ip}} saddr != @vpn_one_to_one_source_ranges drop
                {{hash}}
                dnat to ct mark . {{ip}} daddr . meta mark map @vpn_one_to_one_backends
              }
              chain vpn_translate {
                meta mark set ct mark . {{ip}} daddr . meta l4proto . th dport map @vpn_frontends jump vpn_frontend
                # No such backend: a transaction removed it after the draw. Draw again.
                meta mark set ct mark . {{ip}} daddr . meta l4proto . th dport map @vpn_frontends goto vpn_frontend
                meta mark set ct mark . {{ip}} daddr map @vpn_one_to_one goto vpn_one_to_one
                {{NftAnswers.VpnTranslation(family, node)}}
              }

              # From a VPN only packets to its FloatingIPs are accepted, and replies to endpoints that began a flow into the same VPN.
              chain vpn_guard {
                {{NftRelay.FromVpn(family)}}
                iifname . ct mark != @vpn_devices drop
                {{NftAnswers.VpnFormerPings(family)}}
                {{FromVpn("ct")}} ct direction original ct status dnat accept
                {{FromEndpoint("ct")}} ct direction reply accept
                {{NftAnswers.VpnRefusal(family)}}
                drop
              }
              # Into a VPN only replies of its flows and flows that its endpoints began may go, and they may go nowhere else.
              chain vpn_leave {
                type filter hook postrouting priority mangle; policy accept;
                oifname {{devices}} goto vpn_departure
                {{Marked("ct", OverlayNumbers.FromVpn, EitherMask)}} goto vpn_stray
              }
              chain vpn_departure {
                {{FromEndpoint("meta")}} ct direction original ct mark set meta mark
                oifname . ct mark != @vpn_devices drop
                {{FromVpn("ct")}} ct direction reply accept
                {{FromEndpoint("ct")}} ct direction original accept
                drop
              }
              chain vpn_stray {
                {{FromVpn("ct")}} ct direction reply drop
                {{FromEndpoint("ct")}} ct direction original drop
              }
              chain vpn_source {
                snat to {{ip}} saddr map @vpn_sources
                drop
              }
            """;
    }

    private static string Marked(string where, uint mark, uint mask) => $"{where} mark & {NftRuleset.Hex(mask)} == {NftRuleset.Hex(mark)}";
}
