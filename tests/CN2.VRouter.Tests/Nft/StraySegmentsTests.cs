using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>
/// Segments that an endpoint sends in the middle of a connection of which the node has no flow (<see cref="VRouter.Nft.NftReplies"/>): which are from a
/// FloatingIP, and which stay as they are.
/// </summary>
public sealed class StraySegmentsTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    private const int Target = 90;

    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_connection_of_a_client_outside_goes_on(bool v6, bool oneToOne)
    {
        await ServeAsync(Entry(v6, oneToOne));
        using var session = await OpenAsync(v6, oneToOne);
        using var leaked = Leaked(v6);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
        Assert.Equal(0, leaked.Packets);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_client_outside_of_the_source_ranges_gets_nothing(bool v6, bool oneToOne)
    {
        var entry = Entry(v6, oneToOne);
        await ServeAsync(entry);
        using var session = await OpenAsync(v6, oneToOne);
        Forget();
        Assert.True(await session.ServerSpeaksAsync()); // a flow that the endpoint began
        using var heard = new PacketCount(Lab.ClientHost, "input", "meta l4proto tcp");
        await ServeAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "2001:db8:1::/64" : "203.0.113.0/24") });
        await FlowEndsAsync(v6);
        Assert.False(await session.ServerSpeaksAsync(1));
        Assert.Equal(0, heard.Packets);
        // Admitted again, it hears the retransmission.
        await ServeAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "fd00:c::/64" : "192.0.2.0/24") });
        Assert.Equal(1, await session.Client.ReceiveAsync(new byte[1], Cancellation).AsTask().WaitAsync(Patience.Seconds(10), Cancellation));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_flow_that_the_endpoint_began_ends_with_its_FloatingIP(bool v6, bool oneToOne)
    {
        await ServeAsync(Entry(v6, oneToOne));
        using var session = await OpenAsync(v6, oneToOne);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
        await ApplyAsync(Configs.Config().Inside(Inside));
        await FlowEndsAsync(v6);
        Assert.False(await session.ClientSpeaksAsync(1));
    }

    public static TheoryData<bool, string> CallersInside => new(
        from v6 in new[] { false, true } from caller in new[] { "node", "in a network with endpoints", "behind a node" } select (v6, caller));

    /// <summary>The other node has translated a FloatingIP or a cluster IP already, or the caller speaks with the endpoint itself.</summary>
    [Theory]
    [MemberData(nameof(CallersInside))]
    public async Task Callers_inside_keep_the_connection_to_the_address_of_the_endpoint(bool v6, string caller)
    {
        var pod = v6 ? NodeLab.Pod1v6 : NodeLab.Pod1;
        string[] networks = ["10.9.0.0/24", "fd00:9::/64"];
        await ApplyAsync(Configs.Config(Entry(v6, false)).Inside(caller == "in a network with endpoints" ? [.. Inside.Where(n => !IsOtherNode(n)), .. networks] : Inside));
        var source = (caller == "node", v6) switch { (true, false) => "172.16.0.2", (true, true) => "fd00:16::2", (false, false) => NodeLab.RemotePod, _ => NodeLab.RemotePod6 };
        Lab.OtherNode.Ip(v6 ? $"route add {pod}/128 via {NodeLab.NodeAddress6} src {source}" : $"route add {pod}/32 via {NodeLab.NodeAddress} src {source}");
        try
        {
            using var session = await TcpSession.OpenAsync(Lab.OtherNode, Lab.PodHost1, new IPEndPoint(IPAddress.Parse(pod), Target), Target);
            Forget();
            Assert.True(await session.ServerSpeaksAsync());
            Assert.True(await session.ClientSpeaksAsync());
        }
        finally
        {
            Lab.OtherNode.Ip(v6 ? $"route del {pod}/128" : $"route del {pod}/32");
        }
    }

    public static TheoryData<string> Unclear => ["no list of what is inside", "two FloatingIPs", "one attached one to one too", "one in a VPN too", "a cluster IP", "no route through this node"];

    /// <summary>A client outside that speaks with the endpoint itself goes on wherever it is not clear that a FloatingIP is meant.</summary>
    [Theory]
    [MemberData(nameof(Unclear))]
    public async Task What_is_not_clear_stays_as_it_is(string what)
    {
        var entry = Entry(v6: false, oneToOne: false);
        await ApplyAsync(what switch
        {
            "no list of what is inside" => Configs.Config(entry),
            "two FloatingIPs" => Configs.Config(entry, Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 80, $"{NodeLab.Pod1}:{Target}") with { RefusesOthers = true }).Inside(Inside),
            "one attached one to one too" => Configs.Config(entry, Configs.OneToOne("100.0.0.9", $"{NodeLab.Pod1}:0")).Inside(Inside),
            "one in a VPN too" => Configs.Config(entry, entry.In(5)).Inside(Inside),
            "a cluster IP" => Configs.Config(Configs.NatEntry("10.233.0.9", TransportProtocol.TCP, 80, $"{NodeLab.Pod1}:{Target}")).Inside(Inside),
            _ => Configs.Config(entry with { RefusesOthers = false }).Inside(Inside),
        });
        using var session = await TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, IPEndPoint.Parse($"{NodeLab.Pod1}:{Target}"), Target);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
    }

    [Fact]
    public async Task Other_ports_of_an_endpoint_of_a_Service_are_those_of_the_FloatingIP_that_is_attached_one_to_one()
    {
        await ServeAsync(Entry(false, false), Configs.OneToOne("100.0.0.9", $"{NodeLab.Pod1}:0"));
        using var session = await TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, IPEndPoint.Parse("100.0.0.9:91"), 91);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
    }

    [Fact]
    public async Task When_one_of_two_FloatingIPs_is_gone_the_clients_of_the_other_go_on()
    {
        var second = Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, $"{NodeLab.Pod1}:{Target}") with { RefusesOthers = true };
        await ServeAsync(Entry(false, false), second);
        using var session = await TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, IPEndPoint.Parse("100.0.0.9:8080"), Target);
        await ServeAsync(second);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
    }

    [Fact]
    public async Task An_endpoint_begins_connections_from_the_port_that_serves_and_goes_on_with_its_own()
    {
        await ServeAsync(Entry(false, false), Configs.OneToOne("100.0.0.9", $"{NodeLab.Pod1}:0"));
        using var fromTarget = await TcpSession.OpenAsync(Lab.PodHost1, Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:91"), 91, from: $"{NodeLab.Pod1}:{Target}");
        using var own = await TcpSession.OpenAsync(Lab.PodHost1, Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:91"), 91);
        Assert.Equal(IPAddress.Parse(NodeLab.Pod1), ((IPEndPoint)fromTarget.Server.RemoteEndPoint!).Address.MapToIPv4());
        Forget();
        Assert.True(await own.ClientSpeaksAsync());
        Assert.True(await own.ServerSpeaksAsync());
    }

    [Fact]
    public async Task While_an_endpoint_has_just_come_connections_that_are_open_go_on_and_new_ones_are_made()
    {
        var entry = Entry(false, false) with { Backends = Configs.Backends($"{NodeLab.Pod1}:80") };
        await ServeAsync(entry);
        using var open = (await EchoClient.OpenAsync(Lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        await ServeAsync(entry with { Backends = Configs.Backends($"{NodeLab.Pod1}:80", $"{NodeLab.Pod2}:80") });
        Assert.True(await open.EchoesAsync());
        for (var i = 0; i < 10; i++)
        {
            using var client = (await EchoClient.OpenAsync(Lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
            Assert.True(await client.EchoesAsync());
        }

        Assert.Contains($"{FloatingIP} . 6 . 8080", Lab.Node.Exec("nft", "-n", "list", "set", "ip", "cn2", "settling"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Another_pod_does_not_speak_for_the_FloatingIP_in_the_name_of_the_endpoint(bool v6, bool oneToOne)
    {
        await ServeAsync(Entry(v6, oneToOne));
        await NothingForgedAsync(v6, oneToOne);
    }

    [Fact]
    public async Task Nor_where_others_mark_packets_with_the_same_bit()
    {
        await ServeAsync(Entry(false, false));
        Lab.Node.ExecWith("table ip others { chain pre { type filter hook prerouting priority 0; meta mark set 0x20000000; }; }", "nft", "-f", "-");
        try
        {
            await NothingForgedAsync(false, false);
        }
        finally
        {
            Lab.Node.Exec("nft", "delete", "table", "ip", "others");
        }
    }

    [Fact]
    public async Task The_marks_of_others_stay()
    {
        await ServeAsync(Entry(false, false));
        Lab.Node.ExecWith("table ip others { chain pre { type filter hook prerouting priority 0; meta mark set 0x20000000; }; }", "nft", "-f", "-");
        try
        {
            using var marked = new PacketCount(Lab.Node, "postrouting", "meta mark 0x20000000 tcp dport 91");
            using var session = await TcpSession.OpenAsync(Lab.PodHost1, Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:91"), 91);
            Assert.True(marked.Packets > 1);
        }
        finally
        {
            Lab.Node.Exec("nft", "delete", "table", "ip", "others");
        }
    }

    private async Task NothingForgedAsync(bool v6, bool oneToOne)
    {
        var (client, pod) = v6 ? (NodeLab.Client6, NodeLab.Pod1v6) : (NodeLab.Client, NodeLab.Pod1);
        var (length, gateway) = v6 ? (128, "fd00:1:2::1") : (32, "10.1.2.1");
        Lab.PodHost2.Ip($"addr add {pod}/{length} dev lo{(v6 ? " nodad" : "")}\nroute add {client}/{length} via {gateway} src {pod}");
        try
        {
            using var forged = new PacketCount(Lab.ClientHost, "input", "tcp dport 40000");
            using var own = new PacketCount(Lab.ClientHost, "input", $"{(v6 ? "ip6" : "ip")} saddr {Entry(v6, oneToOne).Key.Address} tcp dport 40001");
            using var passed = new PacketCount(Lab.Node, "forward", "tcp dport 40000");
            await RawPackets.SendOutOfWindowAsync(Lab.PodHost2, new IPEndPoint(IPAddress.Parse(pod), Target), new IPEndPoint(IPAddress.Parse(client), 40000));
            await RawPackets.SendOutOfWindowAsync(Lab.PodHost1, new IPEndPoint(IPAddress.Parse(pod), Target), new IPEndPoint(IPAddress.Parse(client), 40001));
            await Eventually.TrueAsync(() => own.Packets > 0 && passed.Packets > 0, "the endpoint's own segments arrive");
            Assert.Equal(0, forged.Packets);
        }
        finally
        {
            Lab.PodHost2.Ip($"route del {client}/{length}\naddr del {pod}/{length} dev lo");
        }
    }

    [Fact]
    public async Task A_rule_that_gives_endpoints_the_address_of_the_node_does_not_come_first()
    {
        await ServeAsync(Entry(false, false));
        using var session = await OpenAsync(false, false);
        Lab.Node.ExecWith($"table ip others {{ chain post {{ type nat hook postrouting priority srcnat; ip saddr {NodeLab.Pod1} oifname \"client0\" masquerade; }}; }}", "nft", "-f", "-");
        try
        {
            Forget();
            Assert.True(await session.ServerSpeaksAsync());
        }
        finally
        {
            Lab.Node.Exec("nft", "delete", "table", "ip", "others");
        }
    }

    private static string[] Inside { get; } = ["172.16.0.1/32", "172.16.0.2/32", "10.1.1.0/24", "10.1.2.0/24", "fd00:16::1/128", "fd00:16::2/128", "fd00:1:1::/64", "fd00:1:2::/64"];

    private static bool IsOtherNode(string network) => network is "172.16.0.2/32" or "fd00:16::2/128";

    private static DataplaneNatEntry Entry(bool v6, bool oneToOne)
    {
        var pod = v6 ? $"[{NodeLab.Pod1v6}]" : NodeLab.Pod1;
        if (oneToOne) return Configs.OneToOne(v6 ? "2001:db8::5" : "100.0.0.5", $"{pod}:0");
        return Configs.NatEntry(v6 ? FloatingIP6 : FloatingIP, TransportProtocol.TCP, 8080, $"{pod}:{Target}") with { RefusesOthers = true };
    }

    private Task<IReadOnlyList<DataplaneRefusal>> ServeAsync(params DataplaneNatEntry[] entries) => ApplyAsync(Configs.Config(entries).Inside(Inside));

    private Task<TcpSession> OpenAsync(bool v6, bool oneToOne) =>
        TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, new IPEndPoint(Entry(v6, oneToOne).Key.Address!, oneToOne ? Target : 8080), Target);

    private PacketCount Leaked(bool v6) => new(Lab.ClientHost, "input", v6 ? $"ip6 saddr {NodeLab.Pod1v6}" : $"ip saddr {NodeLab.Pod1}");

    /// <summary>On a busy machine flows end some time after the change.</summary>
    private Task FlowEndsAsync(bool v6)
    {
        var pod = v6 ? NodeLab.Pod1v6 : NodeLab.Pod1;
        return Eventually.TrueAsync(() => !Lab.Node.Exec("conntrack", "-L", "-p", "tcp", "-f", v6 ? "ipv6" : "ipv4", "--orig-src", pod).Contains($"src={pod} ", StringComparison.Ordinal), "the flow that the endpoint began has ended");
    }

    /// <summary>What the endpoint has open is then as if it had just moved here.</summary>
    private void Forget() => Lab.Node.Exec("conntrack", "-F");
}
