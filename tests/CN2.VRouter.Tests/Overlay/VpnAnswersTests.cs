using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>What a FloatingIP of a VPN answers to packets that no entry translates, and packets of endpoints outside of their flow.</summary>
public sealed class VpnAnswersTests : IClassFixture<VpnLab>, IAsyncLifetime
{
    private const string FloatingIP = "100.0.0.4";
    private const string FloatingIP6 = "2001:db8::4";

    private readonly VpnLab _lab;
    private readonly NodeDataplane _dataplane;

    public VpnAnswersTests(VpnLab lab)
    {
        _lab = lab;
        var options = new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6));
        _dataplane = lab.Nodes.Node.Run(() => new NodeDataplane(
            new NftDataplane(options, NullLogger<NftDataplane>.Instance),
            new OverlayEngine("cn2", IPAddress.Parse(NodeLab.NodeAddress), OverlayLab.Choice, NullLogger<OverlayEngine>.Instance)));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await _lab.Nodes.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await _lab.Nodes.Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        _lab.Nodes.Node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData(FloatingIP, "10.1.1.2:80")]
    [InlineData(FloatingIP6, "[fd00:1:1::2]:80")]
    public async Task Ports_without_a_mapping_are_refused_and_echo_requests_answered_only_in_the_VPN_with_the_route(string address, string backend)
    {
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend);
        await ApplyAsync(entry.In(5) with { RefusesOthers = true, AnswersPing = true }, entry.In(6));
        foreach (var (site, answers) in ((VpnSite, bool)[])[(_lab.Site5, true), (_lab.Site6, false)])
        {
            foreach (var protocol in (ProtocolType[])[ProtocolType.Tcp, ProtocolType.Udp])
                Assert.Equal(answers ? SocketError.ConnectionRefused : null, await PortProbe.ErrorAsync(site.Client, protocol, address, 8081));
            Assert.Equal(answers, await PingAsync(site.Client, address));
            Assert.NotNull(await EchoClient.OnceAsync(site.Client, ProtocolType.Tcp, address, 8080));
        }

        await ApplyAsync(entry.In(5), entry.In(6));
        Assert.False(await PingAsync(_lab.Site5.Client, address));
        Assert.Null(await PortProbe.ErrorAsync(_lab.Site5.Client, ProtocolType.Tcp, address, 8081));
    }

    [Fact]
    public async Task A_segment_of_an_endpoint_outside_of_the_window_leaves_neither_into_the_VPN_nor_into_the_underlay()
    {
        await ApplyAsync(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80").In(5));
        using var connection = (await EchoClient.OpenAsync(_lab.Site5.Client, ProtocolType.Tcp, FloatingIP, 8080, NodeLab.Client))!;
        using var leaked = new PacketCount(_lab.Nodes.Node, "postrouting", $"ct state invalid ip saddr {NodeLab.Pod1}");
        await RawPackets.SendOutOfWindowAsync(_lab.Nodes.PodHost1, IPEndPoint.Parse($"{NodeLab.Pod1}:80"), IPEndPoint.Parse($"{NodeLab.Client}:{connection.Port}"));
        Assert.True(await connection.EchoesAsync());
        Assert.Equal(0, leaked.Packets);
    }

    /// <summary>Of a Service: the entry in the VPN is held until the route is gone, and the cluster IP says already that the endpoint is on another node.</summary>
    [Theory]
    [InlineData(FloatingIP, "10.9.0.1:80", "10.233.0.9", NodeLab.Client, NodeLab.NodeAddress)]
    [InlineData(FloatingIP6, "[fd00:9::1]:80", "fd00:233::9", NodeLab.Client6, NodeLab.NodeAddress6)]
    public async Task A_segment_in_the_middle_of_a_connection_does_not_reach_an_endpoint_that_has_just_gone_to_another_node(string address, string backend, string clusterIP, string client, string node)
    {
        var held = Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend).In(5);
        var ofService = Configs.NatEntry(clusterIP, TransportProtocol.TCP, 80, backend);
        await ApplyAsync(held, ofService);
        await ApplyAsync(held, ofService with { Backends = Configs.Backends(backend + "@") });
        using var midway = new PacketCount(_lab.Nodes.OtherNode, "input", "tcp dport 80 tcp flags & (fin | syn | rst | ack) == ack tcp sport 40001");
        await RawPackets.SendOutOfWindowAsync(_lab.Site5.Client, new IPEndPoint(IPAddress.Parse(client), 40001), new IPEndPoint(IPAddress.Parse(address), 8080));
        // A connection that is new: it comes later on the same path.
        Assert.Equal(new Answer("remote", node), await EchoClient.OnceAsync(_lab.Site5.Client, ProtocolType.Tcp, address, 8080));
        Assert.Equal(0, midway.Packets);
    }

    private static Task<bool> PingAsync(NetworkNamespace home, string address) => home.RunAsync(async () =>
    {
        using var ping = new Ping();
        var reply = await ping.SendPingAsync(address, 700);
        return reply.Status == IPStatus.Success && reply.Address.Equals(IPAddress.Parse(address));
    });

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(params DataplaneNatEntry[] entries)
    {
        var config = Configs.Config(entries);
        _lab.Fill(config.Overlay);
        return _lab.Nodes.Node.RunAsync(() => _dataplane.ApplyAsync(config, null, TestContext.Current.CancellationToken));
    }
}
