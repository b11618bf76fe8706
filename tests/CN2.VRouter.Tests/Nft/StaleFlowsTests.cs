using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Netlink;
using CN2.VRouter.Nft;

namespace CN2.VRouter.Tests.Nft;

public sealed class StaleFlowsTests
{
    private static readonly DataplaneFrontend Dns = Configs.Frontend("100.0.0.4", TransportProtocol.UDP, 53, "10.0.0.1:5353") with
    {
        Draining = Configs.Backends("10.0.0.2:5353"),
    };

    private static readonly NftContents Contents = NftContents.Whole(
        new NftOptions("cn2", null, null),
        Configs.Config(Dns, Configs.NodePort(TransportProtocol.UDP, 30053, "10.0.0.1:5353"), Configs.OneToOne("100.0.0.9", "10.0.0.3:0")).With("100.0.0.7")).After;

    [Theory]
    [InlineData(17, "100.0.0.4", 53, "10.0.0.1", 5353, false)] // a backend
    [InlineData(17, "100.0.0.4", 53, "10.0.0.2", 5353, false)] // draining
    [InlineData(17, "100.0.0.4", 53, "10.0.0.3", 5353, true)] // gone
    [InlineData(17, "100.0.0.4", 53, "10.0.0.1", 53, true)] // another port than the backend's
    [InlineData(17, "100.0.0.4", 53, "100.0.0.4", 53, true)] // from before the service: not translated
    [InlineData(6, "100.0.0.4", 53, "10.0.0.3", 5353, false)] // TCP ends by itself
    [InlineData(17, "100.0.0.4", 54, "10.0.0.3", 5353, true)] // an entry that is gone, address still guarded
    [InlineData(17, "100.0.0.7", 54, "10.0.0.3", 5353, true)]
    [InlineData(17, "198.51.100.1", 53, "10.0.0.3", 5353, false)] // not ours
    [InlineData(17, "172.16.0.1", 30053, "10.0.0.1", 5353, false)]
    [InlineData(17, "172.16.0.1", 30053, "10.0.0.3", 5353, true)]
    [InlineData(17, "198.51.100.1", 30053, "10.0.0.3", 5353, false)] // the same port of somebody else
    [InlineData(17, "100.0.0.9", 777, "10.0.0.3", 777, false)] // one to one keeps the port
    [InlineData(17, "100.0.0.9", 777, "10.0.0.4", 777, true)]
    [InlineData(1, "100.0.0.9", 0, "10.0.0.3", 0, false)] // an echo has no ports
    [InlineData(1, "100.0.0.9", 0, "10.0.0.4", 0, true)]
    [InlineData(47, "100.0.0.9", 0, "10.0.0.4", 0, true)] // nor does a tunnel, and nothing ends it either
    [InlineData(132, "100.0.0.9", 777, "10.0.0.4", 777, false)] // SCTP ends by itself too
    [InlineData(1, "100.0.0.4", 0, "10.0.0.3", 0, true)] // attached one to one before, guarded now
    [InlineData(1, "198.51.100.1", 0, "10.0.0.3", 0, false)]
    public void Of_all_frontends(byte protocol, string to, ushort port, string answers, ushort answersPort, bool stale) =>
        Assert.Equal(stale, Look(null, [], protocol, to, port, answers, answersPort));

    [Fact]
    public void Frontends_that_were_not_named_keep_their_flows()
    {
        var other = new FrontendKey(Dns.Key.Family, IPAddress.Parse("100.0.0.4"), TransportProtocol.UDP, 54);
        Assert.False(Look([other], [], 17, "100.0.0.4", 53, "10.0.0.3", 5353));
        Assert.True(Look([other], [], 17, "100.0.0.4", 54, "10.0.0.3", 5353));
    }

    [Fact]
    public void Every_flow_to_a_freed_address_ends() =>
        Assert.True(Look([], [IPAddress.Parse("100.0.0.8")], 6, "100.0.0.8", 443, "10.0.0.1", 443));

    private static bool Look(HashSet<FrontendKey>? frontends, HashSet<IPAddress> freed, byte protocol, string to, ushort port, string answers, ushort answersPort) =>
        new StaleFlows(Contents, frontends, freed, new HashSet<IPAddress> { IPAddress.Parse("172.16.0.1") })
            .Contains(new ConntrackFlow(protocol, IPAddress.Parse(to), port, IPAddress.Parse(answers), answersPort));
}
