using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Collections;
using CN2.Network.Resources;
using Microsoft.Extensions.Time.Testing;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>At each limit of what a router may send, and beyond it: what is beyond is left out, its router says so, and no other one pays.</summary>
public sealed class ImportLimitTests
{
    private const string Flooding = "172.27.115.245";
    private const string Quiet = "172.27.115.246";

    private readonly FakeTimeProvider _time = new();
    private readonly ImportTable _table;

    public ImportLimitTests()
    {
        _table = new(_time, 100_000);
        _table.SetPeers(new Dictionary<string, BgpPeer> { [Flooding] = Spec.Peer("flooding", 245), [Quiet] = Spec.Peer("quiet", 246) });
        _table.SetTargets([Spec.Target("target:64512:1")]);
        _table.Up(Flooding, mustList: false);
        _table.Up(Quiet, mustList: false);
    }

    [Fact]
    public void Beyond_the_limit_of_next_hops_the_router_with_the_most_pays_and_gets_them_back_when_there_is_room()
    {
        for (var i = 0; i < Limits.ImportedNextHops; i++) _table.Apply(Flooding, Route(i, Hop(i)));
        Assert.Equal(Limits.ImportedNextHops, _table.Take().Count);
        Assert.Empty(_table.Faults());
        for (var i = 0; i < 100_000; i++) _table.Apply(Flooding, Route(i + Limits.ImportedNextHops, Hop(i + Limits.ImportedNextHops)));
        Assert.Empty(_table.Take());
        Assert.Contains("next hops", Assert.Single(_table.Faults(), f => f.Key == "flooding").Value, StringComparison.Ordinal);

        // The other router is served: by a next hop of both, and by new ones, each of which costs the first router one.
        _table.Apply(Quiet, Route(1, Hop(0)));
        _table.Apply(Quiet, Route(2, IPAddress.Parse("192.0.2.1")));
        _table.Apply(Quiet, Route(3, IPAddress.Parse("192.0.2.2")));
        var changes = _table.Take();
        Assert.Equal(3, changes.Count(c => c is { Key.Peer: "quiet", Route: not null }));
        Assert.Equal(2, changes.Count(c => c is { Key.Peer: "flooding", Route: null }));
        Assert.Equal(["flooding"], _table.Faults().Keys);

        _table.RecheckOverflowing();
        Assert.Empty(_table.ToBeListed());
        _table.Apply(Quiet, Gone(3));
        _table.RecheckOverflowing();
        Assert.Equal("flooding", Assert.Single(_table.ToBeListed()).Name);
        _table.ApplyListing(Flooding, [.. Enumerable.Range(0, 10).Select(i => Route(i, Hop(i)))], [], sweep: true);
        Assert.Empty(_table.Faults());
    }

    [Fact]
    public void A_router_that_sends_more_than_64_routes_to_one_prefix_says_so_until_it_sends_fewer()
    {
        for (var i = 0; i < Limits.ImportedPaths; i++) _table.Apply(Flooding, Route(0, Hop(i), distinguisher: $"1:{i}"));
        Assert.Empty(_table.Faults());
        _table.Apply(Flooding, Route(0, Hop(99), distinguisher: "1:99"));
        Assert.Contains("64 routes to one prefix", Assert.Single(_table.Faults()).Value, StringComparison.Ordinal);
        _table.Apply(Flooding, Gone(0, "1:99"));
        Assert.Empty(_table.Faults());
    }

    [Fact]
    public void A_route_that_comes_and_goes_before_it_is_taken_leaves_nothing()
    {
        _table.Apply(Quiet, Route(0, Hop(0)));
        Assert.Single(_table.Take());
        for (var i = 0; i < 100_000; i++)
        {
            _table.Apply(Flooding, Route(i, Hop(0)));
            _table.Apply(Flooding, Gone(i));
        }
        Assert.False(_table.HasChanges);
        _table.Apply(Quiet, Gone(0));
        _table.Apply(Quiet, Route(0, Hop(0), label: 200));
        _table.Apply(Quiet, Gone(0));
        Assert.Null(Assert.Single(_table.Take()).Route);
    }

    [Fact]
    public void Route_targets_that_nobody_imports_are_remembered_up_to_a_limit_and_beyond_it_any_new_one_asks_again()
    {
        for (var i = 0; i < Limits.Memberships; i++) _table.Apply(Flooding, Route(i, Hop(0), target: $"target:64513:{i}"));
        _table.SetTargets([Spec.Target("target:64512:1"), Spec.Target("target:64512:2")]);
        Assert.Empty(_table.ToBeListed());
        _table.Apply(Flooding, Route(0, Hop(0), target: "target:64514:1"));
        _table.SetTargets([Spec.Target("target:64512:1"), Spec.Target("target:64512:3")]);
        Assert.Equal("flooding", Assert.Single(_table.ToBeListed()).Name);
    }

    [Fact]
    public void A_router_that_asks_for_more_route_targets_than_the_limit_says_so()
    {
        for (var i = 0; i < Limits.Memberships; i++) _table.ApplyMembership(Flooding, Spec.Membership($"target:64513:{i}"), withdrawn: false);
        Assert.Empty(_table.Faults());
        for (var i = 0; i < 100_000; i++) _table.ApplyMembership(Flooding, Spec.Membership($"target:64514:{i}"), withdrawn: false);
        Assert.Equal(Limits.Memberships, _table.MembershipsOf(Flooding).RouteTargets.Count);
        Assert.Contains("RFC 4684", Assert.Single(_table.Faults()).Value, StringComparison.Ordinal);
        _table.Down(Flooding);
        Assert.Empty(_table.Faults());
    }

    [Fact]
    public void A_router_that_asks_again_and_again_is_sent_everything_only_once_in_a_while_and_nobody_else_waits()
    {
        _table.ApplyMembership(Flooding, Spec.Membership("target:64512:1"), withdrawn: false);
        Assert.Single(_table.WithNewMemberships());
        _table.MarkSent(Flooding);
        _table.ApplyMembership(Flooding, Spec.Membership("target:64512:2"), withdrawn: false);
        Assert.Empty(_table.WithNewMemberships());
        Assert.True(_table.NeedsTime);
        // A new session of it does not help.
        _table.Down(Flooding);
        _table.Up(Flooding, mustList: false);
        _table.ApplyMembership(Flooding, Spec.Membership("target:64512:2"), withdrawn: false);
        _table.ApplyMembership(Quiet, Spec.Membership("target:64512:2"), withdrawn: false);
        Assert.Equal("quiet", Assert.Single(_table.WithNewMemberships()).Peer.Name);
        _time.Advance(TimeSpan.FromSeconds(Limits.SendAgainSeconds));
        Assert.Equal(2, _table.WithNewMemberships().Count);
    }

    [Fact]
    public void A_route_has_at_most_64_route_targets()
    {
        Assert.Equal(Limits.ImportedTargets, Decode(Limits.ImportedTargets).Route!.RouteTargets.Count);
        Assert.Contains("route targets", Decode(Limits.ImportedTargets + 1).Fault, StringComparison.Ordinal);

        static LearnedRoute Decode(int targets)
        {
            var path = new Wire.Path
            {
                Nlri = PathAttributes.Pack(new Wire.LabeledVPNIPAddressPrefix
                {
                    Prefix = "10.1.0.0",
                    PrefixLen = 16,
                    Labels = { 100 },
                    Rd = PathAttributes.Pack(new Wire.RouteDistinguisherTwoOctetASN { Admin = 64512, Assigned = 7 }),
                }),
                Family = new() { Afi = 1, Safi = 128 },
            };
            path.Pattrs.Add(PathAttributes.Pack(new Wire.NextHopAttribute { NextHop = Flooding }));
            path.Pattrs.Add(PathAttributes.Pack(new Wire.ExtendedCommunitiesAttribute
            {
                Communities = { Enumerable.Range(1, targets).Select(i => VpnCodec.Encode(Spec.Target($"target:64512:{i}"))) },
            }));
            return new ImportedPathDecoder(64512, null).Decode(path)!.Value;
        }
    }

    private static IPAddress Hop(int number) => new([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]);

    private static IPNetwork Prefix(int number) => new(new IPAddress([20, (byte)(number >> 16), (byte)(number >> 8), (byte)number]), 32);

    private static LearnedRoute Route(int prefix, IPAddress nextHop, string distinguisher = "64512:7", string target = "target:64512:1", uint label = 100) =>
        new(distinguisher, Prefix(prefix), new()
        {
            Key = new("", distinguisher, Prefix(prefix)),
            NextHop = nextHop,
            Label = label,
            RouteTargets = new[] { Spec.Target(target) }.ToEquatableList(),
        }, null);

    private static LearnedRoute Gone(int prefix, string distinguisher = "64512:7") => new(distinguisher, Prefix(prefix), null, null);
}
