using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay;
using CN2.VRouter.Overlay.Packets;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// Outer packets of the overlay are taken from the uplink only. Every packet of these tests is one that the node must deliver to the second
/// pod when a router sends it: the label of a VPN, and in it a datagram to a FloatingIP.
/// </summary>
public sealed class UplinkTests : IClassFixture<VpnLab>, IAsyncLifetime
{
    /// <summary>A router that the node reaches by several interfaces, or by none of those that its packets take.</summary>
    private const string FarRouter = "172.31.0.9";

    private readonly VpnLab _lab;
    private readonly NodeDataplane _dataplane;
    private readonly Socket _endpoint;
    private OverlayEngine _engine = null!;

    public UplinkTests(VpnLab lab)
    {
        _lab = lab;
        // What is shown here must not be the kernel's own filter.
        foreach (var device in (string[])["all", "default", "pod1", "pod2", "client0", "fabric0", "router5", "router6"]) Node.Sysctl($"net/ipv4/conf/{device}/rp_filter", "0");
        _dataplane = Node.Run(() => new NodeDataplane(
            new NftDataplane(new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6)), NullLogger<NftDataplane>.Instance),
            _engine = new OverlayEngine("cn2", IPAddress.Parse(NodeLab.NodeAddress), OverlayLab.Choice, NullLogger<OverlayEngine>.Instance)));
        _endpoint = lab.Nodes.PodHost2.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
    }

    private NetworkNamespace Node => _lab.Nodes.Node;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await ApplyAsync();
        _endpoint.Bind(new IPEndPoint(IPAddress.Any, 9000));
    }

    private async Task ApplyAsync()
    {
        var config = Configs.Config(Configs.NatEntry("100.0.0.4", TransportProtocol.UDP, 9000, "10.1.2.2:9000").In(5), Configs.NatEntry("2001:db8::4", TransportProtocol.UDP, 9000, "[fd00:1:2::2]:9000").In(5));
        _lab.Fill(config.Overlay);
        config.Overlay.Routes[new VpnRouteKey(5, IPNetwork.Parse("198.51.100.0/24"))] = [new VpnPath(IPAddress.Parse(FarRouter), 999, true, true)];
        Assert.Empty(await Node.RunAsync(() => _dataplane.ApplyAsync(config, null, Cancellation)));
    }

    public async ValueTask DisposeAsync()
    {
        _endpoint.Dispose();
        await _dataplane.DisposeAsync();
        await Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        Node.Exec("conntrack", "-F");
    }

    public static TheoryData<bool> Encapsulations => [true, false];

    [Theory]
    [MemberData(nameof(Encapsulations))]
    public async Task A_pod_that_forges_a_routers_address_is_in_no_VPN(bool udp)
    {
        Send(_lab.Nodes.PodHost1, _lab.Site5.RouterAddress, NodeLab.NodeAddress, udp, "forged");
        await DroppedAsync(1);
        // With its own address it is nobody that may use the label.
        var before = _engine.Counters;
        Send(_lab.Nodes.PodHost1, NodeLab.Pod1, NodeLab.NodeAddress, udp, "own");
        await Eventually.TrueAsync(() => _engine.Counters.UnknownSource > before.UnknownSource, seen: () => $"{_engine.Counters}");
        await ExpectNextAsync(_lab.Site5.Router, _lab.Site5.RouterAddress, udp);
    }

    [Theory]
    [MemberData(nameof(Encapsulations))]
    public async Task A_pod_on_a_bridge_of_the_node_is_in_no_VPN_either(bool udp)
    {
        using var pod = new NetworkNamespace("bridged");
        Node.AddBridge("pods0");
        try
        {
            Node.Ip($"addr add 10.1.9.1/24 dev pods0\nlink add pod9 type veth peer name eth0 netns {pod.Name}\nlink set pod9 master pods0 up");
            Node.Sysctl("net/ipv4/conf/pods0/rp_filter", "0");
            pod.Ip("addr add 10.1.9.2/24 dev eth0\nlink set eth0 up\nroute add default via 10.1.9.1");
            Send(pod, _lab.Site5.RouterAddress, NodeLab.NodeAddress, udp, "forged");
            await DroppedAsync(1);
            // The bridge's own address is one of the node's, but not the end of its tunnels.
            Send(pod, _lab.Site5.RouterAddress, "10.1.9.1", udp, "bridge");
            await ExpectNextAsync(_lab.Site5.Router, _lab.Site5.RouterAddress, udp);
        }
        finally
        {
            Node.Ip("link del pods0");
        }
    }

    [Theory]
    [MemberData(nameof(Encapsulations))]
    public async Task A_router_with_several_paths_is_heard_on_each_of_them(bool udp)
    {
        Node.Ip($"route add {FarRouter}/32 nexthop via {_lab.Site5.RouterAddress} dev router5 nexthop via {_lab.Site6.RouterAddress} dev router6");
        try
        {
            await ExpectNextAsync(_lab.Site5.Router, FarRouter, udp);
            await ExpectNextAsync(_lab.Site6.Router, FarRouter, udp);
            Send(_lab.Nodes.ClientHost, FarRouter, NodeLab.NodeAddress, udp, "elsewhere");
            await DroppedAsync(1);
            Send(_lab.Nodes.PodHost1, FarRouter, NodeLab.NodeAddress, udp, "forged");
            await DroppedAsync(2);
            await ExpectNextAsync(_lab.Site6.Router, FarRouter, udp);
        }
        finally
        {
            Node.Ip($"route del {FarRouter}/32");
        }
    }

    [Theory]
    [MemberData(nameof(Encapsulations))]
    public async Task A_router_is_heard_on_the_interface_that_has_the_nodes_address_whatever_the_way_back(bool udp)
    {
        // The answers take the default route, by another interface.
        await ExpectNextAsync(_lab.Nodes.OtherNode, FarRouter, udp);
        Assert.Equal(0, _engine.Counters.NotFromUplink);
    }

    [Fact]
    public async Task A_forged_packet_does_not_leave_for_another_node_and_any_other_does()
    {
        using var other = _lab.Nodes.OtherNode.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        other.Bind(new IPEndPoint(IPAddress.Any, 6635));
        Send(_lab.Nodes.PodHost1, _lab.Site5.RouterAddress, "172.16.0.2", udp: true, "forged");
        await DroppedAsync(1);
        Send(_lab.Nodes.PodHost1, _lab.Site5.RouterAddress, "172.16.0.2", udp: false, "forged");
        await DroppedAsync(2);
        // A pod may speak MPLS in UDP as itself, as a router in a virtual machine does.
        Send(_lab.Nodes.PodHost1, NodeLab.Pod1, "172.16.0.2", udp: true, "own");
        var buffer = new byte[1500];
        var got = await other.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), Timeout());
        Assert.Equal(NodeLab.Pod1, ((IPEndPoint)got.RemoteEndPoint).Address.ToString());
    }

    [Fact]
    public async Task The_count_goes_on_when_the_tables_are_written_anew()
    {
        Send(_lab.Nodes.PodHost1, _lab.Site5.RouterAddress, NodeLab.NodeAddress, udp: true, "forged");
        await DroppedAsync(1);
        Node.Exec("nft", "delete", "table", "ip", "cn2");
        await _dataplane.Drift.ReadAsync(Timeout());
        await ApplyAsync();
        Assert.Equal(1, _engine.Counters.NotFromUplink);
        Send(_lab.Nodes.PodHost1, _lab.Site5.RouterAddress, NodeLab.NodeAddress, udp: true, "forged");
        await DroppedAsync(2);
    }

    private Task DroppedAsync(long packets) => Eventually.TrueAsync(() => _engine.Counters.NotFromUplink == packets, $"{packets} dropped", seen: () => $"{_engine.Counters}");

    /// <summary>The next datagram that the endpoint gets is one that this router sends now: none that was sent before has reached it.</summary>
    private async Task ExpectNextAsync(NetworkNamespace from, string source, bool udp)
    {
        var text = $"from {from.Name}";
        Send(from, source, NodeLab.NodeAddress, udp, text);
        var buffer = new byte[100];
        var length = await _endpoint.ReceiveAsync(buffer, Timeout());
        Assert.Equal(text, Encoding.ASCII.GetString(buffer, 0, length));
    }

    private static CancellationToken Timeout() => new CancellationTokenSource(Patience.Seconds(10)).Token;

    private void Send(NetworkNamespace from, string source, string destination, bool udp, string text)
    {
        var inner = Bytes.Packet("192.0.2.2", "100.0.0.4", 17, Convert.ToHexString(Udp(4242, 9000, Encoding.ASCII.GetBytes(text))));
        BinaryPrimitives.WriteUInt16BigEndian(inner.AsSpan(10), InternetChecksum.Of(inner.AsSpan(0, 20)));
        var labelled = Bytes.Labelled(_lab.Site5.Label, inner);
        byte[] payload = udp ? Udp(50000, 6635, labelled) : [0, 0, 0x88, 0x47, .. labelled];
        using var socket = from.Run(() => RawSocket.Open(255)); // IPPROTO_RAW: the packet comes with its header
        socket.SendTo(Bytes.Packet(source, destination, (byte)(udp ? 17 : 47), Convert.ToHexString(payload)), new IPEndPoint(IPAddress.Parse(destination), 0));
    }

    /// <summary>A UDP header without a checksum (RFC 768) in front of data.</summary>
    private static byte[] Udp(ushort from, ushort to, byte[] data)
    {
        var header = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(header, from);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), to);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)(8 + data.Length));
        return [.. header, .. data];
    }
}
