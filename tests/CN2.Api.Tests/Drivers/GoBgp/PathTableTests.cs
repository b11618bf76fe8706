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

    [Theory]
    [InlineData("", "1=1 2=2 3=3")]
    [InlineData("-1 +1", "1=1 2=2 3=3")] // 2, 3, 4 before: 2 and 3 stay, 1 was free
    [InlineData("-1 -2 +1 +2", "1=1 2=2 3=3")] // 3, 4, 5 before
    [InlineData("-2", "1=1 3=2")]
    [InlineData("-1", "2=2 3=1")]
    [InlineData("-1 -2 -3 +2 +3", "2=1 3=2")] // 4, 5 before
    public void A_restarted_engine_gives_no_path_the_wire_identifier_of_another(string changes, string expected)
    {
        var table = new PathTable();
        foreach (var hop in (string[])["+1", "+2", "+3", .. changes.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
        {
            if (hop[0] == '+') table.Set(Prefix, Hop("10.0.0." + hop[1]), Plain, null, out _, out _);
            else Assert.True(table.Remove(Prefix, IPAddress.Parse("10.0.0." + hop[1]), out _));
        }

        var before = table[Prefix].ToArray().ToDictionary(p => p.WireIdentifier, p => p.NextHop);
        table.Arrange();
        table.Renumber();
        var after = table[Prefix].ToArray();
        Assert.Equal(expected, string.Join(' ', after.OrderBy(p => p.NextHop.Address.ToString()).Select(p => $"{p.NextHop.Address.GetAddressBytes()[3]}={p.WireIdentifier}")));
        Assert.All(after, p => Assert.Equal(p.NextHop, before.GetValueOrDefault(p.WireIdentifier, p.NextHop)));
        Assert.Equal((uint)after.Length + 1, table.NextWireIdentifier(Prefix));
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
        var mapper = new PathMapper();
        foreach (var path in new[]
        {
            Spec.Path("100.0.0.4", "172.27.115.242", 7, 8, ["64512:2", "64512:1"], ["1:2:3"]), Spec.Path("2001:db8::4", "fd00::1"),
            Spec.Vpn("100.0.0.4", "172.27.115.242", 5, targets: ["target:64512:1", "target:10.2.2.2:561", "target:4200000000:7"]),
            Spec.Vpn("2001:db8::4", "172.27.115.242", 65535, communities: ["64512:7"]), Spec.Vpn("100.0.0.4", "172.27.115.242", 6, targets: []),
        })
        {
            var (key, hop, attributes) = mapper.Map(path);
            var found = mapper.Decode(PathMapper.Encode(new(key, new(hop, attributes, hop.Identifier), IsWithdraw: false)))!.Value;
            Assert.Equal((key, hop.Identifier), (found.Key!.Value, found.Identifier));
            Assert.Equal(path.NextHop, found.NextHop);
            Assert.Same(attributes, found.Attributes);
        }
    }
}
