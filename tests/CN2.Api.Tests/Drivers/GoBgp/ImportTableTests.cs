using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Resources;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Time.Testing;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp;

public sealed class ImportTableTests
{
    private const string Address = "172.27.115.245";

    private readonly FakeTimeProvider _time = new();
    private readonly ImportTable _table;

    public ImportTableTests()
    {
        _table = new(_time, 3);
        SetPeer(Spec.Peer("vmx1", 245));
        _table.SetTargets([Spec.Target("target:64512:1")]);
        _table.Up(Address, mustList: false);
    }

    private void SetPeer(BgpPeer peer) => _table.SetPeers(new Dictionary<string, BgpPeer> { [Address] = peer });

    private static LearnedRoute Route(string prefix, string target = "target:64512:1", uint label = 100) => new("64512:7", IPNetwork.Parse(prefix), new()
    {
        Key = new("", "64512:7", IPNetwork.Parse(prefix)),
        NextHop = IPAddress.Parse(Address),
        Label = label,
        RouteTargets = [Spec.Target(target)],
    }, null);

    private static LearnedRoute Gone(string prefix) => new("64512:7", IPNetwork.Parse(prefix), null, null);

    /// <summary>The changes as <c>+prefix</c> and <c>-prefix</c>, in order.</summary>
    private string Changes() => string.Join(" ", _table.Take().Select(c => $"{(c.Route is null ? '-' : '+')}{c.Key.Prefix}").Order(StringComparer.Ordinal));

    [Fact]
    public void Changes_of_one_route_are_taken_once_as_their_last_state()
    {
        _table.Apply(Address, Route("10.1.0.0/16"));
        _table.Apply(Address, Route("10.1.0.0/16", label: 200));
        _table.Apply(Address, Route("10.2.0.0/16", "target:64512:2"));
        var change = Assert.Single(_table.Take());
        Assert.Equal((200u, "vmx1", "vmx1"), (change.Route!.Label, change.Key.Peer, change.Route.Key.Peer));
        _table.Apply(Address, Route("10.1.0.0/16", label: 200));
        Assert.Empty(_table.Take());
        _table.Apply(Address, Gone("10.1.0.0/16"));
        _table.Apply(Address, Gone("10.2.0.0/16"));
        Assert.Equal("-10.1.0.0/16", Changes());
        _table.Apply("172.27.115.99", Route("10.1.0.0/16"));
        Assert.Empty(_table.Take());
    }

    [Fact]
    public void Only_a_new_import_target_that_a_skipped_route_carried_makes_the_peer_be_read_again()
    {
        _table.Apply(Address, Route("10.2.0.0/16", "target:64512:2"));
        _table.SetTargets([Spec.Target("target:64512:1"), Spec.Target("target:64512:3")]);
        Assert.Empty(_table.ToBeListed());
        _table.SetTargets([Spec.Target("target:64512:2")]);
        Assert.Single(_table.ToBeListed());
        _table.ApplyListing(Address, [Route("10.2.0.0/16", "target:64512:2")], [], sweep: false);
        Assert.Empty(_table.ToBeListed());
        Assert.Equal("+10.2.0.0/16", Changes());
    }

    [Fact]
    public void A_listing_drops_routes_that_are_gone_but_keeps_stale_ones_until_the_sweep()
    {
        _table.Apply(Address, Route("10.1.0.0/16"));
        _table.Apply(Address, Route("10.2.0.0/16"));
        _table.Down(Address);
        _table.Up(Address, mustList: false);
        _table.Apply(Address, Route("10.3.0.0/16"));
        Assert.Equal("+10.1.0.0/16 +10.2.0.0/16 +10.3.0.0/16", Changes());
        _table.ApplyListing(Address, [Route("10.1.0.0/16")], [], sweep: false);
        Assert.Equal("-10.3.0.0/16", Changes());
        Assert.Single(_table.WithStaleRoutes());
        _table.ApplyListing(Address, [Route("10.1.0.0/16")], [], sweep: true);
        Assert.Equal("-10.2.0.0/16", Changes());
        Assert.Empty(_table.WithStaleRoutes());
    }

    [Fact]
    public void Stale_routes_go_after_the_restart_time_and_the_first_loss_counts()
    {
        _table.Apply(Address, Route("10.1.0.0/16"));
        _table.Take();
        _table.AllDown();
        _time.Advance(TimeSpan.FromSeconds(100));
        _table.Up(Address, mustList: false);
        _table.Down(Address);
        _table.Expire();
        Assert.Empty(_table.Take());
        _time.Advance(TimeSpan.FromSeconds(20));
        _table.Expire();
        Assert.Equal("-10.1.0.0/16", Changes());
    }

    [Fact]
    public void Without_graceful_restart_or_without_the_peer_routes_go_at_once()
    {
        SetPeer(Spec.Peer("vmx1", 245, change: p => p with { GracefulRestart = false }));
        _table.Apply(Address, Route("10.1.0.0/16"));
        _table.Take();
        _table.Down(Address);
        Assert.Equal("-10.1.0.0/16", Changes());
        SetPeer(Spec.Peer("vmx1", 245));
        _table.Up(Address, mustList: false);
        _table.Apply(Address, Route("10.1.0.0/16"));
        _table.Take();
        _table.SetPeers(new Dictionary<string, BgpPeer>());
        Assert.Equal("-10.1.0.0/16", Changes());
        // The session stays when the peer is renamed: the renamed peer is read.
        SetPeer(Spec.Peer("other", 245));
        Assert.Equal("other", Assert.Single(_table.ToBeListed()).Name);
    }

    [Fact]
    public void Over_the_import_limit_a_known_route_still_changes_and_free_room_is_used()
    {
        for (var i = 1; i <= 4; i++) _table.Apply(Address, Route($"10.{i}.0.0/16"));
        Assert.Equal("+10.1.0.0/16 +10.2.0.0/16 +10.3.0.0/16", Changes());
        Assert.Equal(["vmx1"], _table.Faults().Keys);
        _table.Apply(Address, Route("10.1.0.0/16", label: 200));
        Assert.Equal("+10.1.0.0/16", Changes());
        _table.RecheckOverflowing();
        Assert.Empty(_table.ToBeListed());
        _table.Apply(Address, Gone("10.1.0.0/16"));
        _table.RecheckOverflowing();
        Assert.Single(_table.ToBeListed());
        _table.ApplyListing(Address, [Route("10.2.0.0/16"), Route("10.3.0.0/16"), Route("10.4.0.0/16")], [], sweep: false);
        Assert.Equal("+10.4.0.0/16 -10.1.0.0/16", Changes());
        Assert.Empty(_table.Faults());
    }

    [Fact]
    public void Memberships_last_as_long_as_the_session()
    {
        Assert.False(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:1")]));
        _table.ApplyMembership(Address, Spec.Membership("target:64512:1"), withdrawn: false);
        Assert.True(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:9"), Spec.Target("target:64512:1")]));
        Assert.False(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:9")]));
        _table.ApplyMembership(Address, null, withdrawn: false);
        Assert.True(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:9")]));
        Assert.Single(_table.WithNewMemberships());
        _table.MarkSent(Address);
        _table.ApplyMembership(Address, Spec.Membership("target:64512:1"), withdrawn: true);
        _table.ApplyMembership(Address, null, withdrawn: false);
        Assert.Empty(_table.WithNewMemberships());
        _table.ApplyListing(Address, [], [Spec.Membership("target:64512:1"), Spec.Membership("target:64512:2")], sweep: false);
        _time.Advance(TimeSpan.FromSeconds(Limits.SendAgainSeconds));
        Assert.False(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:9")]));
        Assert.Single(_table.WithNewMemberships());
        _table.Down(Address);
        Assert.Empty(_table.WithNewMemberships());
        Assert.False(_table.MembershipsOf(Address).Want([Spec.Target("target:64512:1")]));
    }

    [Fact]
    public void A_target_is_asked_for_until_the_last_AS_stops()
    {
        const string target = "target:64512:1";
        bool IsAsked() => _table.MembershipsOf(Address).Want([Spec.Target(target)]);
        _table.ApplyMembership(Address, Spec.Membership(target), withdrawn: false);
        _table.MarkSent(Address);
        _time.Advance(TimeSpan.FromSeconds(Limits.SendAgainSeconds));
        _table.ApplyMembership(Address, Spec.Membership(target, 65001), withdrawn: false);
        Assert.Empty(_table.WithNewMemberships()); // it has these routes
        _table.ApplyMembership(Address, Spec.Membership(target), withdrawn: true);
        _table.ApplyMembership(Address, Spec.Membership(target, 65002), withdrawn: true); // never asked
        Assert.True(IsAsked());
        _table.ApplyListing(Address, [], [Spec.Membership(target, 65003)], sweep: false);
        Assert.True(IsAsked());
        _table.ApplyMembership(Address, Spec.Membership(target, 65001), withdrawn: true); // the listing had it no more
        Assert.True(IsAsked());
        _table.ApplyMembership(Address, Spec.Membership(target, 65003), withdrawn: true);
        Assert.False(IsAsked());

        for (var origin = 0u; origin < 2 * ImportTable.MostOrigins; origin++) _table.ApplyMembership(Address, Spec.Membership(target, origin), withdrawn: false);
        Assert.Empty(_table.Faults());
        for (var origin = 0u; origin < ImportTable.MostOrigins; origin++) _table.ApplyMembership(Address, Spec.Membership(target, origin), withdrawn: true);
        Assert.False(IsAsked());
    }

    private static Wire.Path Learned(Action<Wire.LabeledVPNIPAddressPrefix>? change = null, params Any[] more)
    {
        var nlri = new Wire.LabeledVPNIPAddressPrefix
        {
            Prefix = "10.1.0.0",
            PrefixLen = 16,
            Labels = { 100 },
            Rd = PathAttributes.Pack(new Wire.RouteDistinguisherTwoOctetASN { Admin = 64512, Assigned = 7 }),
        };
        change?.Invoke(nlri);
        var path = new Wire.Path { Nlri = PathAttributes.Pack(nlri), NeighborIp = Address, Family = new() { Afi = 1, Safi = 128 } };
        path.Pattrs.Add(PathAttributes.Pack(new Wire.NextHopAttribute { NextHop = Address }));
        path.Pattrs.AddRange(more);
        return path;
    }

    private static LearnedRoute? Decode(Wire.Path path) => new ImportedPathDecoder(64512, IPAddress.Parse("172.27.115.241")).Decode(path);

    [Theory]
    [InlineData("10.1.0.0", 33u)]
    [InlineData("garbage", 16u)]
    [InlineData("", 0u)]
    [InlineData("2001:db8::", 32u)]
    public void A_route_without_a_prefix_of_its_family_is_unreadable(string prefix, uint length) =>
        Assert.Null(Decode(Learned(n => (n.Prefix, n.PrefixLen) = (prefix, length))));

    [Fact]
    public void A_route_without_NLRI_or_route_distinguisher_is_unreadable()
    {
        Assert.Null(Decode(new() { NeighborIp = Address, Family = new() { Afi = 1, Safi = 128 } }));
        Assert.Null(Decode(Learned(n => n.Rd = null)));
    }

    [Fact]
    public void Host_bits_are_cut_off() => Assert.Equal(IPNetwork.Parse("10.1.0.0/16"), Decode(Learned(n => n.Prefix = "10.1.2.3"))!.Value.Prefix);

    [Fact]
    public void A_route_that_cannot_be_used_says_why()
    {
        Assert.Contains("label 15", Fault(Learned(n => n.Labels[0] = 15)), StringComparison.Ordinal);
        Assert.Contains("label 1048576", Fault(Learned(n => n.Labels[0] = 1 << 20)), StringComparison.Ordinal);
        Assert.Contains("0 labels", Fault(Learned(n => n.Labels.Clear())), StringComparison.Ordinal);
        Assert.Contains("2 labels", Fault(Learned(n => n.Labels.Add(101))), StringComparison.Ordinal);
        Assert.Contains("next hop", Fault(Learned(null, PathAttributes.Pack(new Wire.MpReachNLRIAttribute { NextHops = { "2001:db8::1" } }))), StringComparison.Ordinal);
        Assert.Contains("AS path", Fault(Learned(null, AsPath(65001, 64512))), StringComparison.Ordinal);
        Assert.Contains("this control node", Fault(Learned(null, PathAttributes.Pack(new Wire.OriginatorIdAttribute { Id = "172.27.115.241" }))), StringComparison.Ordinal);

        static string Fault(Wire.Path path)
        {
            var learned = Decode(path)!.Value;
            Assert.Null(learned.Route);
            return learned.Fault!;
        }
    }

    [Fact]
    public void Attributes_are_read_and_an_AS_set_counts_once()
    {
        var path = new Wire.AsPathAttribute
        {
            Segments =
            {
                new Wire.AsSegment { Type = Wire.AsSegment.Types.Type.AsSequence, Numbers = { 65001, 65002 } },
                new Wire.AsSegment { Type = Wire.AsSegment.Types.Type.AsSet, Numbers = { 65003, 65004 } },
                new Wire.AsSegment { Type = Wire.AsSegment.Types.Type.AsConfedSequence, Numbers = { 65005 } },
            },
        };
        var route = Decode(Learned(null, PathAttributes.Pack(path), PathAttributes.Pack(new Wire.ExtendedCommunitiesAttribute
        {
            Communities = { PathAttributes.Pack(new Wire.EncapExtended { TunnelType = 13 }), PathAttributes.Pack(new Wire.EncapExtended { TunnelType = 2 }), VpnCodec.Encode(Spec.Target("target:64512:1")) },
        })))!.Value.Route!;
        Assert.Equal(3, route.ASPathLength);
        Assert.Equal([(ushort)2, (ushort)13], route.Encapsulations);
        Assert.Equal([Spec.Target("target:64512:1")], route.RouteTargets);
    }

    private static Any AsPath(params uint[] numbers) => PathAttributes.Pack(new Wire.AsPathAttribute
    {
        Segments = { new Wire.AsSegment { Type = Wire.AsSegment.Types.Type.AsSequence, Numbers = { numbers } } },
    });
}
