using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables for TCP connections whose endpoint (a VM) moved here with them, in the underlay; pure. This node has no flow for them.
/// <list type="bullet">
/// <item>The client's segment begins the flow as a first packet does, and goes to the endpoint if that is the only one.</item>
/// <item>A segment of the endpoint would leave with the endpoint's own address, and its flow would keep out the client's segments. So its source is
/// translated to the FloatingIP and port whose flows go to the endpoint's port, if there is just one. The flow then has the endpoint as the
/// one who began it; the client's segments are its replies.</item>
/// <item>Where there are several endpoints, only the endpoint's own segment tells which one it is. Another one would refuse the client's, so for
/// some time after an endpoint has come, or has gone to another node, those of the client are dropped (<see cref="NftMidway"/>).</item>
/// </list>
/// Only segments that go outside are translated, and only what came by the interface that leads to the endpoint: a neighbour that writes the endpoint's address into
/// its packets does not speak for the FloatingIP. A caller inside (in a network with endpoints, a node, or behind a node) is translated on its own node, or speaks
/// with the endpoint itself: both know the endpoint's own address. Without a list of what is inside, from a server that sends none, nothing is translated.
/// </summary>
internal static class NftReplies
{
    /// <summary>
    /// Ports below this are those of servers. An address that is attached one to one does not say which of its ports serve, and from the higher ones the endpoint
    /// begins connections of its own, to lower ones (net.ipv4.ip_local_port_range).
    /// </summary>
    public const int FirstClientPort = 32768;

    /// <summary>Packet mark between forward and postrouting: the segment came by the way that leads to the endpoint in whose name it is.</summary>
    private const uint GenuineBit = 0x2000_0000;

    /// <summary>Packet mark between forward and postrouting: the segment leaves by the interface it came from. Flows of a FloatingIP have the node's address there, so it is of none.</summary>
    private const uint DirectBit = 0x1000_0000;

    /// <summary>The targets by which an entry of the underlay whose route goes through this node, or any entry of a VPN, is claimed to be meant.</summary>
    public static IEnumerable<ReplyTarget> Targets(DataplaneNatEntry natEntry)
    {
        var key = natEntry.Key;
        if (key.Address is null || key.Protocol is not (null or TransportProtocol.TCP)) yield break;
        if (key is { RoutingInstance: 0, Protocol: not null } && !natEntry.RefusesOthers) yield break;
        foreach (var backend in natEntry.Backends.Concat(natEntry.Draining))
        {
            if (backend.Local) yield return new(backend.Address, key.Protocol is not null && backend.Port == 0 ? key.Port : backend.Port);
        }
    }

    /// <summary>Where several entries claim the target, or one of a VPN, it is not known which one is meant, and all stays as it is.</summary>
    public static IEnumerable<NftElement> Elements(ReplyTarget target, NatEntryKey entry, bool isOnly)
    {
        var isClear = isOnly && entry.RoutingInstance == 0;
        if (target.Port == 0)
        {
            yield return new(entry.Family, NftSet.OneToOneEndpoints, target.Address.ToString(), null);
            if (isClear) yield return new(entry.Family, NftSet.OneToOneReplies, target.Address.ToString(), entry.Address!.ToString());
            yield break;
        }

        var key = $"{target.Address} . {NftRuleset.Number(target.Port)}";
        yield return new(entry.Family, NftSet.EndpointPorts, key, null);
        if (isClear) yield return new(entry.Family, NftSet.Replies, key, $"{entry.Address} . {NftRuleset.Number(entry.Port)}");
    }

    /// <summary>What is inside: a node, or a network with endpoints.</summary>
    public static NftSharedElement Inside(IPNetwork network)
    {
        var family = network.BaseAddress.FamilyOf();
        return new(family, network.PrefixLength == EndpointNetwork.LengthOf(family) ? NftSet.EndpointNetworks : NftSet.Nodes, network.BaseAddress, 0);
    }

    /// <summary>The endpoints on this node that were not here before.</summary>
    public static IEnumerable<IPAddress> Arrived(DataplaneNatEntry? before, DataplaneNatEntry after)
    {
        var had = before is null ? [] : Local(before).ToHashSet();
        return Local(after).Where(a => !had.Contains(a));
    }

    public static string Sets(string addr) => $$"""
          set nodes { type {{addr}}; }
          set endpoint_networks { type {{addr}}; }
          map replies { type {{addr}} . inet_service : {{addr}} . inet_service; }
          map one_to_one_replies { type {{addr}} : {{addr}}; }
          set endpoint_ports { type {{addr}} . inet_service; }
          set one_to_one_endpoints { type {{addr}}; }

        """;

    /// <summary>
    /// The rule for a client's segments to an endpoint that has left this node, for a chain at the hook forward. The replies do not come back here, and on the
    /// endpoint's node these segments would begin a flow that keeps out those which come there by the new route. What the entry says of the endpoint does not matter: it
    /// follows the VM, and is held until the route is gone.
    /// </summary>
    public static string Gone() => $"iifname @{NftAnswers.Uplinks} oifname @{NftAnswers.Uplinks} ct state established jump passed_on";

    /// <summary>The rule that tells an endpoint's own segments, for a chain at the hook forward: nft looks up routes there, but not in postrouting.</summary>
    public static string Genuine(IPFamily family)
    {
        var ip = NftRuleset.Keyword(family);
        return $"ct state new oifname @{NftAnswers.Uplinks} {NftMidway.Segment} {ip} saddr & {Mask(family)} @endpoint_networks jump genuine";
    }

    /// <summary>The chain is before those of others at the same hook: a rule that gives all endpoints the node's address is for flows that they begin.</summary>
    /// <param name="ranges">Matches an entry's mark if it has source ranges.</param>
    public static string Chains(IPFamily family, string ranges)
    {
        var ip = NftRuleset.Keyword(family);
        var mask = Mask(family);
        var firstClientPort = NftRuleset.Number(FirstClientPort);
        var genuine = NftRuleset.Hex(GenuineBit);
        var direct = NftRuleset.Hex(DirectBit);
        var clear = $"meta mark set meta mark & {NftRuleset.Hex(~(GenuineBit | DirectBit))}";
        return $$"""

              # Flows of a FloatingIP that keep the client's address: those to other nodes, and back by the interface they came from, have the node's.
              chain passed_on {
                ct direction original ct status & (snat | dnat) == dnat ct original {{ip}} daddr @floating_ips jump gone
                ct direction reply ct status & (snat | dnat) == snat ct reply {{ip}} daddr @floating_ips jump gone
              }
              # By another interface they may go to an endpoint of this node that is behind a gateway.
              chain gone {
                fib daddr . iif oif exists drop
              }
              # Whatever others use these bits for: few packets come here.
              chain genuine {
                {{clear}}
                fib daddr . iif oif exists meta mark set meta mark or {{direct}} return
                fib saddr . iif oif exists meta mark set meta mark or {{genuine}}
              }
              # In the middle of a connection of which this node has no flow: the endpoint moved here with it.
              chain moved {
                type nat hook postrouting priority srcnat - 10; policy accept;
                oifname @{{NftAnswers.Uplinks}} {{NftMidway.Segment}} {{ip}} saddr & {{mask}} @endpoint_networks meta mark & {{direct}} == 0 jump outside
              }
              chain outside {
                {{ip}} daddr & {{mask}} @endpoint_networks return
                {{ip}} daddr @nodes return
                rt {{ip}} nexthop @nodes return
                # Clients of two FloatingIPs reach this port.
                {{ip}} saddr @one_to_one_endpoints {{ip}} saddr . th sport @endpoint_ports return
                meta l4proto tcp snat {{ip}} to {{ip}} saddr . th sport map @replies
                tcp sport < {{firstClientPort}} tcp dport >= {{firstClientPort}} snat to {{ip}} saddr map @one_to_one_replies
              }
              # Until the client answers. Its source ranges are those of the entry.
              chain moved_to {
                type filter hook postrouting priority srcnat + 10; policy accept;
                ct state new oifname @{{NftAnswers.Uplinks}} {{NftMidway.Segment}} ct original {{ip}} saddr & {{mask}} @endpoint_networks jump moved_on
              }
              chain moved_on {
                ct status snat {{ip}} saddr @floating_ips jump admitted
                {{clear}}
              }
              chain admitted {
                meta mark & {{genuine}} == 0 drop
                meta mark set {{ip}} saddr . meta l4proto . th sport map @frontends goto admitted_by_port
                meta mark set {{ip}} saddr map @one_to_one goto admitted_by_address
              }
              chain admitted_by_port {
                {{ranges}} {{ip}} saddr . meta l4proto . th sport . {{ip}} daddr != @source_ranges drop
                meta mark set 0
              }
              chain admitted_by_address {
                {{ranges}} {{ip}} saddr . {{ip}} daddr != @one_to_one_source_ranges drop
                meta mark set 0
              }
            """;
    }

    private static string Mask(IPFamily family) => family == IPFamily.IPv4 ? "255.255.255.0" : "ffff:ffff:ffff:ffff::";

    private static IEnumerable<IPAddress> Local(DataplaneNatEntry natEntry) => natEntry.Backends.Concat(natEntry.Draining).Where(b => b.Local).Select(b => b.Address);
}
