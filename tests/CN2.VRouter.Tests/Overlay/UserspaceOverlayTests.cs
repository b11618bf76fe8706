using System.Net.Sockets;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The engine with packets: an independent far end, real devices, routes and rules.</summary>
public sealed class UserspaceOverlayTests : IAsyncDisposable
{
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
        Assert.Equal(new Answer("pod1", client), await EchoClient.OnceAsync(_lab.Router1, ProtocolType.Tcp, pod, 80));
        Assert.Equal(new Answer("pod1", client), await EchoClient.OnceAsync(_lab.Router1, ProtocolType.Udp, pod, 80));

        var other = encapsulation == "udp" ? "gre" : "udp";
        Assert.NotEqual(0, peer.Count("rx_" + encapsulation));
        Assert.Equal(0, peer.Count("rx_" + other));
        var carried = _lab.Engine.Counters.RoutingInstances[OverlayLab.Vpn1];
        Assert.Equal(peer.Count("rx_" + encapsulation), carried.PacketsOut);
        Assert.Equal(peer.Count("tx_" + encapsulation), carried.PacketsIn);
    }
}
