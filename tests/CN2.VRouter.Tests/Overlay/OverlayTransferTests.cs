using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>Much data, and packets of every size.</summary>
public sealed class OverlayTransferTests : IAsyncDisposable
{
    private const int Megabytes = 8;

    private readonly OverlayLab _lab = new();

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData("udp", OverlayLab.Pod1)]
    [InlineData("udp", OverlayLab.Pod1v6)]
    [InlineData("gre", OverlayLab.Pod1)]
    [InlineData("gre", OverlayLab.Pod1v6)]
    public async Task Megabytes_arrive_intact_in_both_directions(string encapsulation, string pod)
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: encapsulation == "udp"));
        _lab.Peer1(encapsulation);
        var data = RandomNumberGenerator.GetBytes(Megabytes << 20);
        using var listener = _lab.PodHost1.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true });
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, 5001));
        listener.Listen();
        var to = new IPEndPoint(IPAddress.Parse(pod), 5001);
        using var client = _lab.Router1.Run(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using var timeout = new CancellationTokenSource(Patience.Seconds(60));
        await client.ConnectAsync(to, timeout.Token);
        using var server = await listener.AcceptAsync(timeout.Token);
        var results = await Task.WhenAll(SendAsync(client), SendAsync(server), ReceiveAsync(client), ReceiveAsync(server));
        Assert.Equal(SHA256.HashData(data), results[2]);
        Assert.Equal(SHA256.HashData(data), results[3]);

        async Task<byte[]> SendAsync(Socket socket)
        {
            for (var at = 0; at < data.Length;) at += await socket.SendAsync(data.AsMemory(at), timeout.Token);
            socket.Shutdown(SocketShutdown.Send);
            return [];
        }

        async Task<byte[]> ReceiveAsync(Socket socket)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[256 * 1024];
            while (await socket.ReceiveAsync(buffer, timeout.Token) is var read and > 0) hash.AppendData(buffer, 0, read);
            return hash.GetHashAndReset();
        }
    }

    [Theory]
    [InlineData(OverlayLab.Client, 1500 - 28)]
    [InlineData(OverlayLab.Client6, 1500 - 48)]
    public async Task A_packet_too_big_for_the_tunnel_is_reported_to_the_endpoint(string client, int payload)
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        var peer = _lab.Peer1("udp");
        var to = new IPEndPoint(IPAddress.Parse(client), 7);
        using var pod = _lab.PodHost1.Run(() => new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        if (to.AddressFamily == AddressFamily.InterNetwork) pod.DontFragment = true;
        else pod.SetRawSocketOption(41, 23, BitConverter.GetBytes(2)); // IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO
        pod.Connect(to);
        pod.Send(new byte[payload]);
        // The node's ICMP has arrived when the call returns; from then on the endpoint's own kernel refuses.
        Assert.Equal(SocketError.MessageSize, (SocketError)(int)pod.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!);
        Assert.Equal(SocketError.MessageSize, Assert.Throws<SocketException>(() => pod.Send(new byte[payload])).SocketErrorCode);
        Assert.Contains("mtu 1468", _lab.PodHost1.Exec("ip", "route", "get", client));
        pod.Send(new byte[payload - 32]);
        await _lab.UntilAsync(() => peer.Count("rx_udp") == 1);
        Assert.Equal(0, _lab.Engine.Counters.Oversize);
    }

    [Theory]
    [InlineData("udp", OverlayLab.Client)]
    [InlineData("gre", OverlayLab.Client6)]
    public async Task A_datagram_longer_than_the_tunnels_MTU_arrives_whole(string encapsulation, string client)
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: encapsulation == "udp"));
        _lab.Peer1(encapsulation);
        var to = new IPEndPoint(IPAddress.Parse(client), 5002);
        using var receiver = _lab.Router1.Run(() => new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(to);
        using var pod = _lab.PodHost1.Run(() => new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        var data = RandomNumberGenerator.GetBytes(20_000);
        var buffer = new byte[65536];
        // Over IPv6 only the sender fragments: it learns the tunnel's MTU from the first datagram.
        await _lab.UntilAsync(async () =>
        {
            pod.SendTo(data, to);
            using var timeout = new CancellationTokenSource(Patience.Seconds(1));
            try
            {
                var length = await receiver.ReceiveAsync(buffer, timeout.Token);
                return data.AsSpan().SequenceEqual(buffer.AsSpan(0, length));
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        });
        Assert.InRange(_lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1].PacketsOut, 14, long.MaxValue);
    }

    [Fact]
    public async Task A_link_with_a_smaller_MTU_behind_the_node_causes_outer_fragments_and_no_loss()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        var peer = _lab.Peer1("udp");
        _lab.Node.Ip("route add 172.16.0.2/32 dev br0 mtu lock 1000");
        using var pod = _lab.PodHost1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (var i = 0; i < 10; i++) pod.SendTo(new byte[1468 - 28], new IPEndPoint(IPAddress.Parse(OverlayLab.Client), 7));
        await _lab.UntilAsync(() => peer.Count("rx_udp") == 10);
        var counters = _lab.Engine.Counters;
        Assert.Equal((0, 0), (counters.Oversize, counters.SendErrors));
    }

    [Fact]
    public async Task The_outer_header_follows_the_RFCs()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        _lab.Peer1("udp");
        using var wire = _lab.Router1.Run(() => RawSocket.Open(17));
        using var pod = _lab.PodHost1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        pod.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, 0xb9); // EF, ECT(1)
        pod.DontFragment = true;
        pod.SendTo(new byte[100], new IPEndPoint(IPAddress.Parse(OverlayLab.Client), 7));
        var buffer = new byte[2048];
        using var timeout = new CancellationTokenSource(Patience.Seconds(5));
        int length;
        do
        {
            length = await wire.ReceiveAsync(buffer, timeout.Token);
        }
        while (buffer[22] << 8 != (6635 & 0xff00) || buffer[23] != (6635 & 0xff));

        Assert.Equal(20 + 8 + 4 + 128, length);
        Assert.Equal(0x45, buffer[0]);
        Assert.Equal(OverlayLab.Kernel ? 0 : 0xb8, buffer[1]); // DSCP copied, ECN not; the kernel copies neither from MPLS
        Assert.Equal(0, buffer[6] & 0x40); // DF is not set, even if it is set in the inner packet
        Assert.Equal(OverlayLab.NodeAddress, new IPAddress(buffer[12..16]).ToString());
        Assert.InRange((buffer[20] << 8) | buffer[21], 49152, 65535);
        Assert.Equal(8 + 4 + 128, (buffer[24] << 8) | buffer[25]);
        Assert.Equal(0, (buffer[26] << 8) | buffer[27]); // no checksum
        Assert.Equal(OverlayLab.Kernel ? "00069140" : "00069B40", Convert.ToHexString(buffer, 28, 4)); // label 105, traffic class 5 (0), bottom, TTL 64
        Assert.Equal(0xb9, buffer[33]);
    }
}
