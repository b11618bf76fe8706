using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the tables for segments that an endpoint sends in the middle of a connection of which this node has no flow; pure. Nothing would
/// translate them back, so they would leave with the endpoint's own address, and the flow that they begin would keep the client's segments out.
/// <list type="bullet">
/// <item>The endpoint moved to this node together with its connections. The client is asked: it gets a copy of the segment that has the
/// FloatingIP as its source, untracked. Its answer begins the flow, as any of its segments does, and entries and source ranges judge it.</item>
/// <item>The flow was ended, or its entry is gone. For some time the segments are dropped.</item>
/// </list>
/// Only clients outside are asked. A caller inside is translated where it is, on its own node, so on this node its flow is the endpoint's own.
/// The first packet of a flow is never touched: an endpoint may begin flows from any port.
/// </summary>
internal static class NftReplies
{
    /// <summary>
    /// Ports below this are those of servers. From the others an endpoint begins its own flows (net.ipv4.ip_local_port_range), and an address that is attached one to one does not
    /// say which of its ports serve.
    /// </summary>
    public const int FirstClientPort = 32768;

    /// <summary>So long former targets are remembered: a connection is given up after its last retransmission, after 924 s (net.ipv4.tcp_retries2).</summary>
    public static readonly TimeSpan FormerTime = TimeSpan.FromMinutes(16);

    /// <summary>The size of the sets of former targets. The kernel refuses a transaction with an element too many; see <see cref="FormerTargets"/>.</summary>
    public const int MostFormer = 65535;

    private const string Segment = "tcp flags & (syn | ack) != syn";
    private const string Chunk = "meta l4proto sctp sctp chunk init missing";

    /// <summary>The targets on this node of an entry by which clients from outside come in the underlay.</summary>
    public static IEnumerable<ReplyTarget> RoutedTargets(DataplaneNatEntry natEntry) =>
        natEntry is { Key: { Address: not null, RoutingInstance: 0 }, InsideOnly: false } && (natEntry.RefusesOthers || natEntry.Key.Protocol is null) ? Targets(natEntry) : [];

    /// <summary>All targets of an entry on this node whose flows consist of segments or chunks; draining ones have flows too.</summary>
    public static IEnumerable<ReplyTarget> Targets(DataplaneNatEntry natEntry)
    {
        var key = natEntry.Key;
        if (key.Protocol is TransportProtocol.UDP) yield break;
        foreach (var backend in natEntry.Backends.Concat(natEntry.Draining))
        {
            if (backend.Local) yield return new(backend.Address, key.Protocol, key.Protocol is null || backend.Port != 0 ? backend.Port : key.Port);
        }
    }

    /// <summary>The elements that translate segments of the target to what the client of the entry knows.</summary>
    public static IEnumerable<NftElement> Elements(ReplyTarget target, NatEntryKey floatingIP)
    {
        if (target.Protocol is null) return [new(floatingIP.Family, NftSet.OneToOneReplies, target.Address.ToString(), floatingIP.Address!.ToString())];
        var key = KeyText(target);
        return
        [
            new(floatingIP.Family, NftSet.ReplyAddresses, key, floatingIP.Address!.ToString()),
            new(floatingIP.Family, NftSet.ReplyPorts, key, NftRuleset.Number(floatingIP.Port)),
        ];
    }

    /// <summary>The element of a target that an entry no longer has.</summary>
    public static NftElement Former(ReplyTarget target) => target.Protocol is null
        ? new(target.Address.FamilyOf(), NftSet.FormerOneToOne, target.Address.ToString(), null)
        : new(target.Address.FamilyOf(), NftSet.FormerTargets, KeyText(target), null);

    public static string Sets(string addr)
    {
        var former = $"size {NftRuleset.Number(MostFormer)}; flags timeout; timeout {NftRuleset.Number((int)FormerTime.TotalMinutes)}m;";
        return $$"""
              map reply_addresses { type {{addr}} . inet_proto . inet_service : {{addr}}; }
              map reply_ports { type {{addr}} . inet_proto . inet_service : inet_service; }
              map one_to_one_replies { type {{addr}} : {{addr}}; }
              set former_targets { type {{addr}} . inet_proto . inet_service; {{former}} }
              set former_one_to_one { type {{addr}}; {{former}} }

            """;
    }

    /// <summary>The rules for a chain at the hook prerouting, behind translation.</summary>
    public static string GuardRules(IPFamily family)
    {
        var ip = NftRuleset.Keyword(family);
        return $"""
            ct state invalid {ip} saddr @endpoints drop
                ct state invalid {ip} saddr . meta l4proto . th sport @former_targets drop
                ct state invalid {ip} saddr @former_one_to_one drop
                {Stray(Segment)} fib daddr type local jump stray_inside
                {Stray(Chunk)} fib daddr type local jump stray_inside
            """;
    }

    /// <summary>
    /// The rules for a chain at the hook forward. The first is about a client's segments to an endpoint that has left this node: the replies would not
    /// come back to be translated, and on the endpoint's node these segments would begin a flow that keeps out those which come there by the new route.
    /// </summary>
    public static string ForwardRules(IPFamily family) =>
        $"""
        ct state established ct direction original ct status dnat ct status ! snat iifname @{NftAnswers.Uplinks} oifname @{NftAnswers.Uplinks} {NftRuleset.Keyword(family)} daddr @remote drop
            {Stray(Segment)} jump stray
            {Stray(Chunk)} jump stray
        """;

    /// <param name="ranges">Matches an entry's mark if it has source ranges.</param>
    public static string Chains(IPFamily family, string ranges)
    {
        var ip = NftRuleset.Keyword(family);
        var target = $"{ip} saddr . meta l4proto . th sport";
        var firstClientPort = NftRuleset.Number(FirstClientPort);
        return $$"""

              # In the middle of a connection, and no flow. A rule that rewrites the source only matches a target of its map.
              chain stray {
                {{ip}} daddr @remote return
                oifname != @{{NftAnswers.Uplinks}} goto stray_inside
                {{ip}} saddr set {{target}} map @reply_addresses goto ask_for_port
                {{target}} @former_targets drop
                th sport >= {{firstClientPort}} return
                {{ip}} saddr set {{ip}} saddr map @one_to_one_replies goto ask_one_to_one
                {{ip}} saddr @former_one_to_one drop
              }
              chain stray_inside {
                {{ip}} saddr set {{target}} map @reply_addresses drop
                {{target}} @former_targets drop
                th sport >= {{firstClientPort}} return
                {{ip}} saddr set {{ip}} saddr map @one_to_one_replies drop
                {{ip}} saddr @former_one_to_one drop
              }
              # No copies of SCTP: its connections are known by their tags too, and the client's next chunk begins the flow.
              chain ask_for_port {
                meta l4proto != tcp drop
                tcp sport set ct original {{ip}} saddr . meta l4proto . ct original proto-src map @reply_ports
                meta mark set {{target}} map @frontends
                {{ranges}} {{target}} . {{ip}} daddr != @source_ranges drop
                goto ask
              }
              chain ask_one_to_one {
                meta l4proto != tcp drop
                meta mark set {{ip}} saddr map @one_to_one
                {{ranges}} {{ip}} saddr . {{ip}} daddr != @one_to_one_source_ranges drop
                goto ask
              }
              chain ask {
                meta mark set 0
                dup to {{ip}} daddr
                drop
              }
            """;
    }

    private static string KeyText(ReplyTarget target) => $"{target.Address} . {NftRuleset.Number((int)target.Protocol!)} . {NftRuleset.Number(target.Port)}";

    /// <summary>What a caller's NAT entry translates is not meant: its destination is known.</summary>
    private static string Stray(string what) => $"ct state new ct status ! dnat {what}";
}
