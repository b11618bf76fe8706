using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

public sealed class UserspaceInstanceTests
{
    private readonly UserspaceInstance _state = new(5) { Label = 21 };

    [Fact]
    public void A_sender_is_admitted_while_any_route_has_it_as_next_hop()
    {
        Set("203.0.113.0/24", "172.16.0.2", "172.16.0.3");
        Set("fd00:c::/64", "172.16.0.2");
        Assert.True(_state.Publish().Admits(0xac100002));
        Assert.True(_state.Publish().Admits(0xac100003));
        Assert.False(_state.Publish().Admits(0xac100004));
        Set("203.0.113.0/24", "172.16.0.4");
        Assert.True(_state.Publish().Admits(0xac100002));
        Assert.False(_state.Publish().Admits(0xac100003));
        Assert.True(_state.Publish().Admits(0xac100004));
        Set("fd00:c::/64");
        Assert.False(_state.Publish().Admits(0xac100002));
    }

    [Fact]
    public void A_published_instance_does_not_change()
    {
        Set("203.0.113.0/24", "172.16.0.2");
        var before = _state.Publish();
        Assert.Same(before, _state.Publish());
        Set("203.0.113.0/24", "172.16.0.3");
        Assert.NotSame(before, _state.Publish());
        Assert.True(before.Admits(0xac100002));
        Assert.Equal(0xac100002u, before.V4.Find(CN2.VRouter.Overlay.Packets.AddressKey.Of(IPAddress.Parse("203.0.113.9")))![0].NextHop);
    }

    [Fact]
    public void Set_answers_what_it_did_to_the_route()
    {
        Assert.Equal(RouteChange.Added, Set("203.0.113.0/24", "172.16.0.2"));
        Assert.Equal(RouteChange.None, Set("203.0.113.0/24", "172.16.0.2"));
        Assert.Equal(RouteChange.PathsChanged, Set("203.0.113.0/24", "172.16.0.3"));
        Assert.Equal(RouteChange.Removed, Set("203.0.113.0/24"));
        Assert.Equal(RouteChange.None, Set("203.0.113.0/24"));
        // Label 3 is reserved, so the only path is not usable.
        Assert.Equal(RouteChange.None, _state.Set(IPNetwork.Parse("198.51.100.0/24"), [new VpnPath(IPAddress.Parse("172.16.0.2"), 3, true, true)]));
        Assert.Empty(_state.Prefixes);
    }

    private RouteChange Set(string prefix, params string[] nextHops) => _state.Set(
        IPNetwork.Parse(prefix),
        nextHops.Length == 0 ? null : nextHops.Select(n => new VpnPath(IPAddress.Parse(n), 105, true, false)).ToEquatableList());
}
