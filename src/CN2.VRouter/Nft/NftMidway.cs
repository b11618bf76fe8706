using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables for packets from outside in the middle of a connection of which this node has no flow; pure. Connection tracking begins a flow with them
/// (TCP: net.netfilter.nf_conntrack_tcp_loose). The wrong endpoint, or the right one that sees another source address than before, would answer with RST or ABORT, and so end a connection that is
/// open elsewhere. Without an answer the client sends again, and by then the router or the endpoint may be where it belongs. So such packets are dropped
/// <list type="bullet">
/// <item>to an endpoint that is said to be on this node and is not: the VirtualMachineInterface is ahead of the VM;</item>
/// <item>for some time after an endpoint has gone to another node or come from there, if they would get this node's address as their source: the connections that the node has itself are tracked;</item>
/// <item>for some time after one of several endpoints of an entry has come or gone to another node: nobody knows which endpoint they are for.</item>
/// </list>
/// All others begin a flow: those to an endpoint that has moved here, and those of connections that the table of flows has lost.
/// </summary>
internal static class NftMidway
{
    /// <summary>TCP in the middle of a connection. Connection tracking begins no flow with a FIN or RST, and calls it invalid.</summary>
    public const string Segment = "tcp flags & (fin | syn | rst | ack) == ack";

    /// <summary>SCTP in the middle of an association: the first chunk is no INIT (RFC 9260 §3.2), which is always alone.</summary>
    private const string Chunk = "meta l4proto sctp @th,96,8 != 1";

    /// <summary>An endpoint that has something to send does so earlier: a pause of a second makes the next retransmission one or two seconds late. Routers follow in less.</summary>
    private const int Seconds = 10;

    /// <summary>Whether an endpoint is on this node now that was not, or is on another one now, next to others of the same entry.</summary>
    public static bool Settles(DataplaneNatEntry? before, DataplaneNatEntry after) =>
        after.Key is { RoutingInstance: 0, Address: not null, Protocol: TransportProtocol.TCP or TransportProtocol.SCTP }
        && (after.RefusesOthers || before?.RefusesOthers == true)
        && after.Backends.Count + after.Draining.Count > 1
        && (NftReplies.Arrived(before, after).Any() || WentElsewhere(before, after));

    public static NftElement SettlingElement(NatEntryKey entry) =>
        new(entry.Family, NftSet.Settling, $"{entry.Address} . {NftRuleset.Number((int)entry.Protocol!)} . {NftRuleset.Number(entry.Port)}", null);

    /// <summary>Of an element that says where an endpoint is: the one that says the opposite. Null: the element says something else.</summary>
    public static NftSharedElement? OtherPlace(NftSharedElement shared) => shared.Set switch
    {
        NftSet.Remote => shared with { Set = NftSet.Endpoints },
        NftSet.Endpoints => shared with { Set = NftSet.Remote },
        _ => null,
    };

    public static NftElement RelocatedElement(NftSharedElement place) => new(place.Family, NftSet.Relocated, place.Address!.ToString(), null);

    public static string Sets(string addr) => $$"""
          set settling { type {{addr}} . inet_proto . inet_service; flags timeout; timeout {{NftRuleset.Number(Seconds)}}s; }
          set relocated { type {{addr}}; flags timeout; timeout {{NftRuleset.Number(Seconds)}}s; }

        """;

    /// <summary>The rule for packets that an entry is about to translate.</summary>
    public static string Settling(IPFamily family) => $"iifname @{NftAnswers.Uplinks} {Ip(family)} daddr . meta l4proto . th dport @settling jump midway";

    /// <summary>
    /// The rule for an endpoint that is not here yet, or no longer, for a chain at the hook forward, before a flow that goes back by its interface is told to have the node's
    /// address. While an entry is held that says the endpoint is here, another one may say already that it is elsewhere, so
    /// <c>@remote</c> is not asked.
    /// </summary>
    public static string NotHere(IPFamily family) =>
        $"ct state new ct status dnat iifname @{NftAnswers.Uplinks} oifname @{NftAnswers.Uplinks} {Ip(family)} daddr @endpoints ct original {Ip(family)} daddr @floating_ips fib daddr . iif oif exists rt {Ip(family)} nexthop != @endpoints jump midway";

    /// <summary>The rule for an endpoint that has just gone or come, for the same place.</summary>
    public static string Relocated(IPFamily family) => $"ct state new ct status dnat {Ip(family)} daddr @relocated jump relocated";

    /// <param name="devices">Matches the devices of RoutingInstances.</param>
    public static string Chains(IPFamily family, string devices) => $$"""

              # Callers inside come by other interfaces: only this node can have had their flow.
              chain relocated {
                iifname @{{NftAnswers.Uplinks}} goto from_node
                iifname {{devices}} goto from_node
              }
              # The packet would leave with this node's address.
              chain from_node {
                {{Ip(family)}} daddr @remote goto midway
                fib daddr . iif oif exists goto midway
              }
              chain midway {
                {{Segment}} drop
                {{Chunk}} drop
              }
            """;

    private static bool WentElsewhere(DataplaneNatEntry? before, DataplaneNatEntry after) =>
        before is not null && NftReplies.Arrived(after, before).Any(a => after.Backends.Any(b => !b.Local && b.Address.Equals(a)));

    private static string Ip(IPFamily family) => NftRuleset.Keyword(family);
}
