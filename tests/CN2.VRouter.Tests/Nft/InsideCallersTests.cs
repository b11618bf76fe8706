using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>
/// Callers inside of a node that has no endpoint of a FloatingIP with policy Local: its pods and the node itself reach endpoints of other nodes, and
/// nobody outside does.
/// </summary>
public sealed class InsideCallersTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    public static TheoryData<ProtocolType, string, string, string> Places => new()
    {
        { ProtocolType.Tcp, FloatingIP, "10.9.0.1:80@", NodeLab.NodeAddress },
        { ProtocolType.Udp, FloatingIP, "10.9.0.1:80@", NodeLab.NodeAddress },
        { ProtocolType.Tcp, FloatingIP6, "[fd00:9::1]:80@", NodeLab.NodeAddress6 },
        { ProtocolType.Udp, FloatingIP6, "[fd00:9::1]:80@", NodeLab.NodeAddress6 },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Pods_and_the_node_reach_an_endpoint_of_another_node_and_a_client_outside_does_not(ProtocolType protocol, string address, string backend, string source)
    {
        await ApplyAsync(Configs.NatEntry(address, Of(protocol), 8080, backend) with { InsideOnly = true });
        Assert.Equal(new Answer("remote", source), await EchoClient.OnceAsync(Lab.PodHost1, protocol, address, 8080));
        Assert.Equal(new Answer("remote", source), await EchoClient.OnceAsync(Lab.Node, protocol, address, 8080));
        Assert.Null(await PortProbe.ErrorAsync(Lab.ClientHost, protocol, address, 8080));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task So_they_reach_one_that_is_attached_one_to_one(ProtocolType protocol, string address, string backend, string source)
    {
        await ApplyAsync(Configs.OneToOne(address, backend) with { InsideOnly = true });
        Assert.Equal(new Answer("remote", source), await EchoClient.OnceAsync(Lab.PodHost1, protocol, address, 81));
        Assert.Equal(new Answer("remote", source), await EchoClient.OnceAsync(Lab.Node, protocol, address, 81));
        Assert.Null(await PortProbe.ErrorAsync(Lab.ClientHost, protocol, address, 81));
    }

    [Theory]
    [InlineData(FloatingIP, "10.9.0.1:80@", "10.1.1.2/32", "192.0.2.1/32")]
    [InlineData(FloatingIP6, "[fd00:9::1]:80@", "fd00:1:1::2/128", "fd00:c::1/128")]
    public async Task Source_ranges_judge_the_caller_and_not_the_address_that_the_endpoint_sees(string address, string backend, string ofPod, string ofNode)
    {
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend) with { InsideOnly = true };
        foreach (var (range, pod1, node) in ((string, bool, bool)[])[(ofPod, true, false), (ofNode, false, true), ($"{(address == FloatingIP ? NodeLab.NodeAddress + "/32" : NodeLab.NodeAddress6 + "/128")}", false, false)])
        {
            await ApplyAsync(entry with { SourceRanges = Configs.Ranges(range) });
            Assert.Equal(pod1, await EchoClient.OnceAsync(Lab.PodHost1, ProtocolType.Tcp, address, 8080) is not null);
            Assert.Equal(node, await EchoClient.OnceAsync(Lab.Node, ProtocolType.Tcp, address, 8080) is not null);
            Assert.Null(await EchoClient.OnceAsync(Lab.PodHost2, ProtocolType.Tcp, address, 8080));
        }
    }

    [Theory]
    [InlineData(FloatingIP, "10.9.0.1:80@", $"ip saddr {NodeLab.NodeAddress} ip daddr {NodeLab.RemotePod} sctp dport 80")]
    [InlineData(FloatingIP6, "[fd00:9::1]:80@", $"ip6 saddr {NodeLab.NodeAddress6} ip6 daddr {NodeLab.RemotePod6} sctp dport 80")]
    public async Task An_association_of_SCTP_takes_the_same_way(string address, string backend, string arriving)
    {
        var open = address == FloatingIP ? "100.0.0.5" : "2001:db8::5";
        await ApplyAsync(
            Configs.NatEntry(address, TransportProtocol.SCTP, 8080, backend) with { InsideOnly = true },
            Configs.NatEntry(open, TransportProtocol.TCP, 8080, backend));
        using var arrived = new PacketCount(Lab.OtherNode, "input", arriving);
        foreach (var (home, seen) in ((NetworkNamespace, int)[])[(Lab.PodHost1, 1), (Lab.Node, 2), (Lab.ClientHost, 2)])
        {
            var to = IPAddress.Parse(address);
            using var raw = home.Run(() => RawSocket.Open(132, to.AddressFamily));
            await raw.SendToAsync(RawPackets.SctpInit(20132, 8080), new IPEndPoint(to, 0), Cancellation);
            if (arrived.Packets < seen) await Eventually.TrueAsync(() => arrived.Packets == seen, "the INIT has arrived");
        }

        // A packet that was sent later has arrived, so the client's did not.
        Assert.NotNull(await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, open, 8080));
        Assert.Equal(2, arrived.Packets);
    }

    [Theory]
    [InlineData(FloatingIP, "10.9.0.1:80@", "10.1.1.2:80", "10.1.2.2")]
    [InlineData(FloatingIP6, "[fd00:9::1]:80@", "[fd00:1:1::2]:80", "fd00:1:2::2")]
    public async Task With_an_endpoint_on_the_node_callers_use_it_and_their_connections_elsewhere_go_on(string address, string remote, string local, string pod2)
    {
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, remote) with { InsideOnly = true };
        await ApplyAsync(entry);
        using var before = (await EchoClient.OpenAsync(Lab.PodHost2, ProtocolType.Tcp, address, 8080))!;
        await ApplyAsync(entry with { InsideOnly = false, Backends = Configs.Backends(local) });
        Assert.Equal(new Answer("pod1", pod2), await EchoClient.OnceAsync(Lab.PodHost2, ProtocolType.Tcp, address, 8080));
        Assert.Equal("pod1", (await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, address, 8080))?.Endpoint);
        Assert.True(await before.EchoesAsync());
        // An endpoint that draws itself.
        Assert.Equal("pod1", (await EchoClient.OnceAsync(Lab.PodHost1, ProtocolType.Tcp, address, 8080))?.Endpoint);
        await ApplyAsync(entry with { Draining = Configs.Backends(local) });
        Assert.Equal("remote", (await EchoClient.OnceAsync(Lab.PodHost1, ProtocolType.Tcp, address, 8080))?.Endpoint);
        Assert.Null(await PortProbe.ErrorAsync(Lab.ClientHost, ProtocolType.Tcp, address, 8080));
    }

    [Fact]
    public async Task An_interface_that_becomes_an_uplink_is_no_longer_inside()
    {
        Assert.Equal(["client0", "fabric0"], Uplinks.Names.Order());
        var entry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.9.0.1:80@") with { InsideOnly = true };
        await ApplyAsync(entry);
        Assert.NotNull(await EchoClient.OnceAsync(Lab.PodHost2, ProtocolType.Tcp, FloatingIP, 8080));
        // A route with two next hops, each over a gateway.
        Lab.Node.Ip("route add 203.0.113.0/24 nexthop via 10.1.1.2 dev pod1 nexthop via 10.1.2.2 dev pod2");
        try
        {
            Assert.True(Lab.Node.Run(Uplinks.Refresh));
            Assert.Equal(["client0", "fabric0", "pod1", "pod2"], Uplinks.Names.Order());
            await ApplyAsync(entry);
            Assert.Null(await PortProbe.ErrorAsync(Lab.PodHost2, ProtocolType.Tcp, FloatingIP, 8080));
        }
        finally
        {
            Lab.Node.Ip("route del 203.0.113.0/24");
        }

        Assert.True(Lab.Node.Run(Uplinks.Refresh));
        Assert.False(Lab.Node.Run(Uplinks.Refresh));
        await ApplyAsync(entry);
        Assert.NotNull(await EchoClient.OnceAsync(Lab.PodHost2, ProtocolType.Tcp, FloatingIP, 8080));
    }
}
