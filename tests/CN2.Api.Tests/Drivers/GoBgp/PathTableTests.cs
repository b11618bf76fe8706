using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Addressing;

namespace CN2.Api.Tests.Drivers.GoBgp;

public sealed class PathTableTests
{
    private static readonly PathAttributes Plain = new(200, 100, [], []);
    private static readonly PathAttributes NoExport = new(200, 100, [BgpCommunity.NoExport], []);
    private static readonly EngineRouteKey Prefix = EngineRouteKey.From(IPAddress.Parse("100.0.0.4"));
    private static readonly EngineRouteKey Prefix6 = EngineRouteKey.From(IPAddress.Parse("2001:db8::4"));

    private static NextHop Hop(string address) => new(IPAddress.Parse(address));

    [Theory]
    [InlineData("100.0.0.4", "100.0.0.4/32")]
    [InlineData("2001:db8::4", "2001:db8::4/128")]
    public void A_host_prefix_reads_back_as_its_address(string address, string expected) =>
        Assert.Equal(expected, HostPrefix.From(IPAddress.Parse(address)).ToString());

    [Fact]
    public void The_identifier_is_the_next_hop_in_any_order_of_arrival()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("172.27.115.243"), Plain, null, out _, out var first);
        table.Set(Prefix, Hop("172.27.115.242"), Plain, null, out _, out var second);
        Assert.Equal(0xAC1B73F3u, first.Identifier);
        Assert.Equal(0xAC1B73F2u, second.Identifier);
    }

    [Fact]
    public void An_identifier_that_is_taken_in_the_prefix_is_skipped()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("172.27.115.243"), Plain, 0xAC1B73F2, out _, out _);
        table.Set(Prefix, Hop("172.27.115.242"), Plain, null, out _, out var second);
        Assert.Equal(0xAC1B73F3u, second.Identifier);
    }

    [Fact]
    public void New_attributes_keep_the_identifier_and_equal_ones_are_no_change()
    {
        var table = new PathTable();
        Assert.True(table.Set(Prefix, Hop("172.27.115.242"), Plain, 7, out _, out _));
        Assert.False(table.Set(Prefix, Hop("172.27.115.242"), Plain with { }, null, out _, out _));
        Assert.True(table.Set(Prefix, Hop("172.27.115.242"), Plain with { Med = 1 }, null, out var before, out var after));
        Assert.Equal((7u, 100u, 1u), (after.Identifier, before.Attributes.Med, after.Attributes.Med));
    }

    // "x" is a number that is used up. A path that is added while the engine is away ("a") has none yet and gets a free one.
    [Theory]
    [InlineData("", "1 2 3")]
    [InlineData("-1 +1", "x 2 3 1")]
    [InlineData("-1 -2 +1 +2", "x x 3 1 2")]
    [InlineData("-2", "1 x 3")]
    [InlineData("-1 -2 -3 +2 +3", "x x x 2 3")]
    [InlineData("-1 a4", "4 2 3")]
    [InlineData("-1 -2 a4 a5 a6", "4 5 3 6")]
    [InlineData("l1", "1 2 3")] // a path that is leaving still has its number at the routers
    [InlineData("l1 +1", "1 2 3")]
    public void A_restarted_engine_gives_every_path_its_old_number(string changes, string expected)
    {
        var table = new PathTable();
        foreach (var hop in (string[])["+1", "+2", "+3", .. changes.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
        {
            var address = "10.0.0." + hop[1];
            if (hop[0] == '+') table.Set(Prefix, Hop(address), Plain, null, out _, out _);
            else if (hop[0] == 'a') table.Set(Prefix, Hop(address), Plain, null, out _, out _, wireIdentifier: 0);
            else if (hop[0] == 'l') Assert.NotNull(table.Leave(Prefix, IPAddress.Parse(address)));
            else Assert.True(table.Remove(Prefix, IPAddress.Parse(address), out _));
        }

        var unused = table.UnusedNumbers();
        var order = Assert.Single(table.Arrange(mayRenumber: false)).Order;
        Assert.Equal(expected, Text(order));
        Assert.Equal(order.Count(p => p is null), unused);
        Assert.All(table[Prefix].ToArray(), p => Assert.Equal(p.NextHop.Address, order[(int)p.WireIdentifier - 1]?.NextHop.Address));
        Assert.Equal((uint)order.Count + 1, table.NextWireIdentifier(Prefix));
        Assert.DoesNotContain("x", Text(Assert.Single(table.Arrange(mayRenumber: true)).Order), StringComparison.Ordinal);

        static string Text(IEnumerable<HeldPath?> order) => string.Join(' ', order.Select(p => p is { } one ? $"{one.NextHop.Address.GetAddressBytes()[3]}" : "x"));
    }

    [Fact]
    public void A_path_that_a_router_may_have_by_an_unknown_number_cannot_be_arranged()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("10.0.0.1"), Plain, null, out _, out _, wireIdentifier: 0);
        Assert.Equal(0, table.UnusedNumbers());
        table.Leave(Prefix, IPAddress.Parse("10.0.0.1"));
        Assert.Equal(long.MaxValue, table.UnusedNumbers());
    }

    [Fact]
    public void A_leaving_path_is_the_worst_one_and_is_wanted_again_with_its_number()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("10.0.0.1"), Plain, null, out _, out _);
        var leaving = table.Leave(Prefix, IPAddress.Parse("10.0.0.1"))!.Value;
        Assert.Equal((0u, uint.MaxValue, 1u, true), (leaving.Attributes.LocalPreference, leaving.Attributes.Med, leaving.WireIdentifier, leaving.Leaving));
        Assert.Single(table.Leaving);
        Assert.True(table.Set(Prefix, Hop("10.0.0.1"), Plain, null, out _, out var again));
        Assert.Equal((Plain, 1u, false), (again.Attributes, again.WireIdentifier, again.Leaving));
        Assert.Empty(table.Leaving);
        table.Leave(Prefix, IPAddress.Parse("10.0.0.1"));
        Assert.True(table.Remove(Prefix, IPAddress.Parse("10.0.0.1"), out _));
        Assert.Empty(table.Leaving);
        Assert.Equal(2u, table.NextWireIdentifier(Prefix));
    }

    [Fact]
    public void Prefixes_without_a_path_are_forgotten_beyond_a_limit_and_their_numbers_are_then_not_guessed()
    {
        var used = new UsedIdentifiers();
        for (uint i = 0; i <= UsedIdentifiers.Limit; i++) used.Add(new(new HostPrefix(i), 0), 7, isLast: true);
        Assert.Null(used.Highest(new(new HostPrefix(0), 0)));
        Assert.Equal(7u, used.Highest(new(new HostPrefix(1), 0)));
        Assert.Null(used.Highest(Prefix));
        used.Clear();
        Assert.Equal(0u, used.Highest(Prefix));
    }

    [Fact]
    public void The_next_number_of_a_prefix_in_doubt_is_not_guessed_until_the_engine_begins_anew()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("10.0.0.1"), Plain, null, out _, out _);
        table.DoubtNumbers(Prefix);
        Assert.Equal(0u, table.NextWireIdentifier(Prefix));
        _ = table.Arrange(mayRenumber: false).ToList();
        Assert.Equal(2u, table.NextWireIdentifier(Prefix));
        table.DoubtNumbers(); // the engine was in use before
        Assert.Equal(0u, table.NextWireIdentifier(Prefix));
    }

    [Fact]
    public void Next_hops_and_attributes_that_are_no_longer_used_are_forgotten()
    {
        var mapper = new PathMapper(64512);
        var first = mapper.NextHopOf(IPAddress.Parse("10.0.0.1"));
        Assert.Same(first, mapper.NextHopOf(IPAddress.Parse("10.0.0.1")));
        for (var i = 0; i <= PathMapper.MostShared; i++) mapper.NextHopOf(new IPAddress(i + 1L));
        Assert.NotSame(first, mapper.NextHopOf(IPAddress.Parse("10.0.0.1")));
    }

    [Fact]
    public void Counts_follow_every_addition_and_removal()
    {
        var table = new PathTable();
        table.Set(Prefix, Hop("172.27.115.242"), Plain, null, out _, out _);
        table.Set(Prefix, Hop("172.27.115.243"), NoExport, null, out _, out _);
        table.Set(Prefix6, Hop("fd00::1"), Plain, null, out _, out _);
        Assert.Equal((new FamilyCount(2, 1), new FamilyCount(1, 1), 1), (table[RouteFamily.Inet], table[RouteFamily.Inet6], table.Restricted));
        table.Set(Prefix, Hop("172.27.115.243"), Plain, null, out _, out _);
        Assert.Equal(0, table.Restricted);
        Assert.True(table.Remove(Prefix, IPAddress.Parse("172.27.115.242"), out _));
        Assert.False(table.Remove(Prefix, IPAddress.Parse("172.27.115.242"), out _));
        Assert.Equal(new FamilyCount(1, 1), table[RouteFamily.Inet]);
        Assert.True(table.Remove(Prefix, IPAddress.Parse("172.27.115.243"), out _));
        Assert.True(table.Remove(Prefix6, IPAddress.Parse("fd00::1"), out _));
        Assert.Equal(0, table.Count);
        Assert.Empty(table.All);
    }

    [Fact]
    public void An_encoded_path_decodes_to_the_same_path()
    {
        var mapper = new PathMapper(64512);
        foreach (var path in new[]
        {
            Spec.Path("100.0.0.4", "172.27.115.242", 7, 8, ["64512:2", "64512:1"], ["1:2:3"]), Spec.Path("2001:db8::4", "fd00::1"),
            Spec.Vpn("100.0.0.4", "172.27.115.242", 5, targets: ["target:64512:1", "target:10.2.2.2:561", "target:4200000000:7"]),
            Spec.Vpn("2001:db8::4", "172.27.115.242", 65535, communities: ["64512:7"]), Spec.Vpn("100.0.0.4", "172.27.115.242", 6, targets: []),
            Spec.Path("100.0.0.5", "172.27.115.242") with { Weight = 1 }, Spec.Path("2001:db8::5", "fd00::1") with { Weight = 12_345 },
            Spec.Vpn("100.0.0.5", "172.27.115.242", 6) with { Weight = 2 },
        })
        {
            var (key, hop, attributes) = mapper.Map(path);
            var found = mapper.Decode(PathMapper.Encode(new(key, new(hop, attributes, hop.Identifier), IsWithdraw: false)))!.Value;
            Assert.Equal((key, hop.Identifier), (found.Key!.Value, found.Identifier));
            Assert.Equal(path.NextHop, found.NextHop);
            Assert.Same(attributes, found.Attributes);
            Assert.Equal(path.Weight, PathMapper.ToBgpPath(key, new(hop, attributes, 1)).Weight);
        }
    }
}
