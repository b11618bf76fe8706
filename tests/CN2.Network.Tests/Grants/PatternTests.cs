using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Grants;

namespace CN2.Network.Tests.Grants;

public sealed class PatternTests
{
    [Theory]
    [InlineData("target:64512:100", "target:64512:100", true)]
    [InlineData("target:64512:100", "target:64512:101", false)]
    [InlineData("target:64512:100-199", "target:64512:100", true)]
    [InlineData("target:64512:100-199", "target:64512:199", true)]
    [InlineData("target:64512:100-199", "target:64512:99", false)]
    [InlineData("target:64512:100-199", "target:64512:200", false)]
    [InlineData("target:64512:100-199", "target:64513:100", false)]
    [InlineData("target:64512:*", "target:64512:4294967295", true)]
    [InlineData("target:10.2.2.2:1-5", "target:10.2.2.2:5", true)]
    [InlineData("target:10.2.2.2:1-5", "target:10.2.2.3:5", false)]
    [InlineData("target:4200000000:*", "target:4200000000:65535", true)]
    // 10.2.2.2 and AS 167903746 are the same 32 bits, and not the same administrator.
    [InlineData("target:10.2.2.2:*", "target:167903746:1", false)]
    public void A_route_target_matches_by_form_administrator_and_number(string pattern, string target, bool matches)
    {
        Assert.True(RouteTargetPattern.TryParse(pattern, out var parsed, out var error), error);
        Assert.True(RouteTarget.TryParse(target, out var value, out error), error);
        Assert.Equal(matches, parsed.Matches(value));
        Assert.Equal(pattern, parsed.ToString());
    }

    [Theory]
    [InlineData("target:64512")]
    [InlineData("target:64512:")]
    [InlineData("target:64512:1-")]
    [InlineData("target:64512:9-1")]
    [InlineData("target:64512:01")]
    [InlineData("target:64512:1-2-3")]
    [InlineData("target:*:1")]
    [InlineData("target:0:1")]
    [InlineData("target:4200000000:1-65536")]
    [InlineData("target:10.2.2.2:65536")]
    [InlineData("target:010.2.2.2:1")]
    [InlineData("64512:1")]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_no_pattern_of_route_targets_is_refused_with_a_sentence(string? text)
    {
        Assert.False(RouteTargetPattern.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("64512:*", "64512:0", true)]
    [InlineData("64512:*", "64513:0", false)]
    [InlineData("64512:100-199", "64512:150", true)]
    [InlineData("64512:100-199", "64512:200", false)]
    [InlineData("64512:7", "64512:7", true)]
    [InlineData("NO_EXPORT", "65535:65281", true)]
    [InlineData("NO_EXPORT", "NO_ADVERTISE", false)]
    [InlineData("64512:*", "NO_EXPORT", false)]
    [InlineData("65535:*", "BLACKHOLE", true)]
    public void A_community_matches_by_number_or_well_known_name(string pattern, string community, bool matches)
    {
        Assert.True(CommunityPattern.TryParse(pattern, out var parsed, out var error), error);
        Assert.True(BgpCommunity.TryParse(community, out var value, out error), error);
        Assert.Equal(matches, parsed.Matches(value));
        Assert.Equal(pattern, parsed.ToString());
    }

    [Theory]
    [InlineData("*:1")]
    [InlineData("64512")]
    [InlineData("64512:65536")]
    [InlineData("64512:5-4")]
    [InlineData("no_such_name")]
    [InlineData(null)]
    public void What_is_no_pattern_of_communities_is_refused_with_a_sentence(string? text)
    {
        Assert.False(CommunityPattern.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void A_large_community_matches_by_administrator_and_both_numbers()
    {
        Assert.True(LargeCommunityPattern.TryParse("64512:1-2:*", out var pattern, out _));
        Assert.True(pattern.Matches(new LargeCommunity(64512, 2, uint.MaxValue)));
        Assert.False(pattern.Matches(new LargeCommunity(64512, 3, 0)));
        Assert.False(pattern.Matches(new LargeCommunity(64513, 1, 0)));
        Assert.Equal("64512:1-2:*", pattern.ToString());
        Assert.False(LargeCommunityPattern.TryParse("64512:1", out _, out _));
        Assert.False(LargeCommunityPattern.TryParse("*:1:1", out _, out _));
    }

    [Theory]
    [InlineData("203.0.113.0/24", "203.0.113.0/24", true)]
    [InlineData("203.0.113.0/24", "203.0.113.128/25", true)]
    [InlineData("203.0.113.0/24", "203.0.112.0/23", false)]
    [InlineData("2001:db8::/32", "2001:db8:9::/64", true)]
    [InlineData("::/0", "203.0.113.0/24", false)]
    public void A_prefix_is_covered_by_one_that_contains_it(string granted, string prefix, bool covered) =>
        Assert.Equal(covered, new Grant { Prefixes = [IPNetwork.Parse(granted)] }.Covers(IPNetwork.Parse(prefix)));
}
