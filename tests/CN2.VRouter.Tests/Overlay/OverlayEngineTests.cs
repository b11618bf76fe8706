using System.Net;
using System.Net.Sockets;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The engine with packets: an independent far end, real devices, routes and rules, and the tunnels that the lab selects.</summary>
public sealed class OverlayEngineTests : IAsyncDisposable
{
    private static readonly Answer FromPod1 = new("pod1", OverlayLab.Client);

    private readonly OverlayLab _lab = new();

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData("udp", OverlayLab.Pod1, OverlayLab.Client)]
    [InlineData("udp", OverlayLab.Pod1v6, OverlayLab.Client6)]
    [InlineData("gre", OverlayLab.Pod1, OverlayLab.Client)]
    [InlineData("gre", OverlayLab.Pod1v6, OverlayLab.Client6)]
    public async Task A_client_in_the_VPN_reaches_an_endpoint(string encapsulation, string pod, string client)
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: encapsulation == "udp"));
        var peer = _lab.Peer1(encapsulation);
        Assert.Equal(new Answer("pod1", client), await _lab.ReachAsync(ProtocolType.Udp, pod));
        await _lab.UntilAsync(() => peer.Count("rx_" + encapsulation) == 1);
        await _lab.SettleAsync();
        var carried = _lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1];
        var header = pod.Contains(':') ? 40 : 20;
        Assert.Equal(new RoutingInstanceCounters(1, header + 8 + 1, 1, header + 8 + "pod1 ".Length + client.Length, 0), carried);
        Assert.Equal(0, peer.Count("rx_" + (encapsulation == "udp" ? "gre" : "udp")));
        Assert.Equal(new Answer("pod1", client), await _lab.ReachAsync(ProtocolType.Tcp, pod));
    }

    [Fact]
    public async Task VPNs_with_equal_addresses_stay_separate()
    {
        await _lab.ApplyAsync(OverlayLab.TwoVpns());
        var peer1 = _lab.Peer1("udp");
        var peer2 = _lab.Peer2("gre");
        Assert.Equal(FromPod1, await EchoClient.OnceAsync(_lab.Router1, ProtocolType.Udp, OverlayLab.Pod1, 80));
        Assert.Equal(new Answer("pod2", OverlayLab.Client), await EchoClient.OnceAsync(_lab.Router2, ProtocolType.Udp, OverlayLab.Pod2, 80));
        await _lab.UntilAsync(() => (peer1.Count("rx_udp"), peer2.Count("rx_gre")) == (1, 1));
        await _lab.SettleAsync();
        Assert.Equal((0, 0), (peer1.Count("dropped"), peer2.Count("dropped")));
        var counters = _lab.Engine.Counters.RoutingInstances;
        Assert.Equal((1, 1, 1, 1), (counters[5].PacketsIn, counters[5].PacketsOut, counters[7].PacketsIn, counters[7].PacketsOut));
    }

    [Fact]
    public async Task A_packet_that_does_not_belong_into_the_VPN_is_dropped_and_counted()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        var packet = Bytes.Packet(OverlayLab.Client, OverlayLab.Pod1);
        var gre = Bytes.Of("00008847");
        // Router 2 is a next hop of no route.
        Send(_lab.Router2, udp: true, Bytes.Labelled(OverlayLab.Label1, packet));
        Send(_lab.Router2, udp: false, [.. gre, .. Bytes.Labelled(OverlayLab.Label1, packet)]);
        Send(_lab.Router1, udp: true, Bytes.Labelled(OverlayLab.Label2, packet));
        Send(_lab.Router1, udp: false, [.. gre, .. Bytes.Labelled(OverlayLab.Label2, packet)]);
        Send(_lab.Router1, udp: true, Bytes.Labelled(OverlayLab.Label1, packet, ttl: 1));
        Send(_lab.Router1, udp: false, [.. gre, .. Bytes.Labelled(OverlayLab.Label1, packet, ttl: 0)]);
        var random = new Random(1);
        for (var i = 0; i < 100; i++)
        {
            var garbage = new byte[random.Next(1500)];
            random.NextBytes(garbage);
            if (garbage.Length > 2) garbage[2] &= 0xfe; // clears the bottom-of-stack bit
            Send(_lab.Router1, udp: true, garbage);
            Send(_lab.Router1, udp: false, garbage);
        }

        Send(_lab.Router1, udp: true, new byte[65507]);
        await _lab.SettleAsync();
        var counters = _lab.Engine.Counters;
        // GRE that is not MPLS may belong to another program, so the kernel's tunnels do not touch it.
        Assert.Equal((2, 2, 2, OverlayLab.Kernel ? 101 : 201), (counters.UnknownSource, counters.UnknownLabel, counters.TtlExpired, counters.Malformed));
        Assert.Equal((0, 0), (counters.Oversize, counters.SendErrors));
        Assert.Equal(0, counters.RoutingInstances[OverlayLab.Vpn1].PacketsIn);
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());
    }

    [Fact]
    public async Task A_connection_survives_changes_of_its_routes()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        var peer = _lab.Peer1("udp");
        using var connection = await EchoClient.OpenAsync(_lab.Router1, ProtocolType.Tcp, OverlayLab.Pod1, 80);
        Assert.Equal(FromPod1, connection?.First);
        Assert.Equal(0, peer.Count("rx_gre"));

        var gre = OverlayLab.OneVpn(udp: false);
        await _lab.ApplyAsync(gre, Change(gre.Routes.Keys));
        Assert.True(await connection!.EchoesAsync());
        var byUdp = peer.Count("rx_udp");
        await _lab.UntilAsync(() => peer.Count("rx_gre") > 0);
        Assert.True(await connection.EchoesAsync());
        Assert.Equal(byUdp, peer.Count("rx_udp"));

        // A second route is added and removed, without effect on the connection.
        var more = OverlayLab.OneVpn(udp: false);
        var other = OverlayLab.Route(OverlayLab.Vpn1, "198.51.100.0/24");
        more.Routes[other] = [new VpnPath(IPAddress.Parse(OverlayLab.Router2Address), 99, true, false)];
        await _lab.ApplyAsync(more, Change([other]));
        Assert.Contains("198.51.100.0/24 dev cn2-5", Table());
        Assert.True(await connection.EchoesAsync());
        await _lab.ApplyAsync(gre, Change([other]));
        Assert.DoesNotContain("198.51.100.0/24", Table());
        Assert.True(await connection.EchoesAsync());
    }

    [Fact]
    public async Task A_removed_route_removes_its_router_from_the_admitted_senders()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());
        var config = new OverlayConfig { RoutingInstances = { [OverlayLab.Vpn1] = OverlayLab.Label1 } };
        await _lab.ApplyAsync(config, Change(_lab.Config.Routes.Keys));
        Assert.Null(await _lab.ReachAsync());
        await _lab.SettleAsync();
        Assert.NotEqual(0, _lab.Engine.Counters.UnknownSource);
        Assert.Empty(Table());
    }

    [Fact]
    public async Task A_RoutingInstance_is_added_and_removed_without_touching_another()
    {
        var one = OverlayLab.OneVpn(udp: true);
        await _lab.ApplyAsync(one);
        _lab.Peer1("udp");
        _lab.Peer2("gre");
        using var connection = await EchoClient.OpenAsync(_lab.Router1, ProtocolType.Tcp, OverlayLab.Pod1, 80);
        var two = OverlayLab.TwoVpns();
        // Its routes were there before the RoutingInstance, so the change does not name them.
        await _lab.ApplyAsync(two, new OverlayChange { RoutingInstances = { OverlayLab.Vpn2 } });
        Assert.Equal(new Answer("pod2", OverlayLab.Client), await EchoClient.OnceAsync(_lab.Router2, ProtocolType.Tcp, OverlayLab.Pod2, 80));
        await _lab.ApplyAsync(one, new OverlayChange { RoutingInstances = { OverlayLab.Vpn2 } });
        Assert.Null(await EchoClient.OnceAsync(_lab.Router2, ProtocolType.Tcp, OverlayLab.Pod2, 80));
        Assert.DoesNotContain("cn2-7", _lab.Node.Exec("ip", "link"));
        Assert.DoesNotContain("0xcb300007", _lab.Node.Exec("ip", "rule"));
        Assert.True(await connection!.EchoesAsync());
        await _lab.SettleAsync();
        Assert.False(_lab.Engine.Drift.TryRead(out var what), what);
    }

    [Fact]
    public async Task Flows_spread_over_paths_and_source_ports()
    {
        await _lab.ApplyAsync(OverlayLab.With(new OverlayConfig(), OverlayLab.Vpn1, OverlayLab.Label1,
            new VpnPath(IPAddress.Parse(OverlayLab.Router1Address), OverlayLab.Router1Label, true, true),
            new VpnPath(IPAddress.Parse(OverlayLab.Router2Address), OverlayLab.Router2Label, false, true)));
        var peer1 = _lab.Peer1("udp");
        var peer2 = _lab.Peer2("gre");
        using var pod = _lab.PodHost1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (var port = 1; port <= 200; port++)
        {
            for (var packet = 0; packet < 3; packet++) pod.SendTo("?"u8, new IPEndPoint(IPAddress.Parse(OverlayLab.Client), port));
        }

        await _lab.UntilAsync(() => _lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1].PacketsOut == 600);
        await _lab.UntilAsync(() => peer1.Count("rx_udp") + peer2.Count("rx_gre") == 600);
        var report = peer1.Report();
        var (byUdp, byGre) = (report.GetProperty("rx_udp").GetInt64(), peer2.Count("rx_gre"));
        Assert.Equal(600, byUdp + byGre);
        Assert.InRange(byUdp, 3 * 60, 3 * 140);
        Assert.Equal(0, byUdp % 3);
        var ports = report.GetProperty("rx_udp_ports").EnumerateArray().Select(p => p.GetInt32()).ToList();
        Assert.InRange(ports.Count, byUdp / 3 * 9 / 10, byUdp / 3);
        Assert.All(ports, p => Assert.InRange(p, 49152, 65535));
    }

    [Fact]
    public async Task Packets_allocate_no_managed_memory()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        using var router = _lab.Router1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        router.Bind(new IPEndPoint(IPAddress.Parse(OverlayLab.Router1Address), 0));
        router.Connect(IPAddress.Parse(OverlayLab.NodeAddress), 6635);
        // Datagrams to the pod's echo port: every packet in causes one out.
        var packet = Bytes.Labelled(OverlayLab.Label1, Bytes.Packet(OverlayLab.Client, OverlayLab.Pod1, 17, "c001 0050 0009 0000 3f"));
        Checksum(packet.AsSpan(4, 20));
        await Flood(2000);
        var before = _lab.Engine.AllocatedBytes;
        await Flood(4000);
        Assert.NotEqual(0, _lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1].PacketsOut);
        // The threads report their allocation when they take over tables; less than one byte a packet counts as none.
        Assert.InRange(_lab.Engine.AllocatedBytes - before, 0, 1999);

        async Task Flood(long until)
        {
            for (var i = 0; i < 2000; i++) router.Send(packet);
            await _lab.UntilAsync(() => _lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1].PacketsIn == until);
        }
    }

    private static void Checksum(Span<byte> header) =>
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(header[10..], CN2.VRouter.Overlay.Packets.InternetChecksum.Of(header));

    private static OverlayChange Change(IEnumerable<VpnRouteKey> routes)
    {
        var change = new OverlayChange();
        change.Routes.UnionWith(routes);
        return change;
    }

    private static void Send(NetworkNamespace home, bool udp, byte[] data)
    {
        using var socket = home.Run(() => udp ? new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) : RawSocket.Open(47));
        socket.SendTo(data, new IPEndPoint(IPAddress.Parse(OverlayLab.NodeAddress), udp ? 6635 : 0));
    }

    private string Table() => _lab.Node.Exec("ip", "route", "show", "table", $"{OverlayNumbers.RoutingTable(OverlayLab.Vpn1)}");
}
