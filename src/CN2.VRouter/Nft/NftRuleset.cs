using System.Globalization;
using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Turns configuration into the text of nft; pure. One table per family, both of the same shape: static chains, and maps that say where a
/// flow goes. A lookup costs the same with one Service and with 50,000, and the cost of a change depends on the change alone.
/// <para>
/// A new flow: the map <c>frontends</c> gives how many numbers are drawn from (in the packet mark, together with <see cref="Magic"/>; <see cref="FlowSlots"/>) →
/// <c>hash</c> sends the packet to the chain that draws one of that many → <c>backends</c> gives the address to translate to. nft cannot
/// use a modulus from a map, so there is a chain for each distinct number; there are few. The mark is cleared right after
/// translation, before the routing decision for the new destination.
/// </para>
/// </summary>
public static class NftRuleset
{
    /// <summary>The upper 12 bits of the packet mark while these chains use it.</summary>
    public const uint Magic = 0xcb20_0000;
    public const uint MagicMask = 0xfff0_0000;
    public const uint SourceRangesFlag = 0x0008_0000;
    public const uint AffinityFlag = 0x0004_0000;

    /// <summary>Packets that came by an uplink are dropped: the entry is for callers inside.</summary>
    public const uint InsideFlag = 0x0002_0000;
    public const uint CountMask = 0x0001_ffff;

    /// <summary>The flag of a table that no packet meets.</summary>
    internal const string Dormant = "\n  flags dormant;";

    /// <summary>Packet mark between forward and postrouting: the packet leaves by the interface it came from, so its reply must pass this node too.</summary>
    private const uint HairpinBit = 0x4000_0000;

    public static IReadOnlyList<IPFamily> Families { get; } = [IPFamily.IPv4, IPFamily.IPv6];

    /// <summary>The keyword of the family's table.</summary>
    public static string Keyword(IPFamily family) => family == IPFamily.IPv4 ? "ip" : "ip6";

    public static string SetName(NftSet set) => set switch
    {
        NftSet.Hash => "hash",
        NftSet.FloatingIPs => "floating_ips",
        NftSet.Remote => "remote",
        NftSet.Endpoints => "endpoints",
        NftSet.Refusing => "refusing",
        NftSet.Pinged => "pinged",
        NftSet.NodePortNumbers => "node_port_numbers",
        NftSet.NatEntries => "frontends",
        NftSet.Backends => "backends",
        NftSet.SourceRanges => "source_ranges",
        NftSet.NodePorts => "node_ports",
        NftSet.NodePortBackends => "node_port_backends",
        NftSet.NodePortSourceRanges => "node_port_source_ranges",
        NftSet.OneToOne => "one_to_one",
        NftSet.OneToOneBackends => "one_to_one_backends",
        NftSet.OneToOneSourceRanges => "one_to_one_source_ranges",
        NftSet.Nodes => "nodes",
        NftSet.EndpointNetworks => "endpoint_networks",
        NftSet.Replies => "replies",
        NftSet.OneToOneReplies => "one_to_one_replies",
        NftSet.EndpointPorts => "endpoint_ports",
        NftSet.OneToOneEndpoints => "one_to_one_endpoints",
        NftSet.Settling => "settling",
        NftSet.Relocated => "relocated",
        NftSet.VpnZones => "vpn_zones",
        NftSet.VpnRelayZones => "vpn_relay_zones",
        NftSet.VpnMarks => "vpn_marks",
        NftSet.VpnDevices => "vpn_devices",
        NftSet.VpnFloatingIPs => "vpn_floating_ips",
        NftSet.VpnRefusing => "vpn_refusing",
        NftSet.VpnPinged => "vpn_pinged",
        NftSet.VpnNatEntries => "vpn_frontends",
        NftSet.VpnBackends => "vpn_backends",
        NftSet.VpnSourceRanges => "vpn_source_ranges",
        NftSet.VpnOneToOne => "vpn_one_to_one",
        NftSet.VpnOneToOneBackends => "vpn_one_to_one_backends",
        NftSet.VpnOneToOneSourceRanges => "vpn_one_to_one_source_ranges",
        NftSet.VpnEndpoints => "vpn_endpoints",
        NftSet.VpnSources => "vpn_sources",
        _ => throw new ArgumentOutOfRangeException(nameof(set)),
    };

    /// <summary>Removes both tables; tables that do not exist are no error.</summary>
    public static string Flush(string table) =>
        $"table ip {table}\ndelete table ip {table}\ntable ip6 {table}\ndelete table ip6 {table}\n";

    /// <summary>Replaces both tables by tables with chains only; elements and hash chains follow in the same transaction.</summary>
    public static string Frame(NftOptions options) =>
        Flush(options.Table) + Frame(options, IPFamily.IPv4, "") + Frame(options, IPFamily.IPv6, "");

    /// <summary>Makes the family's table with chains only. No packet meets it until it is woken (<see cref="NftTables.AddWaking"/>).</summary>
    public static string DormantFrame(NftOptions options, IPFamily family) => Frame(options, family, Dormant);

    /// <summary>Replaces the elements of the fence and of the uplinks in both tables.</summary>
    public static string Node(NftOptions options) => string.Concat(Families.Select(f =>
        Filled(options.Table, f, "fence", FenceElements(options, f)) + Filled(options.Table, f, NftAnswers.Uplinks, NftAnswers.UplinkElements(options))));

    /// <summary>The elements that belong to this NAT entry alone.</summary>
    public static IEnumerable<NftElement> Elements(DataplaneNatEntry natEntry)
    {
        if (natEntry.Backends.Count == 0) yield break;
        var key = natEntry.Key;
        var (heads, backends, ranges) = Sets(key);
        var prefix = KeyText(key);
        var restricted = Restricted(natEntry);
        yield return new(key.Family, heads, prefix, Hex(HeadMark(natEntry, restricted)));
        var drawn = FlowSlots.BackendsOf(natEntry);
        for (var i = 0; i < drawn.Length; i++)
        {
            var backend = natEntry.Backends[drawn[i]];
            var port = backend.Port == 0 ? key.Port : backend.Port;
            var value = key.Protocol is null ? backend.Address.ToString() : $"{backend.Address} . {Number(port)}";
            yield return new(key.Family, backends, $"{prefix} . {Hex(Magic | (uint)i)}", value);
        }

        if (!restricted) yield break;
        foreach (var range in Disjoint(natEntry.SourceRanges, key.Family))
            yield return new(key.Family, ranges, $"{prefix} . {range}", null);
    }

    /// <summary>The elements that it shares with other NAT entries, once each.</summary>
    public static IEnumerable<NftSharedElement> SharedElements(DataplaneNatEntry natEntry)
    {
        var key = natEntry.Key;
        if (key is { RoutingInstance: not 0 and var instance })
        {
            foreach (var element in NftOverlay.SharedElements(key.Family, instance, key.Address!)) yield return element;
        }
        else if (key.Address is { } address)
        {
            yield return new(key.Family, NftSet.FloatingIPs, address, 0);
        }
        else
        {
            yield return new(key.Family, NftSet.NodePortNumbers, null, key.Port);
        }

        foreach (var element in NftAnswers.SharedElements(natEntry)) yield return element;

        // Draining backends receive no new flows, and the source address of their established flows is already decided.
        IPAddress? last = null;
        foreach (var backend in natEntry.Backends)
        {
            // The list is sorted, so backends with the same address are neighbours.
            if (!backend.Local && !backend.Address.Equals(last)) yield return new(key.Family, NftSet.Remote, backend.Address, 0);
            last = backend.Address;
        }

        if (natEntry.Backends.Count > 0) yield return new(key.Family, NftSet.Hash, null, HashNumber(natEntry));
    }

    /// <summary>The text of a shared element.</summary>
    public static NftElement Element(string table, NftSharedElement shared) => shared.Set switch
    {
        >= NftSet.VpnZones => NftOverlay.Element(table, shared),
        NftSet.Hash => new(shared.Family, shared.Set, Hex(Magic | (uint)shared.Number), "jump " + HashChain(shared.Number)),
        NftSet.NodePortNumbers => new(shared.Family, shared.Set, Number(shared.Number), null),
        _ => new(shared.Family, shared.Set, shared.Address!.ToString(), null),
    };

    /// <summary>The chain that draws one of n; <paramref name="number"/> holds n and the affinity flag.</summary>
    public static string HashChain(int number) =>
        ((number & AffinityFlag) != 0 ? "client_of_" : "flow_of_") + Number((int)(number & CountMask));

    /// <summary>The rule of that chain. The seed is fixed, so nodes with the same backends draw alike, and a restarted node draws as before.</summary>
    public static string HashRule(IPFamily family, int number)
    {
        var ip = Keyword(family);
        var count = number & CountMask;
        if (count == 1) return $"meta mark set {Hex(Magic)}";
        var what = (number & AffinityFlag) != 0 ? $"{ip} saddr" : $"{ip} saddr . {ip} daddr . th sport . th dport";
        return $"meta mark set jhash {what} mod {count} seed 0xc2c2c2c2 offset {Hex(Magic)}";
    }

    /// <summary>The ranges of the family, without those that lie inside another: nft refuses overlapping elements.</summary>
    internal static IEnumerable<IPNetwork> Disjoint(IEnumerable<IPNetwork> ranges, IPFamily family)
    {
        var kept = new List<IPNetwork>();
        foreach (var range in ranges.Where(r => r.FamilyOf() == family).OrderBy(r => r.PrefixLength))
        {
            if (!kept.Exists(k => k.Contains(range.BaseAddress))) kept.Add(range);
        }

        return kept;
    }

    private static (NftSet Heads, NftSet Backends, NftSet Ranges) Sets(NatEntryKey key) => key switch
    {
        { Address: null } => (NftSet.NodePorts, NftSet.NodePortBackends, NftSet.NodePortSourceRanges),
        { RoutingInstance: not 0, Protocol: null } => (NftSet.VpnOneToOne, NftSet.VpnOneToOneBackends, NftSet.VpnOneToOneSourceRanges),
        { RoutingInstance: not 0 } => (NftSet.VpnNatEntries, NftSet.VpnBackends, NftSet.VpnSourceRanges),
        { Protocol: null } => (NftSet.OneToOne, NftSet.OneToOneBackends, NftSet.OneToOneSourceRanges),
        _ => (NftSet.NatEntries, NftSet.Backends, NftSet.SourceRanges),
    };

    private static string KeyText(NatEntryKey key) => key switch
    {
        { Address: null } => $"{Number((int)key.Protocol!)} . {Number(key.Port)}",
        { RoutingInstance: not 0 } => $"{Hex(NftOverlay.MarkOf(key.RoutingInstance))} . {KeyText(key with { RoutingInstance = 0 })}",
        { Protocol: null } => key.Address.ToString(),
        _ => $"{key.Address} . {Number((int)key.Protocol)} . {Number(key.Port)}",
    };

    /// <summary>A range that covers the whole family restricts nothing; with ranges of only the other family no client may enter.</summary>
    private static bool Restricted(DataplaneNatEntry natEntry) =>
        natEntry.SourceRanges.Count > 0
        && !natEntry.SourceRanges.Any(r => r.PrefixLength == 0 && r.FamilyOf() == natEntry.Key.Family);

    private static uint HeadMark(DataplaneNatEntry natEntry, bool restricted) =>
        Magic | (restricted ? SourceRangesFlag : 0) | (natEntry.InsideOnly ? InsideFlag : 0) | (uint)HashNumber(natEntry);

    // A one-to-one entry also serves protocols without ports, so only the client's address can be hashed.
    private static int HashNumber(DataplaneNatEntry natEntry) =>
        (natEntry.ClientIPAffinity || natEntry.Key.Protocol is null ? (int)AffinityFlag : 0) | FlowSlots.CountOf(natEntry);

    private static string Filled(string table, IPFamily family, string set, string elements) =>
        $"flush set {Keyword(family)} {table} {set}\n{(elements.Length > 0 ? $"add element {Keyword(family)} {table} {set} {{ {elements} }}\n" : "")}";

    internal static string Hex(uint mark) => "0x" + mark.ToString("x8", CultureInfo.InvariantCulture);

    internal static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string FenceElements(NftOptions options, IPFamily family) =>
        string.Join(", ", options.Fence.Where(a => a.FamilyOf() == family).Select(a => a.ToString()).Order(StringComparer.Ordinal));

    /// <param name="flags">Of the table; every mention of it in the transaction must have the same.</param>
    private static string Frame(NftOptions options, IPFamily family, string flags)
    {
        var ip = Keyword(family);
        var addr = family == IPFamily.IPv4 ? "ipv4_addr" : "ipv6_addr";
        var loopback = family == IPFamily.IPv4 ? "127.0.0.0/8" : "::1";
        var node = family == IPFamily.IPv4 ? options.Address : options.Address6;
        var source = node is null ? "masquerade" : $"snat to {node}";
        var ranges = $"meta mark & {Hex(SourceRangesFlag)} == {Hex(SourceRangesFlag)}";
        var hash = $"meta mark & {Hex(~(SourceRangesFlag | InsideFlag))} vmap @hash";
        var inside = $"meta mark & {Hex(InsideFlag)} == {Hex(InsideFlag)} iifname @{NftAnswers.Uplinks} drop";
        var tunnels = NftOverlay.Devices(options.Table);
        var size = options.LargestMap is { } largest ? $" size {Number(largest)};" : "";
        var fence = FenceElements(options, family) is { Length: > 0 } fenced ? $" elements = {{ {fenced} }};" : "";
        var clearMark = $"meta mark & {Hex(MagicMask)} == {Hex(Magic)} meta mark set 0";
        var uplink = family == IPFamily.IPv4 && node is not null ? NftUplink.Chains(node, options.RelayPort) : "";
        var passing = uplink.Length > 0 ? NftUplink.ForwardRules(options.RelayPort) + "\n    " : "";
        return $$"""
            table {{ip}} {{options.Table}} {{{flags}}
              map hash { type mark : verdict; }
              set fence { type {{addr}};{{fence}} }
              set floating_ips { type {{addr}}; }
              set remote { type {{addr}}; }
              set endpoints { type {{addr}}; }
              set node_port_numbers { type inet_service; }
              map frontends { type {{addr}} . inet_proto . inet_service : mark;{{size}} }
              map backends { type {{addr}} . inet_proto . inet_service . mark : {{addr}} . inet_service; }
              set source_ranges { type {{addr}} . inet_proto . inet_service . {{addr}}; flags interval; }
              map node_ports { type inet_proto . inet_service : mark; }
              map node_port_backends { type inet_proto . inet_service . mark : {{addr}} . inet_service; }
              set node_port_source_ranges { type inet_proto . inet_service . {{addr}}; flags interval; }
              map one_to_one { type {{addr}} : mark; }
              map one_to_one_backends { type {{addr}} . mark : {{addr}}; }
              set one_to_one_source_ranges { type {{addr}} . {{addr}}; flags interval; }
            {{NftReplies.Sets(addr)}}{{NftMidway.Sets(addr)}}{{NftAnswers.Sets(options, addr)}}{{NftRelay.Sets(addr)}}{{NftOverlay.Sets(addr)}}{{uplink}}
              # An entry for callers inside is not for packets that come by an uplink.
              chain frontend {
                {{NftMidway.Settling(family)}}
                {{inside}}
                {{ranges}} {{ip}} daddr . meta l4proto . th dport . {{ip}} saddr != @source_ranges drop
                {{hash}}
                meta l4proto { tcp, udp, sctp } dnat {{ip}} to {{ip}} daddr . meta l4proto . th dport . meta mark map @backends
              }
              chain node_port {
                {{ranges}} meta l4proto . th dport . {{ip}} saddr != @node_port_source_ranges drop
                {{hash}}
                meta l4proto { tcp, udp, sctp } dnat {{ip}} to meta l4proto . th dport . meta mark map @node_port_backends
              }
              chain one_to_one {
                {{inside}}
                {{ranges}} {{ip}} daddr . {{ip}} saddr != @one_to_one_source_ranges drop
                {{hash}}
                dnat to {{ip}} daddr . meta mark map @one_to_one_backends
              }
              chain to_node {
                {{ip}} daddr != {{loopback}} fib daddr type local meta mark set meta l4proto . th dport map @node_ports goto node_port
              }
              chain translate {
                {{ip}} daddr @fence goto to_node
                meta mark set {{ip}} daddr . meta l4proto . th dport map @frontends jump frontend
                # No such backend: a transaction removed it after the draw. Draw again.
                meta mark set {{ip}} daddr . meta l4proto . th dport map @frontends goto frontend
                meta mark set {{ip}} daddr map @one_to_one goto one_to_one
                {{NftAnswers.Translation(family, node)}}
                goto to_node
              }
            {{NftAnswers.Chains(family, tunnels)}}
            {{NftRelay.Chains(family, options.RelayPort)}}

              # A flow leaves by the interface it came from when an endpoint reaches itself or a neighbour on the same link. Its reply
              # would not pass this node, so its source becomes the node's address.
              chain forward {
                type filter hook forward priority filter; policy accept;
                {{passing}}{{NftReplies.Gone()}}
                {{NftMidway.NotHere(family)}}
                {{NftMidway.Relocated(family)}}
                {{NftReplies.Genuine(family)}}
                ct state new ct status dnat {{ip}} daddr != @remote jump hairpin
              }
              chain hairpin {
                ct original {{ip}} daddr @floating_ips fib daddr . iif oif exists meta mark set meta mark or {{Hex(HairpinBit)}}
                meta l4proto tcp ct original proto-dst @node_port_numbers fib daddr . iif oif exists meta mark set meta mark or {{Hex(HairpinBit)}}
                meta l4proto udp ct original proto-dst @node_port_numbers fib daddr . iif oif exists meta mark set meta mark or {{Hex(HairpinBit)}}
                meta l4proto sctp ct original proto-dst @node_port_numbers fib daddr . iif oif exists meta mark set meta mark or {{Hex(HairpinBit)}}
              }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                {{NftOverlay.FromEndpoint("ct")}} goto vpn_source
                ct status dnat jump source
              }
              chain source {
                {{NftOverlay.FromVpn("ct")}} goto node_source
                ct original {{ip}} daddr @floating_ips goto node_source
                meta l4proto tcp ct original proto-dst @node_port_numbers goto node_source
                meta l4proto udp ct original proto-dst @node_port_numbers goto node_source
                meta l4proto sctp ct original proto-dst @node_port_numbers goto node_source
              }
              chain node_source {
                {{ip}} daddr @remote {{source}}
                meta mark & {{Hex(HairpinBit)}} == {{Hex(HairpinBit)}} meta mark set meta mark & {{Hex(~HairpinBit)}} {{source}}
              }
            {{NftMidway.Chains(family, tunnels)}}
            {{NftReplies.Chains(family, ranges)}}
            {{NftOverlay.Chains(family, node, tunnels, ranges, hash)}}

              # The kernel adds the chains of a table to its hooks one after the other. No flow is translated before what it meets later is there, and none is
              # refused as untranslated before translation is there.
              chain prerouting {
                type nat hook prerouting priority dstnat; policy accept;
                iifname {{tunnels}} goto vpn_translate
                goto translate
              }
              chain output {
                type nat hook output priority -100; policy accept;
                goto translate
              }

              # A translated packet has another destination by now. Any other would be routed back to its sender, in a loop. What an endpoint
              # sends outside of its flow is not translated back: it would leave with the endpoint's own address.
              chain guard {
                type filter hook prerouting priority dstnat + 10; policy accept;
                {{clearMark}}
                iifname {{tunnels}} goto vpn_guard
                ct state invalid {{ip}} saddr @endpoints drop
                {{ip}} daddr @floating_ips {{ip}} daddr != @fence goto untranslated
                {{NftAnswers.FormerPings(family)}}
              }
              chain guard_output {
                type route hook output priority -90; policy accept;
                {{clearMark}}
                {{NftRelay.FromAgent}}
                {{ip}} daddr @floating_ips {{ip}} daddr != @fence goto untranslated
                {{NftAnswers.FormerPings(family)}}
              }
            }

            """;
    }
}
