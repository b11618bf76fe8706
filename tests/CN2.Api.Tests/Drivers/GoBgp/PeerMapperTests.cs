using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Peers as the engine is given them and lists them.</summary>
public sealed class PeerMapperTests
{
    private readonly PeerMapper _mapper = new(new BgpOptions { AutonomousSystem = Asn });

    public static TheoryData<BgpPeer> Peers =>
    [
        Peer("vmx1", 245),
        Peer("vmx1", 245, 65001, p => p with { Port = 1790, HoldTime = 30, AuthKey = "s3cret", MultihopTtl = 5, Passive = true, AddPath = false, AddressFamilies = ["inet", "route-target"] }),
        Peer("vmx1", 245, change: p => p with { AdminDown = true, GracefulRestart = false, RestartTime = 0 }),
        Peer("vmx1", 245, change: p => p with { RestartTime = 60, LongLivedStaleTime = 3600, MaxAdvertised = 7 }),
    ];

    [Theory]
    [MemberData(nameof(Peers))]
    public void What_the_engine_has_of_an_unreadable_peer_is_read_back_and_is_no_difference(BgpPeer peer)
    {
        var actual = _mapper.Encode(peer, restarting: false);
        var read = PeerMapper.Decode(BgpPeer.Unreadable(peer.Name, peer.Address, peer.MaxAdvertised), actual);
        Assert.True(read.IsUnreadable);
        Assert.Null(_mapper.Fault(read));
        Assert.Equal(actual, _mapper.Encode(read, restarting: false));
        Assert.Equal(PeerDifference.None, PeerMapper.Compare(_mapper.Encode(read, restarting: false), actual));
    }
}
