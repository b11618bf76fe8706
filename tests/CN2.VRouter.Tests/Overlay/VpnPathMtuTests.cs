using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay;
using CN2.VRouter.Relay;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>ICMP errors about packets that were too big, in VPNs: two of them with the same addresses, and another node of both FloatingIPs.</summary>
public sealed class VpnPathMtuTests : IClassFixture<VpnLab>, IAsyncLifetime
{
    private const string OtherNode = "172.16.0.2";

    private readonly VpnLab _lab;
    private readonly NodeDataplane _dataplane;
    private readonly IcmpRelay _relay;
    private readonly Socket _other;

    public VpnPathMtuTests(VpnLab lab)
    {
        _lab = lab;
        var address = IPAddress.Parse(NodeLab.NodeAddress);
        var options = new NftOptions("cn2", address, IPAddress.Parse(NodeLab.NodeAddress6)) { RelayPort = RelayNode.Port };
        (_dataplane, _relay) = lab.Nodes.Node.Run(() => (
            new NodeDataplane(
                new NftDataplane(options, NullLogger<NftDataplane>.Instance),
                new OverlayEngine("cn2", address, OverlayLab.Choice, NullLogger<OverlayEngine>.Instance)),
            new IcmpRelay("cn2", address, RelayNode.Port, NullLogger<IcmpRelay>.Instance)));
        _other = lab.Nodes.OtherNode.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        _other.Bind(new IPEndPoint(IPAddress.Parse(OtherNode), RelayNode.Port));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _other.Dispose();
        _relay.Dispose();
        await _dataplane.DisposeAsync();
        await _lab.Nodes.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await _lab.Nodes.Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        _lab.Nodes.Node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData("100.0.0.4", NodeLab.Client, "10.1.1.2", "10.1.2.2")]
    [InlineData("2001:db8::4", NodeLab.Client6, "fd00:1:1::2", "fd00:1:2::2")]
    public async Task A_relayed_error_reaches_the_endpoint_of_its_flow_in_its_VPN_and_in_no_other(string address, string client, string pod1, string pod2)
    {
        await ApplyAsync(address, pod1, pod2);
        // The same addresses and ports in both VPNs.
        var from = new IPEndPoint(IPAddress.Parse(client), 40123).ToString();
        using var inFive = (await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, address, 8080, from))!;
        using var inSix = (await EchoClient.OpenAsync(_lab.Site6.Client, ProtocolType.Tcp, address, 8080, from))!;
        Assert.Equal(("pod1", "pod2"), (inFive.First!.Endpoint, inSix.First!.Endpoint));
        using var atPod1 = new PacketCount(_lab.Nodes.PodHost1, "input", TooBig(address));
        using var atPod2 = new PacketCount(_lab.Nodes.PodHost2, "input", TooBig(address));
        Relay(5, address, client, 40123);
        await Eventually.TrueAsync(() => atPod1.Packets == 1, seen: Seen);
        Assert.Equal(0, atPod2.Packets);
        Relay(6, address, client, 40123);
        await Eventually.TrueAsync(() => atPod2.Packets == 1, seen: Seen);
        Relay(5, address, client, 40124);
        await Eventually.TrueAsync(() => _relay.Counters.Unmatched == 1, seen: Seen);
        Assert.Equal((1L, 1L), (atPod1.Packets, atPod2.Packets));
        Assert.True(await inFive.EchoesAsync());
        Assert.True(await inSix.EchoesAsync());
    }

    [Theory]
    [InlineData("100.0.0.4", NodeLab.Client, "10.1.1.2", "10.1.2.2")]
    [InlineData("2001:db8::4", NodeLab.Client6, "fd00:1:1::2", "fd00:1:2::2")]
    public async Task An_error_out_of_a_VPN_without_a_flow_goes_to_the_other_node_with_the_number_of_the_VPN(string address, string client, string pod1, string pod2)
    {
        await ApplyAsync(address, pod1, pod2);
        var packet = Packet(address, client, 40999);
        foreach (var site in (VpnSite[])[_lab.Site5, _lab.Site6])
        {
            using var raw = site.Client.Run(() => RawSocket.Open(255 /* IPPROTO_RAW */, IPAddress.Parse(address).AddressFamily));
            raw.SendTo(packet, new IPEndPoint(IPAddress.Parse(address), 0));
            var buffer = new byte[2000];
            using var timeout = new CancellationTokenSource(Patience.Seconds(20));
            var length = await _other.ReceiveAsync(buffer, timeout.Token);
            var sent = RelayDatagram.Read(buffer.AsSpan(0, length), out var instance).ToArray();
            Assert.Equal(site.Number, instance);
            Assert.Equal(IPAddress.Parse(address), TooBigError.FloatingIPOf(sent));
            Assert.Equal(packet.Length, sent.Length);
        }

        // A datagram is counted after it was sent.
        await Eventually.TrueAsync(() => (_relay.Counters.NoFlow, _relay.Counters.Sent) == (2L, 2L), seen: Seen);
    }

    private static string TooBig(string address) => address.Contains(':', StringComparison.Ordinal) ? "icmpv6 type packet-too-big" : "icmp type destination-unreachable icmp code frag-needed";

    private static byte[] Packet(string address, string client, int port) => TooBigPackets.Of(
        IPAddress.Parse(address.Contains(':', StringComparison.Ordinal) ? "2001:db8:77::1" : "198.51.100.77"), new IPEndPoint(IPAddress.Parse(address), 8080), new IPEndPoint(IPAddress.Parse(client), port), ProtocolType.Tcp);

    private void Relay(int routingInstance, string address, string client, int port) => _other.SendTo(
        RelayDatagram.Write(new byte[RelayDatagram.Longest], routingInstance, Packet(address, client, port)).ToArray(), new IPEndPoint(IPAddress.Parse(NodeLab.NodeAddress), RelayNode.Port));

    private string Seen() => $"{_relay.Counters} {_relay.Notice}";

    private Task ApplyAsync(string address, string pod1, string pod2)
    {
        static string Of(string pod) => new IPEndPoint(IPAddress.Parse(pod), 80).ToString();
        var config = Configs.Config(
            Configs.NatEntry(address, TransportProtocol.TCP, 8080, Of(pod1)).In(5),
            Configs.NatEntry(address, TransportProtocol.TCP, 8080, Of(pod2)).In(6));
        _lab.Fill(config.Overlay);
        RelayNode.CarriedBy(config, NodeLab.NodeAddress, OtherNode);
        return _lab.Nodes.Node.RunAsync(async () =>
        {
            Assert.Empty(await _dataplane.ApplyAsync(config, null, TestContext.Current.CancellationToken));
            _relay.SetCarriers(config.Carriers, null);
        });
    }
}
