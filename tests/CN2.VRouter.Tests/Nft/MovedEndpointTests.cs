using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>A VM that moves to another node with its connections: they go on there (<see cref="VRouter.Nft.NftReplies"/>).</summary>
public sealed class MovedEndpointTests(ITestOutputHelper output)
{
    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Idle_connections_go_on_whoever_speaks_first(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var first = await OpenAsync(lab, v6, oneToOne);
        using var second = await OpenAsync(lab, v6, oneToOne);
        using var leaked = Leaked(lab, v6);
        await MoveAsync(lab, v6, oneToOne);

        Assert.True(await first.ServerSpeaksAsync());
        Assert.True(await first.ClientSpeaksAsync());
        Assert.True(await second.ClientSpeaksAsync());
        Assert.True(await second.ServerSpeaksAsync());
        Assert.Equal(0, leaked.Packets);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_download_goes_on_there_and_back(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var session = await OpenAsync(lab, v6, oneToOne);
        using var leaked = Leaked(lab, v6);
        await using var download = new TcpDownload(session);
        await download.GoesOnAsync(100_000);
        var before = download.TakeLongest();
        await MoveAsync(lab, v6, oneToOne);
        await download.GoesOnAsync(200_000);
        var there = download.TakeLongest();
        await MoveBackAsync(lab, v6, oneToOne);
        await download.GoesOnAsync(200_000);
        var back = download.TakeLongest();

        output.WriteLine($"longest time without data: {before.TotalMilliseconds:0} ms before the moves, {there.TotalMilliseconds:0} ms with the move there, {back.TotalMilliseconds:0} ms with the way back; the pause is {TwoNodeLab.Pause.TotalMilliseconds:0} ms");
        Assert.Equal(0, leaked.Packets);
    }

    /// <summary>The pod that is there already has the same port closed: it refuses what is meant for the VM.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_another_endpoint_of_the_Service_is_already_the_own_segment_of_the_VM_tells(bool v6)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne: false);
        var sessions = new List<TcpSession>();
        try
        {
            for (var i = 0; i < 6; i++) sessions.Add(await OpenAsync(lab, v6, oneToOne: false));
            var pod = v6 ? $"[{TwoNodeLab.Pod6}]:90" : $"{TwoNodeLab.Pod}:90";
            var (address, vm) = Places(v6);
            var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, pod) with { RefusesOthers = true };
            await lab.B.ApplyAsync(entry);
            await lab.B.ApplyAsync(entry with { Backends = Configs.Backends($"{vm}:90", pod) });
            await lab.MoveAsync(lab.A, lab.B);
            lab.Route(lab.B);
            // The client's first segments come before the VM's: about half of them would go to the pod.
            var asked = sessions.Select(s => s.ClientSpeaksAsync(60)).ToList();
            await Task.Delay(200, TestContext.Current.CancellationToken);
            Assert.All(await Task.WhenAll(sessions.Select(s => s.ServerSpeaksAsync(60))), Assert.True);
            Assert.All(await Task.WhenAll(asked), Assert.True);
        }
        finally
        {
            foreach (var session in sessions) session.Dispose();
        }
    }

    [Fact]
    public async Task Connections_that_the_endpoint_began_itself_go_on_too()
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6: false, oneToOne: true);
        // By its own address: the endpoint is the client.
        using var own = await TcpSession.OpenAsync(lab.VmHost, lab.ClientHost, IPEndPoint.Parse($"{TwoNodeLab.Client}:90"), 90);
        await MoveAsync(lab, v6: false, oneToOne: true);
        Assert.True(await own.ServerSpeaksAsync());
        Assert.True(await own.ClientSpeaksAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_endpoint_sent_before_its_entry_was_there_does_not_keep_the_client_out(bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6: false, oneToOne);
        using var session = await OpenAsync(lab, v6: false, oneToOne);
        // The client's host has no answer to the endpoint's own address: a reset would end the connection.
        lab.Router.Ip($"route add blackhole {TwoNodeLab.Client}/32");
        await lab.MoveAsync(lab.A, lab.B);
        var speaks = session.ServerSpeaksAsync(20);
        await Eventually.TrueAsync(() => Strays() > 0, "a flow of the endpoint's own address");
        await AtBAsync(lab, v6: false, oneToOne);
        lab.Route(lab.B);
        await Eventually.TrueAsync(() => Strays() == 0, "that flow has ended");
        lab.Router.Ip($"route del blackhole {TwoNodeLab.Client}/32");
        Assert.True(await speaks);
        Assert.True(await session.ClientSpeaksAsync());

        int Strays() => lab.B.Home.Exec("conntrack", "-L", "-p", "tcp", "--orig-src", TwoNodeLab.Vm, "--reply-dst", TwoNodeLab.Vm).Split("[UNREPLIED]").Length - 1;
    }

    /// <summary>What node A may have when the fabric knows where the VM is, and the router does not know yet where the FloatingIP is.</summary>
    public static TheoryData<bool, string> OldNodes => new(
        from v6 in new[] { false, true } from has in new[] { "the entry as before", "the entry for callers inside", "another endpoint" } select (v6, has));

    [Theory]
    [MemberData(nameof(OldNodes))]
    public async Task The_old_node_passes_nothing_on_that_the_new_one_could_take_for_a_connection_to_the_address_of_the_endpoint(bool v6, string has)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne: false);
        using var session = await OpenAsync(lab, v6, oneToOne: false);
        var (address, vm) = Places(v6);
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{vm}:90") with { RefusesOthers = true };
        if (has == "the entry for callers inside") await AtBAsync(lab, v6, oneToOne: false);
        else await lab.B.ApplyAsync(entry);
        if (has == "another endpoint") await lab.A.ApplyAsync(entry with { Backends = Configs.Backends(v6 ? "[fd00:5:2::2]:90" : "10.5.2.2:90") });
        await lab.MoveAsync(lab.A, lab.B);
        lab.RouteVm(lab.B);
        using var passed = Passed(lab, v6);
        using var came = Came(lab.A, v6);
        var speaks = session.ClientSpeaksAsync(30);
        await Eventually.TrueAsync(() => came.Packets > 1, "the client has sent its segment twice");
        Assert.Equal(0, passed.Packets);
        lab.Route(lab.B);
        Assert.True(await speaks);
        Assert.True(await session.ServerSpeaksAsync());
    }

    /// <summary>Node B has a flow that the VM began, because the VM spoke first there.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Nor_does_a_node_where_the_endpoint_spoke_first(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var session = await OpenAsync(lab, v6, oneToOne);
        await MoveAsync(lab, v6, oneToOne);
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());

        await AtAAsync(lab, v6, oneToOne);
        await lab.MoveAsync(lab.B, lab.A);
        lab.RouteVm(lab.A);
        using var passed = Passed(lab, v6);
        using var came = Came(lab.B, v6);
        var speaks = session.ClientSpeaksAsync(30);
        await Eventually.TrueAsync(() => came.Packets > 1, "the client has sent its segment twice");
        Assert.Equal(0, passed.Packets);
        lab.Route(lab.A);
        Assert.True(await speaks);
        Assert.True(await session.ServerSpeaksAsync());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Where_the_route_moves_before_the_endpoint_its_connections_wait(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var session = await OpenAsync(lab, v6, oneToOne);
        await AtBAsync(lab, v6, oneToOne);
        lab.Route(lab.B);
        lab.RouteVm(lab.A);
        using var came = Came(lab.B, v6);
        var speaks = session.ClientSpeaksAsync(30);
        await Eventually.TrueAsync(() => came.Packets > 1, "the client has sent its segment twice");
        await lab.MoveAsync(lab.A, lab.B);
        lab.Route(lab.B);
        Assert.True(await speaks);
        Assert.True(await session.ServerSpeaksAsync());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task An_endpoint_behind_a_second_uplink_of_its_node_keeps_its_connections(bool v6, bool gateway)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne: false);
        if (gateway)
        {
            lab.VmHost.Ip("addr add 10.99.0.2/24 dev eth0\naddr add fd00:99::2/64 dev eth0 nodad");
            lab.A.Home.Ip($"addr add 10.99.0.1/24 dev vm0\naddr add fd00:99::1/64 dev vm0 nodad\nroute replace {TwoNodeLab.Vm}/32 via 10.99.0.2\nroute replace {TwoNodeLab.Vm6}/128 via fd00:99::2");
        }

        lab.A.Home.ExecWith("add element ip cn2 uplinks { \"vm0\" }\nadd element ip6 cn2 uplinks { \"vm0\" }", "nft", "-f", "-");
        using var session = await OpenAsync(lab, v6, oneToOne: false);
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());
        lab.A.Home.Exec("conntrack", "-F");
        Assert.True(await session.ServerSpeaksAsync()); // a flow that the endpoint began
        Assert.True(await session.ClientSpeaksAsync());
    }

    /// <summary>
    /// A bridge that the uplink is part of leads to the endpoint: what clients send to the FloatingIP has the node's address there, so what the endpoint sends to a client is of a connection
    /// to its own address.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Behind_the_uplink_itself_connections_to_the_own_address_of_the_endpoint_go_on(bool v6)
    {
        await using var lab = new TwoNodeLab();
        // The bridge has the hardware address that the VM knows its gateway by.
        lab.A.Home.Ip($"link add br0 address 02:00:00:00:05:01 type bridge\nlink set br0 up\nlink set up0 master br0\nlink set vm0 master br0\naddr flush dev up0\naddr flush dev vm0");
        lab.A.Home.Ip($"addr add {lab.A.Address}/24 dev br0\naddr add {lab.A.Address6}/64 dev br0 nodad\naddr add 10.5.0.1/30 dev br0\naddr add fd00:5::1/64 dev br0 nodad\naddr add fe80::1/64 dev br0 nodad\nroute replace default via {lab.A.Gateway}\nroute replace default via {lab.A.Gateway6} dev br0");
        await AtAAsync(lab, v6, oneToOne: false);
        lab.A.Home.ExecWith("add element ip cn2 uplinks { \"br0\" }\nadd element ip6 cn2 uplinks { \"br0\" }", "nft", "-f", "-");
        using var session = await TcpSession.OpenAsync(lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(v6 ? TwoNodeLab.Vm6 : TwoNodeLab.Vm), 90), 90);
        lab.A.Home.Exec("conntrack", "-F");
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
    }

    /// <summary>Policy Cluster: node A passes what comes for the FloatingIP on to node B, with its own address, before and after the VM has left it.</summary>
    [Fact]
    public async Task A_client_that_another_node_translates_goes_on()
    {
        await using var lab = new TwoNodeLab();
        await lab.MoveAsync(lab.A, lab.B);
        var (address, vm) = Places(v6: false);
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{vm}:90@") with { RefusesOthers = true };
        await lab.A.ApplyAsync(entry);
        await lab.B.ApplyAsync(entry with { Backends = Configs.Backends($"{vm}:90") });
        lab.RouteVm(lab.B);
        using var session = await OpenAsync(lab, v6: false, oneToOne: false);
        lab.B.Home.Exec("conntrack", "-F");
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
    }

    private static (string FloatingIP, string Vm) Places(bool v6) => v6 ? (TwoNodeLab.FloatingIP6, $"[{TwoNodeLab.Vm6}]") : (TwoNodeLab.FloatingIP, TwoNodeLab.Vm);

    private static PacketCount Leaked(TwoNodeLab lab, bool v6) => new(lab.ClientHost, "input", v6 ? $"ip6 saddr {TwoNodeLab.Vm6}" : $"ip saddr {TwoNodeLab.Vm}");

    /// <summary>Segments of the client that a node has translated and passed on.</summary>
    private static PacketCount Passed(TwoNodeLab lab, bool v6) =>
        new(lab.Router, "forward", v6 ? $"ip6 saddr {TwoNodeLab.Client6} ip6 daddr {TwoNodeLab.Vm6}" : $"ip saddr {TwoNodeLab.Client} ip daddr {TwoNodeLab.Vm}");

    /// <summary>Segments of the client that reach a node, whatever its tables do with them: without a flow they are dropped early.</summary>
    private static PacketCount Came(TwoNodeLab.Node node, bool v6) =>
        new(node.Home, "prerouting", (v6 ? $"ip6 saddr {TwoNodeLab.Client6}" : $"ip saddr {TwoNodeLab.Client}") + " tcp dport { 8080, 90 }", priority: -400);

    private static Task<TcpSession> OpenAsync(TwoNodeLab lab, bool v6, bool oneToOne) =>
        TcpSession.OpenAsync(lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(Places(v6).FloatingIP), oneToOne ? 90 : 8080), 90);

    private static Task AtAAsync(TwoNodeLab lab, bool v6, bool oneToOne) => ServedByAsync(lab.A, lab.B, v6, oneToOne);

    private static Task AtBAsync(TwoNodeLab lab, bool v6, bool oneToOne) => ServedByAsync(lab.B, lab.A, v6, oneToOne);

    /// <summary>As a server has it: the entry where the endpoint is, and one for callers inside at the other node.</summary>
    private static async Task ServedByAsync(TwoNodeLab.Node here, TwoNodeLab.Node other, bool v6, bool oneToOne)
    {
        var (address, vm) = Places(v6);
        DataplaneNatEntry Entry(string suffix) => oneToOne
            ? Configs.OneToOne(address, $"{vm}:0{suffix}")
            : Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{vm}:90{suffix}") with { RefusesOthers = suffix.Length == 0 };
        await here.ApplyAsync(Entry(""));
        await other.ApplyAsync(Entry("@") with { InsideOnly = true });
    }

    /// <summary>To node B. Make before break: the entry at the new node, then the VM, then the route.</summary>
    private static async Task MoveAsync(TwoNodeLab lab, bool v6, bool oneToOne)
    {
        await AtBAsync(lab, v6, oneToOne);
        await lab.MoveAsync(lab.A, lab.B);
        lab.Route(lab.B);
    }

    private static async Task MoveBackAsync(TwoNodeLab lab, bool v6, bool oneToOne)
    {
        await AtAAsync(lab, v6, oneToOne);
        await lab.MoveAsync(lab.B, lab.A);
        lab.Route(lab.A);
    }
}
