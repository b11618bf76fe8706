using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CN2.Network.Resources;
using CN2.VRouter.Relay;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Relay;

/// <summary>ICMP errors about packets that were too big, behind a router that brings all of them to node1, whichever node the flow is on.</summary>
public sealed class PathMtuTests : IClassFixture<PathMtuLab>, IAsyncDisposable
{
    private const int Downloads = 40;

    private static readonly IPEndPoint Page = IPEndPoint.Parse($"{PathMtuLab.FloatingIP}:8080");
    private static readonly IPAddress AnyRouter = IPAddress.Parse("198.51.100.77");

    private readonly PathMtuLab _lab;
    private readonly RelayNode _node1;
    private readonly RelayNode _node2;

    public PathMtuTests(PathMtuLab lab)
    {
        _lab = lab;
        _lab.ForgetPaths();
        _node1 = new RelayNode(lab.Node1, PathMtuLab.Node1Address, "fd00:16:1::1");
        _node2 = new RelayNode(lab.Node2, PathMtuLab.Node2Address, "fd00:16:2::1");
    }

    public async ValueTask DisposeAsync()
    {
        await _node1.DisposeAsync();
        await _node2.DisposeAsync();
        foreach (var node in (NetworkNamespace[])[_lab.Node1, _lab.Node2]) node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData(PathMtuLab.FloatingIP)]
    [InlineData(PathMtuLab.FloatingIP6)]
    public async Task A_download_behind_a_smaller_link_ends_whichever_node_the_flow_is_on(string address)
    {
        var from = new IPEndPoint(IPAddress.Parse(address), 8080);
        await ApplyAsync(carried: false);
        var alone = await DownloadServer.DownloadAsync(_lab.Client, from, Downloads, Patience.Seconds(5));
        Assert.InRange(alone, 1, Downloads - 1);
        Assert.Equal(0, _node1.Relay.Counters.Sent);
        Assert.NotEqual(0, _node1.Relay.Counters.NoFlow);

        await ApplyAsync(carried: true);
        Assert.Equal(Downloads, await DownloadServer.DownloadAsync(_lab.Client, from, Downloads, Patience.Seconds(60)));
        Assert.NotEqual(0, _node1.Relay.Counters.Sent);
        Assert.NotEqual(0, _node2.Relay.Counters.Delivered);
    }

    [Fact]
    public async Task An_error_of_no_flow_is_dropped_on_both_nodes_counted_and_relayed_once()
    {
        await ApplyAsync(carried: true);
        for (ushort port = 1; port <= 20; port++) Send(TooBigPackets.Of(AnyRouter, Page, new IPEndPoint(IPAddress.Parse("192.0.2.2"), port), ProtocolType.Tcp));
        await Eventually.TrueAsync(() => _node2.Relay.Counters.Unmatched == 20, seen: Seen);
        Assert.Equal((20L, 20L, 0L), (_node1.Relay.Counters.NoFlow, _node1.Relay.Counters.Sent, _node1.Relay.Counters.Received));
        Assert.Equal((0L, 20L, 0L), (_node2.Relay.Counters.Sent, _node2.Relay.Counters.Received, _node2.Relay.Counters.Delivered));
    }

    [Fact]
    public async Task An_error_about_a_packet_of_somebody_else_is_not_relayed()
    {
        await ApplyAsync(carried: true);
        var packet = TooBigPackets.Of(AnyRouter, new IPEndPoint(IPAddress.Parse("10.1.2.2"), 80), IPEndPoint.Parse("192.0.2.2:40000"), ProtocolType.Tcp);
        // For the FloatingIP all the same. The kernel, which sends it, sums the header up.
        Page.Address.GetAddressBytes().CopyTo(packet, 16);
        Send(packet);
        await Eventually.TrueAsync(() => _node1.Relay.Counters is { NoFlow: 1, Refused: 1 }, seen: Seen);
        Assert.Equal(0, _node1.Relay.Counters.Sent);
    }

    [Fact]
    public async Task Nothing_is_taken_from_a_node_that_does_not_carry_the_FloatingIP_nor_for_an_address_that_is_none()
    {
        await ApplyAsync(carried: true);
        byte[] Datagram(IPEndPoint sender, int instance) =>
            RelayDatagram.Write(new byte[RelayDatagram.Longest], instance, TooBigPackets.Of(AnyRouter, sender, IPEndPoint.Parse("192.0.2.2:40000"), ProtocolType.Tcp)).ToArray();
        var node1 = new IPEndPoint(IPAddress.Parse(PathMtuLab.Node1Address), RelayNode.Port);
        var node2 = new IPEndPoint(IPAddress.Parse(PathMtuLab.Node2Address), RelayNode.Port);
        using var stranger = _lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        stranger.SendTo(Datagram(Page, 0), node2);
        await Eventually.TrueAsync(() => _node2.Relay.Counters.Refused == 1, seen: Seen);
        using var peer = _lab.Node1.Run(() => RawSocket.Open(255 /* IPPROTO_RAW */));
        void FromNode1(byte[] datagram, int port = RelayNode.Port) => peer.SendTo(Udp(new IPEndPoint(node1.Address, port), node2, datagram), new IPEndPoint(node2.Address, 0));
        FromNode1(Datagram(Page, 0), 40_000);
        foreach (var datagram in (byte[][])[Datagram(IPEndPoint.Parse("100.0.0.5:8080"), 0), Datagram(Page, 7), [.. Datagram(Page, 0), 0], [1, 0, 0, 0], [], [9]]) FromNode1(datagram);
        await Eventually.TrueAsync(() => _node2.Relay.Counters.Refused == 8, seen: Seen);
        FromNode1(Datagram(Page, 0));
        await Eventually.TrueAsync(() => _node2.Relay.Counters.Unmatched == 1, seen: Seen);
        Assert.Equal((9L, 0L), (_node2.Relay.Counters.Received, _node2.Relay.Counters.Delivered));

        // A pod that writes another node's address into its packets is not heard: they do not come by an uplink.
        using var forger = _lab.PodHost1.Run(() => RawSocket.Open(255));
        forger.SendTo(Udp(node2, node1, Datagram(Page, 0)), new IPEndPoint(node1.Address, 0));
        FromNode1(Datagram(Page, 0));
        await Eventually.TrueAsync(() => _node2.Relay.Counters.Unmatched == 2, seen: Seen);
        Assert.Equal(0, _node1.Relay.Counters.Received);
    }

    [Fact]
    public async Task A_flood_of_errors_is_relayed_only_up_to_the_limit_and_slows_no_download()
    {
        await ApplyAsync(carried: true);
        Assert.Equal(Downloads, await DownloadServer.DownloadAsync(_lab.Client, Page, Downloads, Patience.Seconds(60)));
        var quiet = await TimeAsync();
        var before = _node1.Relay.Counters;
        using var stop = new CancellationTokenSource();
        var began = Stopwatch.StartNew();
        var flood = Task.Run(() => FloodAsync(10_000, stop.Token), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => _node1.Relay.Counters.OverLimit > 1000, seen: Seen);
        var flooded = await TimeAsync();
        await stop.CancelAsync();
        var sent = await flood;
        var seconds = began.Elapsed.TotalSeconds;
        await Eventually.TrueAsync(() => _node1.Relay.Counters.NoFlow - before.NoFlow >= sent * 9L / 10, seen: Seen);
        var relayed = _node1.Relay.Counters.Sent - before.Sent;
        TestContext.Current.TestOutputHelper?.WriteLine($"400 downloads: {quiet.TotalMilliseconds:0} ms quiet, {flooded.TotalMilliseconds:0} ms with {sent / seconds:0} errors a second; {relayed} relayed in {seconds:0.0} s. {Seen()}");
        // 100 at once and 100 a second for one FloatingIP.
        Assert.InRange(relayed, 100, (long)(200 + (100 * seconds)));
        Assert.InRange(flooded, TimeSpan.Zero, (3 * quiet) + TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_datagram_in_fragments_reaches_the_endpoint_whole()
    {
        await ApplyAsync(carried: true);
        foreach (var address in (string[])[PathMtuLab.FloatingIP, PathMtuLab.FloatingIP6])
        {
            // From several ports, so that both nodes have some of the flows. The first one of IPv6 is lost at the smaller link.
            for (var i = 0; i < 8; i++)
            {
                var to = new IPEndPoint(IPAddress.Parse(address), 8081);
                using var socket = _lab.Client.Run(() => new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
                await socket.ConnectAsync(to, TestContext.Current.CancellationToken);
                await Eventually.TrueAsync(async () => await AnswerAsync(socket, new byte[3000]) == "3000", $"{address} answers");
            }
        }
    }

    private static async Task<string?> AnswerAsync(Socket socket, byte[] question)
    {
        var buffer = new byte[16];
        using var timeout = new CancellationTokenSource(Patience.Seconds(0.5));
        try
        {
            await socket.SendAsync(question, timeout.Token);
            return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, timeout.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return null; // no answer, or the error of the smaller link
        }
    }

    private async Task<TimeSpan> TimeAsync()
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 10; i++) Assert.Equal(Downloads, await DownloadServer.DownloadAsync(_lab.Client, Page, Downloads, Patience.Seconds(60)));
        return clock.Elapsed;
    }

    private async Task<int> FloodAsync(int perSecond, CancellationToken stop)
    {
        using var raw = _lab.Hop.Run(() => RawSocket.Open(255 /* IPPROTO_RAW */));
        var packet = TooBigPackets.Of(AnyRouter, Page, IPEndPoint.Parse("192.0.2.2:1"), ProtocolType.Tcp);
        var (sent, clock) = (0, Stopwatch.StartNew());
        while (!stop.IsCancellationRequested)
        {
            for (; sent < clock.Elapsed.TotalSeconds * perSecond; sent++) raw.SendTo(packet, new IPEndPoint(Page.Address, 0));
            await Task.Delay(5, CancellationToken.None);
        }

        return sent;
    }

    private void Send(byte[] packet)
    {
        using var raw = _lab.Hop.Run(() => RawSocket.Open(255 /* IPPROTO_RAW */));
        raw.SendTo(packet, new IPEndPoint(new IPAddress(packet.AsSpan(16, 4)), 0));
    }

    private static byte[] Udp(IPEndPoint from, IPEndPoint to, byte[] payload)
    {
        byte[] packet =
        [
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, .. from.Address.GetAddressBytes(), .. to.Address.GetAddressBytes(),
            (byte)(from.Port >> 8), (byte)from.Port, (byte)(to.Port >> 8), (byte)to.Port, (byte)((payload.Length + 8) >> 8), (byte)(payload.Length + 8), 0, 0, .. payload,
        ];
        return packet;
    }

    private string Seen() => $"node1 {_node1.Relay.Counters} {_node1.Relay.Notice}, node2 {_node2.Relay.Counters} {_node2.Relay.Notice}";

    private async Task ApplyAsync(bool carried)
    {
        foreach (var (node, pod, pod6) in ((RelayNode, string, string)[])[(_node1, PathMtuLab.Pod1, PathMtuLab.Pod1v6), (_node2, PathMtuLab.Pod2, PathMtuLab.Pod2v6)])
        {
            var config = Configs.Config(
                Configs.NatEntry(PathMtuLab.FloatingIP, TransportProtocol.TCP, 8080, $"{pod}:80"),
                Configs.NatEntry(PathMtuLab.FloatingIP6, TransportProtocol.TCP, 8080, $"[{pod6}]:80"),
                Configs.NatEntry(PathMtuLab.FloatingIP, TransportProtocol.UDP, 8081, $"{pod}:80"),
                Configs.NatEntry(PathMtuLab.FloatingIP6, TransportProtocol.UDP, 8081, $"[{pod6}]:80"));
            await node.ApplyAsync(carried ? RelayNode.CarriedBy(config, PathMtuLab.Node1Address, PathMtuLab.Node2Address) : config);
        }
    }
}
