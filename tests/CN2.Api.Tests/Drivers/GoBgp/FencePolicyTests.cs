using System.Text.RegularExpressions;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Addressing;
using CN2.Network.Grants;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>The engine compares communities as text by regular expressions, which have no "not": the expressions list what is outside.</summary>
public sealed class FencePolicyTests
{
    [Fact]
    public void The_expression_of_a_range_matches_its_numbers_and_no_other()
    {
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var bits = random.Next(1, 33);
            var one = (uint)random.NextInt64(1L << bits);
            var other = (uint)random.NextInt64(1L << bits);
            var range = new NumberRange(Math.Min(one, other), Math.Max(one, other));
            var expression = new Regex($"^({NumberExpression.Of([range])})$");
            foreach (var number in Near(range, random)) Assert.True(expression.IsMatch($"{number}") == range.Contains(number), $"{number} in {range.ToText(uint.MaxValue)}: {expression}");
        }
    }

    [Fact]
    public void Gaps_are_what_no_range_contains()
    {
        Assert.Equal([new(0, 4), new(8, 8), new(11, 99)], NumberExpression.Gaps([new(9, 10), new(5, 6), new(6, 7)], 99));
        Assert.Equal([new(0, uint.MaxValue)], NumberExpression.Gaps([], uint.MaxValue));
        Assert.Empty(NumberExpression.Gaps([new(0, 100), new(50, uint.MaxValue)], uint.MaxValue));
    }

    [Fact]
    public void Communities_outside_of_the_patterns_match_and_those_inside_do_not()
    {
        var patterns = Communities("64512:100-199", "64512:7", "65535:65281", "1:*");
        var outside = FencePolicy.Outside(patterns).Select(e => new Regex(e)).ToList();
        var random = new Random(2);
        foreach (var system in (uint[])[0, 1, 2, 6451, 64511, 64512, 64513, 65535])
        {
            foreach (var value in Near(new(100, 199), random).Append(7u).Append(65281u).Append(6u).Where(v => v <= ushort.MaxValue))
            {
                var isInside = patterns.Any(p => p.Matches(new BgpCommunity((system << 16) | value)));
                Assert.Equal(!isInside, outside.Exists(e => e.IsMatch($"{system}:{value}")));
            }
        }

        Assert.Matches(FencePolicy.Outside(Communities()).Single(), "64512:100");
    }

    [Fact]
    public void Large_communities_outside_of_the_patterns_match_and_those_inside_do_not()
    {
        LargeCommunityPattern[] patterns = [.. new[] { "64512:1-10:5", "64512:5-20:*", "64512:30:7-9", "4200000000:*:1" }.Select(t => LargeCommunityPattern.TryParse(t, out var p, out var error) ? p : throw new ArgumentException(error))];
        var outside = FencePolicy.Outside(patterns).Select(e => new Regex(e)).ToList();
        foreach (var administrator in (uint[])[0, 64511, 64512, 4200000000, uint.MaxValue])
            foreach (var data1 in (uint[])[0, 1, 4, 5, 10, 11, 20, 21, 29, 30, 31, uint.MaxValue])
                foreach (var data2 in (uint[])[0, 1, 4, 5, 6, 7, 9, 10, uint.MaxValue])
                {
                    var isInside = patterns.Any(p => p.Matches(new LargeCommunity(administrator, data1, data2)));
                    Assert.True(!isInside == outside.Exists(e => e.IsMatch($"{administrator}:{data1}:{data2}")), $"{administrator}:{data1}:{data2}");
                }
    }

    [Fact]
    public void A_four_byte_AS_of_a_route_target_is_written_in_two_parts_as_the_engine_does()
    {
        Assert.True(RouteTargetPattern.TryParse("target:4200000000:1-9", out var four, out _));
        Assert.True(RouteTargetPattern.TryParse("target:10.2.2.2:561", out var address, out _));
        Assert.Equal([@"rt:^10\.2\.2\.2:(561)$", @"rt:^64086\.59904:([1-9])$"], FencePolicy.Inside([four, address]));
    }

    private static CommunityPattern[] Communities(params string[] texts) =>
        [.. texts.Select(t => CommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error))];

    private static IEnumerable<uint> Near(NumberRange range, Random random)
    {
        foreach (var edge in new long[] { range.First, range.Last, 0, 9, 10, 99, 100, uint.MaxValue })
            for (var d = -2; d <= 2; d++)
                if (edge + d is >= 0 and <= uint.MaxValue) yield return (uint)(edge + d);
        for (var i = 0; i < 40; i++) yield return (uint)random.NextInt64(1L << 32);
        for (var i = 0; i < 10; i++) yield return (uint)random.NextInt64(range.First, range.Last + 1L);
    }
}
