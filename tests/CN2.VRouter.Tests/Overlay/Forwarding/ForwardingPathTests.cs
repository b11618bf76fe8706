using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

public sealed class ForwardingPathTests
{
    private const int Flows = 8000;

    [Fact]
    public void Flows_spread_evenly_over_the_paths()
    {
        foreach (var share in Shares(Paths("172.16.0.2", "172.16.0.3", "172.16.0.4", "172.16.0.5")).Values) Assert.InRange(share, 1800, 2200);
    }

    [Fact]
    public void A_removed_path_moves_only_its_own_flows()
    {
        var four = Paths("172.16.0.2", "172.16.0.3", "172.16.0.4", "172.16.0.5");
        var three = Paths("172.16.0.5", "172.16.0.2", "172.16.0.4");
        for (var i = 0; i < Flows; i++)
        {
            var before = ForwardingPath.Choose(four, FlowHash.Mix((ulong)i)).NextHop;
            var after = ForwardingPath.Choose(three, FlowHash.Mix((ulong)i)).NextHop;
            if (before != 0xac100003) Assert.Equal(before, after);
        }
    }

    [Fact]
    public void Path_and_source_port_are_chosen_independently()
    {
        // Routers on the way hash by the source port, so flows with the same source port must not all take the same path.
        var paths = Paths("172.16.0.2", "172.16.0.3");
        var byPort = Enumerable.Range(0, Flows).Select(i => FlowHash.Mix((ulong)i)).GroupBy(f => f & 0xf, f => ForwardingPath.Choose(paths, f).NextHop);
        Assert.All(byPort, hops => Assert.Equal(2, hops.Distinct().Count()));
    }

    [Theory]
    [InlineData("172.16.0.2", 105u, true, true, "udp")]
    [InlineData("172.16.0.2", 105u, true, false, "udp")]
    [InlineData("172.16.0.2", 105u, false, true, "gre")]
    [InlineData("::ffff:172.16.0.2", 105u, false, true, "gre")]
    [InlineData("172.16.0.2", 105u, false, false, null)]
    [InlineData("172.16.0.2", 3u, true, true, null)]
    [InlineData("172.16.0.2", 1048576u, true, true, null)]
    [InlineData("2001:db8::1", 105u, true, true, null)]
    public void The_first_encapsulation_that_both_ends_offer_is_used(string nextHop, uint label, bool udp, bool gre, string? chosen)
    {
        var paths = ForwardingPath.Of([new VpnPath(IPAddress.Parse(nextHop), label, udp, gre)]);
        Assert.Equal(chosen, paths is null ? null : paths[0].Udp ? "udp" : "gre");
        if (paths is not null) Assert.Equal(0xac100002u, paths[0].NextHop);
    }

    private static ForwardingPath[] Paths(params string[] nextHops) =>
        ForwardingPath.Of(nextHops.Select(n => new VpnPath(IPAddress.Parse(n), 105, true, false)).ToEquatableList())!;

    private static Dictionary<uint, int> Shares(ForwardingPath[] paths) =>
        Enumerable.Range(0, Flows).GroupBy(i => ForwardingPath.Choose(paths, FlowHash.Mix((ulong)i)).NextHop).ToDictionary(g => g.Key, g => g.Count());
}
