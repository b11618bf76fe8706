using System.Net;
using CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>RoutingInstances and their routes from the stream: invalid ones are reported and left out.</summary>
public sealed class DesiredOverlayTests
{
    private readonly DesiredState _desired = new(IPAddress.Parse("172.16.0.1"));
    private ulong _revision;

    private CN2.VRouter.Dataplane.OverlayConfig Overlay => _desired.Dataplane.Overlay;

    public static TheoryData<string, Action<VpnRoute>> BadRoutes => new()
    {
        { "a VPN route has no key", r => r.Key = null },
        { "0 is no number of a RoutingInstance; expected 1 to 65535", r => r.Key.RoutingInstance = 0 },
        { "65536 is no number of a RoutingInstance; expected 1 to 65535", r => r.Key.RoutingInstance = 65536 },
        { "an address has 3 bytes; expected 4 or 16", r => r.Key.Prefix = ByteString.CopyFrom(1, 2, 3) },
        { "the prefix 192.0.2.0/33 of RoutingInstance 5 is too long; expected at most 32", r => r.Key.PrefixLength = 33 },
        { "the prefix 192.0.2.0/4294967295 of RoutingInstance 5 is too long; expected at most 32", r => r.Key.PrefixLength = uint.MaxValue },
        { "the prefix 192.0.2.0/16 of RoutingInstance 5 has host bits", r => r.Key.PrefixLength = 16 },
        { "the prefix 192.0.2.0/0 of RoutingInstance 5 has host bits", r => r.Key.PrefixLength = 0 },
        { "the prefix fd00::1/64 of RoutingInstance 5 has host bits", r => r.Key = Wire.RouteKey(5, "fd00::1/64") },
        { "the prefix fd00::/0 of RoutingInstance 5 has host bits", r => r.Key = Wire.RouteKey(5, "fd00::/0") },
        { "the prefix fd00::/129 of RoutingInstance 5 is too long; expected at most 128", r => r.Key = Wire.RouteKey(5, "fd00::/129") },
        { "the route to 192.0.2.0/24 in RoutingInstance 5 has no path", r => r.Paths.Clear() },
        { "a next hop of the route to 192.0.2.0/24 in RoutingInstance 5 has 16 bytes; expected the 4 of an IPv4 address", r => r.Paths[0].NextHop = Wire.Address("fd00::1") },
        { "a next hop of the route to 192.0.2.0/24 in RoutingInstance 5 has 0 bytes; expected the 4 of an IPv4 address", r => r.Paths[0].NextHop = ByteString.Empty },
        { "a next hop of the route to 192.0.2.0/24 in RoutingInstance 5: '127.0.0.1' is a loopback address; give a unicast address that other hosts can reach.", r => r.Paths[0].NextHop = Wire.Address("127.0.0.1") },
        { "the label 15 of the path to 172.16.0.2 of the route to 192.0.2.0/24 in RoutingInstance 5 is none; expected 16 to 1048575", r => r.Paths[0].Label = 15 },
        { "the label 1048576 of the path to 172.16.0.2 of the route to 192.0.2.0/24 in RoutingInstance 5 is none; expected 16 to 1048575", r => r.Paths[0].Label = 1 << 20 },
        { "the path to 172.16.0.2 of the route to 192.0.2.0/24 in RoutingInstance 5 has no encapsulation", r => r.Paths[0].MplsOverUdp = false },
    };

    public static TheoryData<string, Action<RoutingInstance>> BadInstances => new()
    {
        { "0 is no number of a RoutingInstance; expected 1 to 65535", i => i.Number = 0 },
        { "65536 is no number of a RoutingInstance; expected 1 to 65535", i => i.Number = 65536 },
        { "the label 3 of RoutingInstance 6 is none; expected 16 to 1048575", i => i.Label = 3 },
        { "the label 1048576 of RoutingInstance 6 is none; expected 16 to 1048575", i => i.Label = 1 << 20 },
        { "the label 21 of RoutingInstance 6 is that of RoutingInstance 5 too", i => i.Label = 21 },
        { "RoutingInstance 5 is given twice; the first counts", i => i.Number = 5 },
    };

    [Theory]
    [MemberData(nameof(BadRoutes))]
    public void A_bad_route_is_reported_and_left_out(string fault, Action<VpnRoute> spoil)
    {
        var bad = Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 100);
        spoil(bad);
        Snapshot([Wire.Instance(5)], [bad, Wire.Route(5, "198.51.100.0/24", "172.16.0.2", 100)]);
        Assert.Equal(fault, _desired.Fault);
        Assert.Equal("198.51.100.0/24", Assert.Single(Overlay.Routes).Key.Prefix.ToString());
    }

    [Theory]
    [MemberData(nameof(BadInstances))]
    public void A_bad_RoutingInstance_is_reported_and_left_out(string fault, Action<RoutingInstance> spoil)
    {
        var bad = Wire.Instance(6);
        spoil(bad);
        Snapshot([Wire.Instance(5), bad], []);
        Assert.Equal(fault, _desired.Fault);
        Assert.Equal(new(5, 21), Assert.Single(Overlay.RoutingInstances));
    }

    [Fact]
    public void Equal_FloatingIPs_in_a_RoutingInstance_and_the_underlay_are_different()
    {
        // In a VPN the node's own address is an ordinary address.
        var items = Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80"), Wire.NatEntry("100.0.0.4", 80, "10.0.0.2:80").In(5), Wire.NatEntry("172.16.0.1", 80, "10.0.0.2:80").In(5));
        Take(items);
        Assert.Null(_desired.Fault);
        Assert.Equal([0, 5, 5], _desired.Dataplane.NatEntries.Keys.Select(k => k.RoutingInstance).Order());
        Assert.Equal("100.0.0.4", Assert.Single(_desired.Dataplane.FloatingIPs).ToString());
    }

    [Theory]
    [InlineData(5, true, "a node port is in RoutingInstance 5; there are none in a VPN")]
    [InlineData(65536, false, "65536 is no number of a RoutingInstance; expected 1 to 65535")]
    public void An_entry_of_an_impossible_RoutingInstance_is_left_out(uint number, bool nodePort, string fault)
    {
        var natEntry = Wire.NatEntry("100.0.0.4", 30080, "10.0.0.1:80").In(number);
        if (nodePort) natEntry.Key.Address = ByteString.Empty;
        Take(Wire.Items(natEntry));
        Assert.Equal(fault, _desired.Fault);
        Assert.Empty(_desired.Dataplane.NatEntries);
    }

    [Fact]
    public void Paths_have_one_order_whatever_order_the_server_sends()
    {
        var route = Wire.Route(5, "192.0.2.0/24", "172.16.0.10", 100);
        route.Paths.Add(new VpnPath { NextHop = Wire.Address("172.16.0.9"), Label = 101, MplsOverGre = true });
        route.Paths.Add(new VpnPath { NextHop = Wire.Address("172.16.0.9"), Label = 100, MplsOverUdp = true, MplsOverGre = true });
        route.Paths.Add(route.Paths[0]);
        Snapshot([Wire.Instance(5)], [route]);
        Assert.Equal(["172.16.0.9 100", "172.16.0.9 101", "172.16.0.10 100"], Overlay.Routes.Values.Single().Select(p => $"{p.NextHop} {p.Label}"));
    }

    [Fact]
    public void The_change_of_a_delta_names_its_keys_and_the_routes_of_a_removed_RoutingInstance()
    {
        Snapshot([Wire.Instance(5), Wire.Instance(6)], [Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 100), Wire.Route(5, "fd00::/64", "172.16.0.2", 100), Wire.Route(6, "192.0.2.0/24", "172.16.0.2", 100)]);
        Assert.Null(_desired.Change);
        _desired.MarkApplied();
        Delta(d => d.Put = new Items { VpnRoutes = { Wire.Route(6, "198.51.100.0/24", "172.16.0.2", 100) } });
        Delta(d => d.RemovedVpnRoutes.Add(Wire.RouteKey(6, "192.0.2.0/24")));
        Assert.Equal(["192.0.2.0/24", "198.51.100.0/24"], _desired.Change!.Overlay.Routes.Select(r => r.Prefix.ToString()).Order());
        Assert.Empty(_desired.Change.Overlay.RoutingInstances);
        Assert.False(_desired.Change.IsEmpty);

        _desired.MarkApplied();
        Assert.True(_desired.Change.IsEmpty);
        Delta(d => d.RemovedRoutingInstances.Add(5));
        Assert.Equal([5], _desired.Change.Overlay.RoutingInstances);
        Assert.Equal(2, _desired.Change.Overlay.Routes.Count);
        Assert.Equal(new(6, 22), Assert.Single(Overlay.RoutingInstances));
        Assert.Equal("198.51.100.0/24", Assert.Single(Overlay.Routes).Key.Prefix.ToString());
    }

    [Fact]
    public void A_fault_of_a_route_ends_when_the_route_is_corrected_or_its_RoutingInstance_removed()
    {
        var bad = Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 3);
        var worse = Wire.Route(5, "198.51.100.0/24", "172.16.0.2", 3);
        Snapshot([Wire.Instance(5)], [bad, worse]);
        Assert.EndsWith("(and 1 more)", _desired.Fault, StringComparison.Ordinal);
        Delta(d => d.Put = new Items { VpnRoutes = { Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 100) } });
        Assert.Contains("198.51.100.0/24", _desired.Fault, StringComparison.Ordinal);
        Delta(d => d.RemovedRoutingInstances.Add(5));
        Assert.Null(_desired.Fault);
    }

    [Fact]
    public void A_snapshot_removes_what_it_does_not_name()
    {
        Snapshot([Wire.Instance(5)], [Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 100)]);
        Snapshot([], []);
        Assert.Empty(Overlay.RoutingInstances);
        Assert.Empty(Overlay.Routes);
    }

    private void Snapshot(RoutingInstance[] instances, VpnRoute[] routes)
    {
        var items = new Items();
        items.RoutingInstances.Add(instances);
        items.VpnRoutes.Add(routes);
        Take(items);
    }

    private void Take(Items items) => _desired.Take(new ServerMessage { Snapshot = new Snapshot { Revision = ++_revision, Last = true, Items = items } });

    private void Delta(Action<Delta> fill)
    {
        var delta = new Delta { Revision = ++_revision };
        fill(delta);
        _desired.Take(new ServerMessage { Delta = delta });
    }
}
