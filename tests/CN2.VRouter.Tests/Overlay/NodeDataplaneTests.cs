using System.Net;
using System.Net.Sockets;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// The whole packet path of a node: a client in a VPN, whose packets come through real tunnels, gets the same service as a client of the
/// underlay.
/// </summary>
/// <remarks>A fixed client port is used by one test only and lies outside the ephemeral range, because TCP keeps it for a minute.</remarks>
public sealed class NodeDataplaneTests : DataplaneContract, IClassFixture<VpnLab>, IAsyncLifetime
{
    private readonly VpnLab _lab;
    private NodeDataplane _dataplane;
    private OverlayEngine _engine = null!;

    public NodeDataplaneTests(VpnLab lab)
    {
        _lab = lab;
        _dataplane = lab.Nodes.Node.Run(New);
    }

    private NetworkNamespace Node => _lab.Nodes.Node;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        Node.Exec("conntrack", "-F");
    }

    /// <summary>The FloatingIPs of the contract are in the first VPN; node ports are in the underlay.</summary>
    private protected override Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change = null)
    {
        var inVpn = Vpns([.. desired.NatEntries.Values.Select(f => f.Key.Address is null ? f : f.In(5))]);
        if (change is null) return ApplyAllAsync(inVpn);
        var named = new DataplaneChange();
        named.NatEntries.UnionWith(change.NatEntries.Select(k => k with { RoutingInstance = 5 }));
        return Node.RunAsync(() => _dataplane.ApplyAsync(inVpn, named, Cancellation));
    }

    private protected override Task<Answer?> ReachAsync(ProtocolType protocol, string address, int port, string from = NodeLab.Client) =>
        address.StartsWith("100.", StringComparison.Ordinal) || address.StartsWith("2001:", StringComparison.Ordinal)
            ? EchoClient.OnceAsync(_lab.Site5.Client, protocol, address, port, from)
            : EchoClient.OnceAsync(_lab.Nodes.ClientHost, protocol, address, port, from);

    [Theory]
    [InlineData(ProtocolType.Tcp, 20001)]
    [InlineData(ProtocolType.Udp, 20002)]
    public async Task Equal_clients_and_FloatingIPs_in_two_VPNs_and_the_underlay_stay_separate(ProtocolType protocol, int port)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        await ApplyAllAsync(Vpns(
            Configs.NatEntry(FloatingIP, transport, 8080, "10.1.1.2:80").In(5),
            Configs.NatEntry(FloatingIP, transport, 8080, "10.1.2.2:80").In(6),
            Configs.NatEntry(FloatingIP, transport, 8080, "10.9.0.1:80@")));
        var from = $"{NodeLab.Client}:{port}";
        using var five = await EchoClient.OpenAsync(_lab.Site5.Client, protocol, FloatingIP, 8080, from);
        using var six = await EchoClient.OpenAsync(_lab.Site6.Client, protocol, FloatingIP, 8080, from);
        using var underlay = await EchoClient.OpenAsync(_lab.Nodes.ClientHost, protocol, FloatingIP, 8080, from);
        Assert.Equal(new Answer("pod1", NodeLab.Client), five?.First);
        Assert.Equal(new Answer("pod2", NodeLab.Client), six?.First);
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), underlay?.First);
        foreach (var client in (EchoClient?[])[five, six, underlay])
            Assert.True(protocol == ProtocolType.Tcp ? await client!.EchoesAsync() : await client!.AskAsync() == client.First);
    }

    [Theory]
    [InlineData(ProtocolType.Tcp, 20003)]
    [InlineData(ProtocolType.Udp, 20004)]
    public async Task One_endpoint_serves_equal_clients_of_two_VPNs_and_the_underlay_at_once(ProtocolType protocol, int port)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        var natEntry = Configs.NatEntry(FloatingIP, transport, 8080, "10.1.1.2:80");
        await ApplyAllAsync(Vpns(natEntry.In(5), natEntry.In(6), natEntry));
        var from = $"{NodeLab.Client}:{port}";
        using var five = await EchoClient.OpenAsync(_lab.Site5.Client, protocol, FloatingIP, 8080, from);
        using var six = await EchoClient.OpenAsync(_lab.Site6.Client, protocol, FloatingIP, 8080, from);
        using var underlay = await EchoClient.OpenAsync(_lab.Nodes.ClientHost, protocol, FloatingIP, 8080, from);
        foreach (var client in (EchoClient?[])[five, six, underlay])
        {
            Assert.Equal(new Answer("pod1", NodeLab.Client), client?.First);
            Assert.True(protocol == ProtocolType.Tcp ? await client!.EchoesAsync() : await client!.AskAsync() == client.First);
        }
    }

    [Fact]
    public async Task A_FloatingIP_is_reached_only_from_its_own_network()
    {
        await ApplyAllAsync(Vpns(
            Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80").In(5),
            Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80"),
            Configs.NodePort(TransportProtocol.TCP, 30080, "10.1.1.2:80")));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Nodes.ClientHost, ProtocolType.Tcp, "100.0.0.5", 8080));
        Assert.Null(await EchoClient.OnceAsync(_lab.Site6.Client, ProtocolType.Tcp, FloatingIP, 8080));
        Assert.Null(await EchoClient.OnceAsync(_lab.Nodes.ClientHost, ProtocolType.Tcp, FloatingIP, 8080));
        Assert.Null(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, "100.0.0.5", 8080));
        // A VPN reaches nothing behind the node without a FloatingIP.
        Assert.Null(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, NodeLab.Pod1, 80));
        Assert.Null(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, "10.1.1.1", 30080));
    }

    [Fact]
    public async Task An_unmapped_port_is_neither_answered_nor_routed_back()
    {
        await ApplyAllAsync(Vpns(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80").In(5)));
        var sent = _lab.Site5.Peer.Count("tx_udp");
        var back = _lab.Site5.Peer.Count("rx_udp");
        Assert.Null(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8081));
        Assert.Null(await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Udp, "2001:db8::4", 8080));
        Assert.InRange(_lab.Site5.Peer.Count("tx_udp"), sent + 2, long.MaxValue);
        Assert.Equal(back, _lab.Site5.Peer.Count("rx_udp"));
    }

    [Theory]
    [InlineData(FloatingIP, "10.1.1.2:80", NodeLab.Client)]
    [InlineData("2001:db8::4", "[fd00:1:1::2]:80", NodeLab.Client6)]
    public async Task Much_data_passes_both_ways_although_the_tunnels_MTU_is_smaller_than_the_links(string address, string backend, string client)
    {
        await ApplyAllAsync(Vpns(
            Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend).In(5),
            Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend).In(6)));
        foreach (var site in (VpnSite[])[_lab.Site5, _lab.Site6])
        {
            using var flow = await EchoClient.OpenAsync(site.Client, ProtocolType.Tcp, address, 8080);
            Assert.Equal(new Answer("pod1", client), flow?.First);
            Assert.True(await flow!.EchoesAsync(300_000));
        }
    }

    [Theory]
    [InlineData(FloatingIP, "10.1.1.2:80")]
    [InlineData("2001:db8::4", "[fd00:1:1::2]:80")]
    public async Task A_narrow_link_behind_the_router_is_reported_to_the_endpoint(string address, string backend)
    {
        await ApplyAllAsync(Vpns(Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend).In(5)));
        _lab.Site5.Router.Ip("link set eth1 mtu 1300");
        // The client respects the MTU itself but announces a larger MSS: without a report, longer packets to it would be lost.
        _lab.Site5.Client.Ip("route change default via 192.0.2.1 mtu 1300 advmss 1460\nroute change default via fd00:c::1 mtu 1300 advmss 1440");
        try
        {
            using var flow = await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, address, 8080);
            Assert.NotNull(flow);
            Assert.True(await flow.EchoesAsync(100_000));
        }
        finally
        {
            _lab.Site5.Client.Ip("route change default via 192.0.2.1\nroute change default via fd00:c::1");
            _lab.Site5.Router.Ip("link set eth1 mtu 1500");
        }
    }

    [Theory]
    [InlineData(ProtocolType.Tcp, FloatingIP, "10.1.1.2:0", NodeLab.Client)]
    [InlineData(ProtocolType.Udp, FloatingIP, "10.1.1.2:0", NodeLab.Client)]
    [InlineData(ProtocolType.Tcp, "2001:db8::4", "[fd00:1:1::2]:0", NodeLab.Client6)]
    [InlineData(ProtocolType.Udp, "2001:db8::4", "[fd00:1:1::2]:0", NodeLab.Client6)]
    public async Task An_endpoint_begins_flows_into_the_VPN_from_its_own_FloatingIP(ProtocolType protocol, string address, string endpoint, string client)
    {
        await ApplyAllAsync(Vpns(Configs.OneToOne(address, endpoint).In(6)));
        Assert.Equal(new Answer("pod1", client), await EchoClient.OnceAsync(_lab.Site6.Client, protocol, address, 80, client));
        Assert.Equal(new Answer("client6", address), await EchoClient.OnceAsync(_lab.Nodes.PodHost1, protocol, client, 80));
        // The neighbour has no FloatingIP, so its packet to the same address goes into the underlay.
        Assert.Equal("underlay", (await EchoClient.OnceAsync(_lab.Nodes.PodHost2, protocol, client, 80))?.Endpoint);
        // A destination without a route in the VPN is reached through the underlay.
        if (protocol == ProtocolType.Tcp && address == FloatingIP)
            Assert.Equal(new Answer("pod2", NodeLab.Pod1), await EchoClient.OnceAsync(_lab.Nodes.PodHost1, protocol, NodeLab.Pod2, 80));
    }

    [Fact]
    public async Task An_endpoints_own_flow_stays_in_its_VPN_and_ends_with_the_attachment()
    {
        var attached = Configs.OneToOne(FloatingIP, "10.1.1.2:0").In(6);
        await ApplyAllAsync(Vpns(attached));
        using var stream = await EchoClient.OpenAsync(_lab.Nodes.PodHost1, ProtocolType.Tcp, NodeLab.Client, 80);
        using var datagrams = await EchoClient.OpenAsync(_lab.Nodes.PodHost1, ProtocolType.Udp, NodeLab.Client, 80);
        Assert.Equal(new Answer("client6", FloatingIP), stream?.First);
        Assert.Equal(new Answer("client6", FloatingIP), datagrams?.First);

        await ApplyAllAsync(Vpns(attached with { Backends = Configs.Backends("10.1.2.2:0") }));
        Assert.True(await stream!.EchoesAsync());
        await datagrams!.GoesToAsync("underlay");
        await ApplyAllAsync(Vpns());
        await EchoClient.EndedAsync(Node, "dst=100.0.0.4");
    }

    [Fact]
    public async Task Only_endpoints_with_their_own_FloatingIP_begin_flows_into_a_VPN()
    {
        await ApplyAllAsync(Vpns(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80").In(5)));
        Node.Ip("route add 198.51.100.0/24 dev cn2-5");
        _lab.Site5.Client.Ip("addr add 198.51.100.1/32 dev lo");
        try
        {
            var back = _lab.Site5.Peer.Count("rx_udp");
            Assert.Null(await EchoClient.OnceAsync(_lab.Nodes.PodHost1, ProtocolType.Tcp, "198.51.100.1", 80));
            Assert.Null(await EchoClient.OnceAsync(Node, ProtocolType.Tcp, "198.51.100.1", 80));
            Assert.Equal(back, _lab.Site5.Peer.Count("rx_udp"));
        }
        finally
        {
            _lab.Site5.Client.Ip("addr del 198.51.100.1/32 dev lo");
        }
    }

    [Fact]
    public async Task A_packet_from_one_VPN_does_not_enter_a_flow_of_another_VPN()
    {
        var config = Vpns(Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:81").In(5), Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.2.2:81").In(6));
        config.Overlay.Routes.Add(new VpnRouteKey(5, IPNetwork.Parse("203.0.113.0/24")), config.Overlay.Routes[new VpnRouteKey(5, IPNetwork.Parse("192.0.2.0/24"))]);
        await ApplyAllAsync(config);
        _lab.Site5.Client.Ip("addr add 203.0.113.9/32 dev lo");
        _lab.Site5.Router.Ip("route add 203.0.113.9/32 via 192.0.2.2");
        _lab.Site6.Client.Ip("addr add 10.1.1.2/32 dev lo");
        _lab.Site6.Speak("gre", "203.0.113.0/24");
        try
        {
            using var client = await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Udp, FloatingIP, 8080, "203.0.113.9:20005");
            Assert.Equal(new Answer("pod1", "203.0.113.9"), client?.First);
            var back = _lab.Site5.Peer.Count("rx_udp");
            using var spoofer = _lab.Site6.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            spoofer.Bind(IPEndPoint.Parse("10.1.1.2:81"));
            Node.ExecWith("table inet spoof { chain f { type filter hook forward priority -200; iifname \"cn2-6\" counter; }; }", "nft", "-f", "-");
            var arrived = Arrived();
            await spoofer.SendToAsync("spoofed packet"u8.ToArray(), IPEndPoint.Parse("203.0.113.9:20005"), Cancellation);
            while (Arrived() == arrived) await Task.Yield();
            Assert.Equal(client!.First, await client.AskAsync());
            Assert.Equal(back + 1, _lab.Site5.Peer.Count("rx_udp"));
            Assert.Contains("packets 0 ", Node.Exec("nft", "list", "table", "inet", "spoof"), StringComparison.Ordinal);
        }
        finally
        {
            _lab.Site6.Speak("gre");
            _lab.Site6.Client.Ip("addr del 10.1.1.2/32 dev lo");
            _lab.Site5.Router.Ip("route del 203.0.113.9/32");
            _lab.Site5.Client.Ip("addr del 203.0.113.9/32 dev lo");
            Node.ExecWith("table inet spoof; delete table inet spoof", "nft", "-f", "-");
        }

        long Arrived() => _engine.Counters.RoutingInstances[6].PacketsIn;
    }

    [Fact]
    public async Task Established_flows_keep_their_backend_when_members_change()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80").In(5);
        await ApplyAllAsync(Vpns(natEntry));
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < 8; i++) clients.Add((await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080))!);
            await ApplyAllAsync(Vpns(natEntry with { Backends = Configs.Backends("10.9.0.1:80@") }));
            Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080));
            await ApplyAllAsync(Vpns(natEntry with { Backends = [], Draining = natEntry.Backends }));
            foreach (var client in clients) Assert.True(await client.EchoesAsync());
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task UDP_flows_stay_while_an_endpoint_drains_and_end_when_it_is_removed()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80");
        await ApplyAllAsync(Vpns(natEntry.In(5), natEntry.In(6)));
        using var five = (await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Udp, FloatingIP, 8080))!;
        using var six = (await EchoClient.OpenAsync(_lab.Site6.Client, ProtocolType.Udp, FloatingIP, 8080))!;
        var moved = natEntry with { Backends = Configs.Backends("10.1.2.2:80") };
        await ApplyAllAsync(Vpns(natEntry.In(5), moved.In(6) with { Draining = natEntry.Backends }));
        Assert.Equal("pod1", (await six.AskAsync())?.Endpoint);
        await ApplyAllAsync(Vpns(natEntry.In(5), moved.In(6)));
        await six.GoesToAsync("pod2");
        Assert.Equal("pod1", (await five.AskAsync())?.Endpoint);
    }

    [Fact]
    public async Task All_flows_of_a_freed_address_in_a_VPN_end()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        await ApplyAllAsync(Vpns(natEntry.In(5), natEntry.In(6)));
        using var gone = (await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080))!;
        using var stays = (await EchoClient.OpenAsync(_lab.Site6.Client, ProtocolType.Tcp, FloatingIP, 8080))!;
        await ApplyAllAsync(Vpns(natEntry.In(6)));
        await EchoClient.EndedAsync(Node, "zone-orig=5");
        Assert.True(await stays.EchoesAsync());

        // Also entries that an earlier agent left.
        await _dataplane.DisposeAsync();
        _dataplane = Node.Run(New);
        await ApplyAllAsync(Vpns());
        await EchoClient.EndedAsync(Node, "zone-orig=6");
    }

    [Theory]
    [InlineData("ip link del cn2-5")]
    [InlineData("ip rule del pref 13100 fwmark 0xcb300005")]
    [InlineData("ip route del 192.0.2.0/24 table 3408920581")]
    [InlineData("nft flush map ip cn2 vpn_backends")]
    [InlineData("nft delete table ip cn2")]
    public async Task A_manual_change_is_detected_and_repaired(string command)
    {
        var config = Vpns(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80").In(5));
        await ApplyAllAsync(config);
        using var established = (await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080))!;
        Assert.False(_dataplane.Drift.TryRead(out _));
        Node.Exec(command.Split(' '));
        await _dataplane.Drift.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(2), Cancellation);
        await Node.RunAsync(() => _dataplane.ApplyAsync(config, new DataplaneChange(), Cancellation));
        Assert.Equal("pod1", (await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080))?.Endpoint);
        Assert.True(await established.EchoesAsync());
    }

    [Fact]
    public async Task A_removed_RoutingInstance_loses_its_device()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        var config = Vpns(natEntry.In(5), natEntry.In(6));
        await ApplyAllAsync(config);
        var change = new DataplaneChange();
        change.NatEntries.Add(natEntry.In(5).Key);
        change.Overlay.RoutingInstances.Add(5);
        change.Overlay.Routes.UnionWith(config.Overlay.Routes.Keys.Where(k => k.RoutingInstance == 5));
        config.NatEntries.Remove(natEntry.In(5).Key);
        config.Overlay.RoutingInstances.Remove(5);
        foreach (var key in change.Overlay.Routes) config.Overlay.Routes.Remove(key);
        await Node.RunAsync(() => _dataplane.ApplyAsync(config, change, Cancellation));
        var links = Node.Exec("ip", "-o", "link");
        Assert.DoesNotContain("cn2-5", links, StringComparison.Ordinal);
        Assert.Contains("cn2-6", links, StringComparison.Ordinal);
        Assert.DoesNotContain("cn2-5", Node.Exec("nft", "list", "ruleset"), StringComparison.Ordinal);
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Site6.Client, ProtocolType.Tcp, FloatingIP, 8080));
    }

    private NodeDataplane New() => new(
        new NftDataplane(new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6)), NullLogger<NftDataplane>.Instance),
        _engine = new OverlayEngine("cn2", IPAddress.Parse(NodeLab.NodeAddress), OverlayLab.Choice, NullLogger<OverlayEngine>.Instance));

    private DataplaneConfig Vpns(params DataplaneNatEntry[] natEntries)
    {
        var config = Configs.Config(natEntries);
        _lab.Fill(config.Overlay);
        return config;
    }

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAllAsync(DataplaneConfig config) => Node.RunAsync(() => _dataplane.ApplyAsync(config, null, Cancellation));
}
