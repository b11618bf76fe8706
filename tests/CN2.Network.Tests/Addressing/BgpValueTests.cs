using CN2.Network.Addressing;

namespace CN2.Network.Tests.Addressing;

public sealed class BgpValueTests
{
    [Theory]
    [InlineData("target:64512:1", RouteTargetKind.TwoOctetAS)]
    [InlineData("target:23:4561", RouteTargetKind.TwoOctetAS)]
    [InlineData("target:65535:4294967295", RouteTargetKind.TwoOctetAS)]
    [InlineData("target:65536:65535", RouteTargetKind.FourOctetAS)]
    [InlineData("target:4294967295:0", RouteTargetKind.FourOctetAS)]
    [InlineData("target:10.2.2.2:561", RouteTargetKind.IPv4Address)]
    public void Route_targets_of_all_three_kinds_are_read_and_written_back(string text, RouteTargetKind kind)
    {
        Assert.True(RouteTarget.TryParse(text, out var target, out var error), error);
        Assert.Equal(kind, target.Kind);
        Assert.Equal(text, target.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("64512:1")]
    [InlineData("target:64512")]
    [InlineData("target:64512:1:2")]
    [InlineData("Target:64512:1")]
    [InlineData("target:0:1")]
    [InlineData("target:0.0.0.0:1")]
    [InlineData("target:65535:4294967296")]
    [InlineData("target:65536:65536")]
    [InlineData("target:4294967296:1")]
    [InlineData("target:10.2.2.2:65536")]
    [InlineData("target:10.2.2:1")]
    [InlineData("target:064512:1")]
    [InlineData("target:64512:-1")]
    [InlineData("target:64512:+1")]
    [InlineData("target: 64512:1")]
    [InlineData("target:1.5:1")]
    public void Other_route_targets_are_refused_with_a_sentence(string? text)
    {
        Assert.False(RouteTarget.TryParse(text, out _, out var error));
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64512u, 1, "target:64512:8000001")]
    [InlineData(64512u, 65535, "target:64512:8065535")]
    [InlineData(4200000000u, 1, "target:4200000000:8001")]
    [InlineData(4200000000u, 24768, "target:4200000000:32768")]
    [InlineData(4200000000u, 24769, null)]
    public void Every_network_has_an_automatic_route_target_where_its_number_fits(uint asn, int number, string? expected)
    {
        var automatic = RouteTarget.Automatic(asn, number);
        Assert.Equal(expected, automatic?.ToString());
        Assert.NotEqual(false, automatic?.IsReserved(asn));
        Assert.NotEqual(true, automatic?.IsReserved(asn + 1));
    }

    [Theory]
    [InlineData("target:64512:7999999", false)]
    [InlineData("target:64512:8000000", true)]
    [InlineData("target:64512:16777216", true)]
    [InlineData("target:64512:16777217", false)]
    [InlineData("target:10.0.252.0:8000", false)]
    public void The_range_of_automatic_route_targets_is_reserved(string text, bool reserved)
    {
        Assert.True(RouteTarget.TryParse(text, out var target, out _));
        Assert.Equal(reserved, target.IsReserved(64512));
    }

    [Theory]
    [InlineData("172.27.115.242:5", true)]
    [InlineData("172.27.115.242:65535", true)]
    [InlineData("172.27.115.242:65536", false)]
    [InlineData("172.27.115.242", false)]
    [InlineData("64512:5", false)]
    [InlineData("::1:5", false)]
    public void Route_distinguishers_of_type_1_are_read_and_written_back(string text, bool valid)
    {
        Assert.Equal(valid, RouteDistinguisher.TryParse(text, out var distinguisher));
        if (valid) Assert.Equal(text, distinguisher.ToString());
    }

    [Fact]
    public void Labels_fit_twenty_bits_for_every_network_number()
    {
        Assert.Equal(MplsLabel.First + 1, MplsLabel.Of(1));
        Assert.True(MplsLabel.Of(ushort.MaxValue) <= MplsLabel.Last);
    }

    [Theory]
    [InlineData("64512:100", 0xFC000064u, "64512:100")]
    [InlineData("0:0", 0u, "0:0")]
    [InlineData("NO_EXPORT", 0xFFFFFF01u, "NO_EXPORT")]
    [InlineData("65535:65281", 0xFFFFFF01u, "NO_EXPORT")]
    [InlineData("no-export", 0xFFFFFF01u, "NO_EXPORT")]
    [InlineData("No_Advertise", 0xFFFFFF02u, "NO_ADVERTISE")]
    [InlineData("no-export-subconfed", 0xFFFFFF03u, "NO_EXPORT_SUBCONFED")]
    [InlineData("nopeer", 0xFFFFFF04u, "NOPEER")]
    [InlineData("graceful-shutdown", 0xFFFF0000u, "GRACEFUL_SHUTDOWN")]
    [InlineData("blackhole", 0xFFFF029Au, "BLACKHOLE")]
    public void Communities_are_numbers_or_well_known_names(string text, uint value, string canonical)
    {
        Assert.True(BgpCommunity.TryParse(text, out var community, out var error), error);
        Assert.Equal(value, community.Value);
        Assert.Equal(canonical, community.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("64512")]
    [InlineData("65536:1")]
    [InlineData("1:65536")]
    [InlineData("1:2:3")]
    [InlineData("noexport")]
    [InlineData("NO EXPORT")]
    [InlineData(" 1:2")]
    [InlineData("-1:2")]
    [InlineData("1:02")]
    public void Other_communities_are_refused(string? text) => Assert.False(BgpCommunity.TryParse(text, out _, out _));

    [Fact]
    public void Large_communities_are_three_numbers_of_32_bits()
    {
        Assert.True(LargeCommunity.TryParse("4294967295:0:7", out var community, out _));
        Assert.Equal("4294967295:0:7", community.ToString());
        foreach (var wrong in new[] { null, "", "1:2", "1:2:3:4", "4294967296:1:1", "a:1:1", "1:-1:1" })
            Assert.False(LargeCommunity.TryParse(wrong, out _, out _), wrong);
    }
}
