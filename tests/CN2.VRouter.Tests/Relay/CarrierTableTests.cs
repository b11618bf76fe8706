using System.Diagnostics;
using System.Net;
using CN2.Network.Collections;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Relay;

namespace CN2.VRouter.Tests.Relay;

/// <summary>Whom a FloatingIP's errors are sent to and taken from, and how many.</summary>
public sealed class CarrierTableTests
{
    private static readonly FloatingIPPlace Place = new(0, IPAddress.Parse("100.0.0.4"));
    private static readonly FloatingIPPlace InVpn = Place with { RoutingInstance = 5 };

    private readonly CarrierTable _table = new(IPAddress.Parse("172.16.1.1"), 8475);
    private readonly Dictionary<FloatingIPPlace, EquatableList<IPAddress>> _desired = [];

    [Fact]
    public void The_node_itself_is_none_of_the_others()
    {
        _desired[Place] = Nodes("172.16.1.1", "172.16.2.1", "172.16.3.1");
        _desired[InVpn] = Nodes("172.16.1.1");
        _table.Set(_desired, null);
        var others = _table.Find(Place)!;
        Assert.Equal(["172.16.2.1:8475", "172.16.3.1:8475"], others.EndPoints.Select(e => e.ToString()));
        Assert.True(others.Have(0xac100301));
        Assert.False(others.Have(0xac100101));
        Assert.Null(_table.Find(InVpn));
    }

    [Fact]
    public void A_change_touches_what_it_names_and_a_whole_configuration_everything()
    {
        _desired[Place] = Nodes("172.16.1.1", "172.16.2.1");
        _desired[InVpn] = Nodes("172.16.1.1", "172.16.3.1");
        _table.Set(_desired, null);
        var kept = _table.Find(Place);
        _desired[InVpn] = Nodes("172.16.1.1", "172.16.2.1", "172.16.3.1");
        _desired.Remove(Place);
        _table.Set(_desired, [InVpn]);
        Assert.Same(kept, _table.Find(Place));
        Assert.Equal(2, _table.Find(InVpn)!.EndPoints.Count);
        _table.Set(_desired, null);
        Assert.Null(_table.Find(Place));
    }

    [Fact]
    public void The_limit_of_a_FloatingIP_does_not_begin_anew_with_each_configuration()
    {
        _desired[Place] = Nodes("172.16.1.1", "172.16.2.1");
        _table.Set(_desired, null);
        var others = _table.Find(Place);
        _desired[Place] = Nodes("172.16.1.1", "172.16.2.1");
        _table.Set(_desired, null);
        Assert.Same(others, _table.Find(Place));
    }

    [Fact]
    public void A_limit_lets_so_many_pass_in_a_second_and_no_more_after_a_long_pause()
    {
        var limit = new RateLimit(100);
        var second = Stopwatch.Frequency;
        var now = 1000 * second;
        Assert.Equal(100, Enumerable.Range(0, 1000).Count(_ => limit.Take(now)));
        Assert.Equal(10, Enumerable.Range(0, 1000).Count(_ => limit.Take(now + (second / 10) + 1)));
        Assert.Equal(100, Enumerable.Range(0, 1000).Count(_ => limit.Take(now + (100 * second))));
        Assert.False(limit.Take(now + (100 * second), 5));
        Assert.True(limit.Take(now + (101 * second), 100));
    }

    private static EquatableList<IPAddress> Nodes(params string[] addresses) => addresses.Select(IPAddress.Parse).ToEquatableList();
}
