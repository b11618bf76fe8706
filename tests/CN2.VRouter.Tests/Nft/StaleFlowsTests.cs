using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;
using CN2.VRouter.Nft;

namespace CN2.VRouter.Tests.Nft;

public sealed class StaleFlowsTests
{
    private static readonly DataplaneNatEntry Dns = Configs.NatEntry("100.0.0.4", TransportProtocol.UDP, 53, "10.0.0.1:5353") with
    {
        Draining = Configs.Backends("10.0.0.2:5353"),
    };

    private static readonly Lazy<HashSet<IPAddress>> NodeAddresses = new(() => [IPAddress.Parse("172.16.0.1")]);

    private static readonly NftContents Contents = NftContents.Whole(
        new NftOptions("cn2", null, null),
        Configs.Config(Dns, Configs.NodePort(TransportProtocol.UDP, 30053, "10.0.0.1:5353"), Configs.OneToOne("100.0.0.9", "10.0.0.3:0"),
            Configs.NatEntry("100.0.0.4", TransportProtocol.UDP, 53, "10.0.0.9:53").In(5), Configs.OneToOne("100.0.0.9", "10.0.0.8:0").In(5)).With("100.0.0.7")).After;

    [Theory]
    [InlineData(17, "100.0.0.4", 53, "10.0.0.1", 5353, false)] // a backend
    [InlineData(17, "100.0.0.4", 53, "10.0.0.2", 5353, false)] // draining
    [InlineData(17, "100.0.0.4", 53, "10.0.0.3", 5353, true)] // removed
    [InlineData(17, "100.0.0.4", 53, "10.0.0.1", 53, true)] // another port than the backend's
    [InlineData(17, "100.0.0.4", 53, "100.0.0.4", 53, true)] // from before the service: not translated
    [InlineData(6, "100.0.0.4", 53, "10.0.0.3", 5353, false)] // TCP ends by itself
    [InlineData(17, "100.0.0.4", 54, "10.0.0.3", 5353, true)] // a removed entry, address still guarded
    [InlineData(17, "100.0.0.7", 54, "10.0.0.3", 5353, true)]
    [InlineData(17, "198.51.100.1", 53, "10.0.0.3", 5353, false)] // not in the tables
    [InlineData(17, "172.16.0.1", 30053, "10.0.0.1", 5353, false)]
    [InlineData(17, "172.16.0.1", 30053, "10.0.0.3", 5353, true)]
    [InlineData(17, "198.51.100.1", 30053, "10.0.0.3", 5353, false)] // the same port on an address outside the node
    [InlineData(17, "100.0.0.9", 777, "10.0.0.3", 777, false)] // one to one keeps the port
    [InlineData(17, "100.0.0.9", 777, "10.0.0.4", 777, true)]
    [InlineData(1, "100.0.0.9", 0, "10.0.0.3", 0, false)] // an echo has no ports
    [InlineData(1, "100.0.0.9", 0, "10.0.0.4", 0, true)]
    [InlineData(47, "100.0.0.9", 0, "10.0.0.4", 0, true)] // a tunnel has no ports and no end of its own
    [InlineData(132, "100.0.0.9", 777, "10.0.0.4", 777, false)] // SCTP ends by itself too
    [InlineData(1, "100.0.0.4", 0, "10.0.0.3", 0, true)] // attached one to one before, guarded now
    [InlineData(1, "198.51.100.1", 0, "10.0.0.3", 0, false)]
    public void With_all_NAT_entries_checked_the_flows_of_removed_endpoints_are_stale(byte protocol, string to, ushort port, string answers, ushort answersPort, bool stale) =>
        Assert.Equal(stale, Look(null, [], protocol, to, port, answers, answersPort));

    [Theory]
    [InlineData(6, "100.0.0.5", 443, "10.0.0.1", false)] // takes new flows
    [InlineData(6, "100.0.0.5", 443, "10.0.0.2", true)] // draining
    [InlineData(6, "100.0.0.5", 443, "10.0.0.3", true)] // gone
    [InlineData(17, "100.0.0.5", 443, "10.0.0.1", false)]
    [InlineData(17, "100.0.0.5", 443, "10.0.0.2", true)]
    [InlineData(132, "100.0.0.5", 443, "10.0.0.2", true)]
    [InlineData(6, "2001:db8::5", 443, "fd00::2", true)]
    [InlineData(6, "172.16.0.1", 30443, "10.0.0.2", true)]
    [InlineData(6, "100.0.0.5", 444, "10.0.0.1", true)] // no such entry any more
    [InlineData(6, "198.51.100.1", 443, "10.0.0.2", false)] // not in the tables
    public void A_flow_that_was_not_answered_yet_ends_where_no_new_flows_may_go(byte protocol, string to, ushort port, string answers, bool stale)
    {
        var transport = (TransportProtocol)protocol;
        var entry = Configs.NatEntry("100.0.0.5", transport, 443, "10.0.0.1:443") with { Draining = Configs.Backends("10.0.0.2:443") };
        var contents = NftContents.Whole(
            new NftOptions("cn2", null, null),
            Configs.Config(
                entry, Configs.NodePort(transport, 30443, "10.0.0.1:443") with { Draining = entry.Draining },
                Configs.NatEntry("2001:db8::5", transport, 443, "[fd00::1]:443") with { Draining = Configs.Backends("[fd00::2]:443") })).After;
        var flow = Flow(protocol, to, port, answers, 443, from: to.Contains(':', StringComparison.Ordinal) ? "fd00:c::2" : "192.0.2.2");
        var flows = new StaleFlows(contents, Ending(null, []), NodeAddresses);
        Assert.Equal(stale, flows.Contains(flow with { Replied = false }));
        Assert.Equal(stale && protocol == 17 && answers != "10.0.0.2", flows.Contains(flow)); // what was answered goes on
    }

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    [InlineData(132)]
    public void Every_flow_of_a_client_outside_the_source_ranges_ends(byte protocol)
    {
        var contents = NftContents.Whole(
            new NftOptions("cn2", null, null),
            Configs.Config(Configs.NatEntry("100.0.0.5", (TransportProtocol)protocol, 443, "10.0.0.1:443") with { SourceRanges = Configs.Ranges("192.0.2.0/31") })).After;
        var flows = new StaleFlows(contents, Ending(null, []), NodeAddresses);
        Assert.False(flows.Contains(Flow(protocol, "100.0.0.5", 443, "10.0.0.1", 443, from: "192.0.2.1")));
        Assert.True(flows.Contains(Flow(protocol, "100.0.0.5", 443, "10.0.0.1", 443, from: "192.0.2.2")));
    }

    [Theory]
    [InlineData("10.0.0.1", 80, true)]
    [InlineData("10.0.0.1", 81, false)] // no port that serves
    [InlineData("10.0.0.2", 80, true)] // draining
    [InlineData("10.0.0.4", 80, false)] // of a cluster IP
    [InlineData("10.0.0.5", 22, true)] // one to one
    [InlineData("10.0.0.5", 40000, false)] // a connection of its own
    public void What_an_endpoint_sent_in_the_middle_of_a_connection_does_not_keep_the_client_out(string from, ushort port, bool stale)
    {
        var entry = Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 443, "10.0.0.1:80") with { Draining = Configs.Backends("10.0.0.2:80"), RefusesOthers = true };
        var oneToOne = Configs.OneToOne("100.0.0.6", "10.0.0.5:0");
        var config = Configs.Config(entry, oneToOne, Configs.NatEntry("10.233.0.1", TransportProtocol.TCP, 80, "10.0.0.4:80"));
        var flow = Flow(6, "192.0.2.2", 50000, "192.0.2.2", 50000, from: from, seenAs: from) with { Replied = false, OriginalSourcePort = port };
        Assert.False(Flows(config).Contains(flow)); // not known to be outside
        config.Inside("10.0.0.0/24", "172.16.0.1/32");
        Assert.Equal(stale, Flows(config).Contains(flow));
        Assert.False(Flows(config).Contains(flow with { Replied = true })); // the client speaks with the endpoint itself
        Assert.False(Flows(config).Contains(flow with { ReplyDestination = IPAddress.Parse("100.0.0.5") })); // translated
        Assert.False(Flows(config).Contains(flow with { Protocol = 17 }));
        Assert.False(Flows(config).Contains(flow with { OriginalDestination = IPAddress.Parse("172.16.0.1"), ReplySource = IPAddress.Parse("172.16.0.1") }));
        Assert.False(new StaleFlows(NftContents.Whole(new NftOptions("cn2", null, null), config).After, Ending([Dns.Key], []), NodeAddresses).Contains(flow));

        StaleFlows Flows(DataplaneConfig c) => new(NftContents.Whole(new NftOptions("cn2", null, null), c).After, Ending([entry.Key, oneToOne.Key], []), NodeAddresses);
    }

    [Theory]
    [InlineData("192.0.2.2", 443, false)]
    [InlineData("192.0.2.4", 443, true)] // outside of the source ranges
    [InlineData("192.0.2.2", 444, false)] // no such entry, and established
    public void A_flow_that_an_endpoint_took_up_is_judged_as_its_client_would_have_begun_it(string client, ushort port, bool stale)
    {
        var entry = Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 443, "10.0.0.1:80") with { SourceRanges = Configs.Ranges("192.0.2.0/30") };
        var contents = NftContents.Whole(new NftOptions("cn2", null, null), Configs.Config(entry)).After;
        var flow = TakenUp(client, port);
        Assert.Equal(stale, new StaleFlows(contents, Ending(null, []), NodeAddresses).Contains(flow));
        Assert.True(new StaleFlows(contents, Ending([], [new FloatingIPPlace(0, IPAddress.Parse("100.0.0.5"))]), NodeAddresses).Contains(flow));
        Assert.False(new StaleFlows(contents, Ending([], [new FloatingIPPlace(0, IPAddress.Parse("100.0.0.6"))]), NodeAddresses).Contains(flow));
        var attached = Ending([], []);
        attached.Attached[new FloatingIPPlace(0, IPAddress.Parse("100.0.0.5"))] = new HashSet<IPAddress> { IPAddress.Parse("10.0.0.7") };
        Assert.True(new StaleFlows(contents, attached, NodeAddresses).Contains(flow));
    }

    [Fact]
    public void The_flows_of_before_end_when_an_endpoint_has_come_back()
    {
        var entry = Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 443, "10.0.0.1:80", "10.0.0.2:80@") with { RefusesOthers = true };
        var options = new NftOptions("cn2", null, null);
        var (_, contents) = NftContents.Whole(options, Configs.Config(entry).Inside("10.0.0.0/24"));
        var returned = Configs.Config(entry with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.2:80") }).Inside("10.0.0.0/24");
        var transaction = contents.Difference(options, returned, new DataplaneChange { NatEntries = { entry.Key } });
        Assert.Equal((entry.Key, IPAddress.Parse("10.0.0.2")), Assert.Single(transaction.Returned));
        transaction.Accepted();
        var ending = Ending(transaction.Judged, []);
        ending.Returned.UnionWith(transaction.Returned);
        var flows = new StaleFlows(contents, ending, NodeAddresses);
        Assert.True(flows.Contains(Flow(6, "100.0.0.5", 443, "10.0.0.2", 80)));
        Assert.True(flows.Contains(TakenUp("192.0.2.2", 443, "10.0.0.2")));
        Assert.False(flows.Contains(Flow(6, "100.0.0.5", 443, "10.0.0.2", 80, seenAs: "172.16.0.1"))); // of a caller inside, by this node
        Assert.False(flows.Contains(Flow(6, "100.0.0.5", 443, "10.0.0.2", 80, from: "10.0.0.9", seenAs: "10.0.0.9"))); // it went on by this node
        Assert.False(flows.Contains(Flow(6, "100.0.0.5", 443, "10.0.0.1", 80)));
    }

    [Fact]
    public void NAT_entries_that_are_not_named_keep_their_flows()
    {
        var other = new NatEntryKey(Dns.Key.Family, IPAddress.Parse("100.0.0.4"), TransportProtocol.UDP, 54);
        Assert.False(Look([other], [], 17, "100.0.0.4", 53, "10.0.0.3", 5353));
        Assert.True(Look([other], [], 17, "100.0.0.4", 54, "10.0.0.3", 5353));
    }

    [Fact]
    public void Only_flows_to_new_entries_may_end_after_the_acknowledgement()
    {
        var place = new FloatingIPPlace(0, IPAddress.Parse("100.0.0.8"));
        Assert.True(Added().MayFollow);
        Assert.True(Added().MayWait);
        Assert.False(Ending([Dns.Key], []).MayFollow);
        Assert.False(Ending(null, []).MayFollow);
        Assert.False(With(e => e.AddAll()).MayFollow);
        Assert.False(With(e => e.Add([Dns.Key], _ => null)).MayFollow); // changed or removed before the flows were judged
        Assert.False(With(e => e.Add([Dns.Key], _ => Dns)).MayFollow); // removed, and added anew
        Assert.False(With(e => e.Freed.Add(place)).MayFollow);
        Assert.False(With(e => e.Attached[place] = new HashSet<IPAddress>()).MayFollow);
        Assert.False(With(e => e.Reassigned.Add(IPAddress.Parse("10.0.0.1"))).MayFollow);
        Assert.False(With(e => e.Returned.Add((Dns.Key, IPAddress.Parse("10.0.0.1")))).MayFollow);

        static EndingFlows Added() => With(_ => { });

        static EndingFlows With(Action<EndingFlows> more)
        {
            var ending = new EndingFlows();
            ending.Add([Dns.Key], _ => Dns);
            more(ending);
            return ending;
        }
    }

    /// <summary>Flows that an endpoint which moved here began before keep its clients out until they end.</summary>
    [Fact]
    public void Flows_of_a_new_entry_whose_endpoints_may_have_moved_here_end_right_after_the_acknowledgement()
    {
        var here = Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 80, "10.0.0.1:80") with { RefusesOthers = true };
        Assert.Equal((true, false), Added(here));
        Assert.Equal((true, false), Added(here with { Backends = [], Draining = here.Backends }));
        Assert.Equal((true, false), Added(Configs.OneToOne("100.0.0.5", "10.0.0.1:0")));
        Assert.Equal((true, false), Added(Dns, here, Configs.NatEntry("100.0.0.6", TransportProtocol.UDP, 53, "10.0.0.1:53")));
        Assert.Equal((true, true), Added(here with { Backends = Configs.Backends("10.0.0.1:80@") }));
        Assert.Equal((true, true), Added(here with { RefusesOthers = false }));

        static (bool MayFollow, bool MayWait) Added(params DataplaneNatEntry[] natEntries)
        {
            var ending = new EndingFlows();
            ending.Add(natEntries.Select(n => n.Key), k => natEntries.First(n => n.Key == k));
            return (ending.MayFollow, ending.MayWait);
        }
    }

    [Fact]
    public void Every_flow_to_a_freed_address_ends() =>
        Assert.True(Look([], [IPAddress.Parse("100.0.0.8")], 6, "100.0.0.8", 443, "10.0.0.1", 443));

    [Theory]
    [InlineData(0xcb300005, "100.0.0.4", 53, "10.0.0.9", 53, false)] // a backend there
    [InlineData(0xcb300005, "100.0.0.4", 53, "10.0.0.1", 5353, true)] // one of the underlay's entry for the same address
    [InlineData(0xcb300005, "100.0.0.9", 7, "10.0.0.8", 7, false)]
    [InlineData(0xcb300005, "100.0.0.9", 7, "10.0.0.3", 7, true)]
    [InlineData(0xcb300005, "100.0.0.7", 53, "10.0.0.1", 53, false)] // guarded in the underlay only
    [InlineData(0xcb300005, "172.16.0.1", 30053, "10.0.0.3", 5353, false)] // no node ports in a VPN
    [InlineData(0xcb300006, "100.0.0.4", 53, "10.0.0.1", 53, false)] // no entry of that RoutingInstance: it was removed with its addresses
    [InlineData(0xcb310005, "100.0.0.4", 53, "10.0.0.3", 53, true)] // begun by an endpoint from an address it does not have
    public void Each_RoutingInstance_has_its_own_flows(uint mark, string to, ushort port, string answers, ushort answersPort, bool stale) =>
        Assert.Equal(stale, Look(null, [], 17, to, port, answers, answersPort, mark));

    [Theory]
    [InlineData(17, "10.0.0.8", "100.0.0.9", false)] // its own FloatingIP
    [InlineData(17, "10.0.0.3", "100.0.0.9", true)] // attached to another endpoint now
    [InlineData(6, "10.0.0.3", "100.0.0.9", false)] // TCP ends by itself
    public void Flows_that_an_endpoint_began_end_with_its_FloatingIP(byte protocol, string from, string seenAs, bool stale) =>
        Assert.Equal(stale, Look(null, [], protocol, "192.0.2.2", 80, "192.0.2.2", 80, 0xcb310005, from, seenAs));

    [Fact]
    public void A_freed_address_belongs_to_one_RoutingInstance()
    {
        HashSet<FloatingIPPlace> freed = [new(5, IPAddress.Parse("100.0.0.8"))];
        var stale = new StaleFlows(Contents, Ending([], freed), NodeAddresses);
        Assert.True(stale.Contains(Flow(6, "100.0.0.8", 80, "10.0.0.1", 80, 0xcb300005)));
        Assert.False(stale.Contains(Flow(6, "100.0.0.8", 80, "10.0.0.1", 80, 0xcb300006)));
        Assert.False(stale.Contains(Flow(6, "100.0.0.8", 80, "10.0.0.1", 80)));
        Assert.True(stale.Contains(Flow(6, "192.0.2.2", 80, "192.0.2.2", 80, 0xcb310005, "10.0.0.1", "100.0.0.8")));
        Assert.False(stale.Contains(Flow(6, "192.0.2.2", 80, "192.0.2.2", 80, 0xcb310006, "10.0.0.1", "100.0.0.8")));
    }

    [Fact]
    public void Guarded_addresses_are_read_from_the_listing_of_nft()
    {
        const string Underlay = "table ip cn2 {\n\tset floating_ips {\n\t\ttype ipv4_addr\n\t\telements = { 100.0.0.4, 100.0.0.5,\n\t\t\t     100.0.0.6 }\n\t}\n}\n";
        const string Overlay = "table ip6 cn2 {\n\tset vpn_floating_ips {\n\t\ttype mark . ipv6_addr\n\t\telements = { 0xcb300005 . 2001:db8::4,\n\t\t\t     0xcb30ffff . 2001:db8::4 }\n\t}\n}\n";
        Assert.Equal([new(0, IPAddress.Parse("100.0.0.4")), new(0, IPAddress.Parse("100.0.0.5")), new(0, IPAddress.Parse("100.0.0.6"))], NftGuards.Read(Underlay));
        Assert.Equal([new(5, IPAddress.Parse("2001:db8::4")), new(65535, IPAddress.Parse("2001:db8::4"))], NftGuards.Read(Overlay));
        Assert.Empty(NftGuards.Read("table ip cn2 {\n\tset floating_ips {\n\t\ttype ipv4_addr\n\t}\n}\n"));
    }

    private static bool Look(
        HashSet<NatEntryKey>? natEntries, HashSet<IPAddress> freed, byte protocol, string to, ushort port, string answers, ushort answersPort, uint mark = 0,
        string from = "192.0.2.2", string seenAs = "192.0.2.2") =>
        new StaleFlows(Contents, Ending(natEntries, freed.Select(f => new FloatingIPPlace(0, f))), NodeAddresses)
            .Contains(Flow(protocol, to, port, answers, answersPort, mark, from, seenAs));

    private static EndingFlows Ending(IEnumerable<NatEntryKey>? natEntries, IEnumerable<FloatingIPPlace> freed)
    {
        var ending = new EndingFlows();
        if (natEntries is null) ending.AddAll();
        else ending.Add(natEntries, _ => null);
        ending.Freed.UnionWith(freed);
        return ending;
    }

    /// <summary>As connection tracking has a flow that began with a segment of the endpoint.</summary>
    private static ConntrackFlow TakenUp(string client, ushort port, string endpoint = "10.0.0.1") =>
        Flow(6, client, 50000, client, 50000, from: endpoint, seenAs: "100.0.0.5") with { OriginalSourcePort = 80, ReplyDestinationPort = port };

    private static ConntrackFlow Flow(
        byte protocol, string to, ushort port, string answers, ushort answersPort, uint mark = 0, string from = "192.0.2.2", string seenAs = "192.0.2.2") =>
        new(protocol, IPAddress.Parse(to), port, IPAddress.Parse(answers), answersPort, mark, IPAddress.Parse(from), IPAddress.Parse(seenAs));
}
