using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Why the API refuses <c>holdTime: 0</c>.</summary>
public sealed class HoldTimeTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Gobgpd_reads_a_hold_time_of_0_as_90()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await engine.ByHand.AddPeerAsync(
            new()
            {
                Peer = new Peer
                {
                    Conf = new() { NeighborAddress = "172.27.115.245", PeerAsn = Asn },
                    Timers = new() { Config = new() { HoldTime = 0, KeepaliveInterval = 0 } },
                },
            }, cancellationToken: Token);
        using var peers = engine.ByHand.ListPeer(new() { Address = "172.27.115.245" }, cancellationToken: Token);
        Assert.True(await peers.ResponseStream.MoveNext(Token));
        Assert.Equal(90u, peers.ResponseStream.Current.Peer.Timers.Config.HoldTime);
    }
}
