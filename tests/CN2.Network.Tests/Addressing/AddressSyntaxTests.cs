using CN2.Network.Addressing;

namespace CN2.Network.Tests.Addressing;

public sealed class AddressSyntaxTests
{
    [Theory]
    [InlineData("100.0.0.4")]
    [InlineData("0.0.0.0")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("fd85:ee78:d8a6:8607::1000")]
    [InlineData("2001:db8::1")]
    [InlineData("2001:db8:0:1:1:1:1:1")]
    public void Canonical_addresses_are_accepted(string text)
    {
        Assert.True(AddressSyntax.TryParseAddress(text, out var address, out var error), error);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData(null, "missing")]
    [InlineData("", "missing")]
    [InlineData("10.1", "four decimal numbers")]
    [InlineData("010.0.0.1", "leading zeros")]
    [InlineData("0x0a.0.0.1", "not an IPv4 or IPv6")]
    [InlineData("167772161", "four decimal numbers")]
    [InlineData("10.0.0.256", "not an IPv4 or IPv6")]
    [InlineData("10.0.0.1.2", "not an IPv4 or IPv6")]
    [InlineData(" 10.0.0.1", "not an IPv4 or IPv6")]
    [InlineData("10.0.0.1\n", "not an IPv4 or IPv6")]
    [InlineData("٣.0.0.1", "not an IPv4 or IPv6")]
    [InlineData("10.0.0.0/24", "without a prefix length")]
    [InlineData("fe80::1%eth0", "zone")]
    [InlineData("[::1]", "not an IPv4 or IPv6")]
    [InlineData("::ffff:10.0.0.1", "write 10.0.0.1")]
    [InlineData("::ffff:a00:1", "write 10.0.0.1")]
    [InlineData("2001:DB8::1", "write 2001:db8::1")]
    [InlineData("2001:db8:0:0:0:0:0:1", "write 2001:db8::1")]
    [InlineData("2001:0db8::1", "write 2001:db8::1")]
    [InlineData("2001:db8::g", "not an IPv4 or IPv6")]
    [InlineData("12345678901234567890123456789012345678901234567890", "too long")]
    public void Any_other_spelling_is_refused_with_the_reason(string? text, string reason)
    {
        Assert.False(AddressSyntax.TryParseAddress(text, out var address, out var error));
        Assert.Null(address);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_of_the_other_family_is_refused()
    {
        Assert.False(AddressSyntax.TryParseAddress("::1", IPFamily.IPv4, out _, out var error));
        Assert.Contains("IPv4 is needed", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("100.0.0.0/24")]
    [InlineData("0.0.0.0/0")]
    [InlineData("100.0.0.4/32")]
    [InlineData("::/0")]
    [InlineData("2001:db8::/64")]
    [InlineData("2001:db8::1/128")]
    public void Canonical_networks_are_accepted(string text)
    {
        Assert.True(AddressSyntax.TryParseNetwork(text, out var network, out var error), error);
        Assert.Equal(text, network.ToString());
    }

    [Theory]
    [InlineData(null, "missing")]
    [InlineData("100.0.0.0", "with its prefix length")]
    [InlineData("100.0.0.1/24", "write 100.0.0.0/24")]
    [InlineData("2001:db8::1/64", "write 2001:db8::/64")]
    [InlineData("100.0.0.0/33", "from 0 to 32")]
    [InlineData("2001:db8::/129", "from 0 to 128")]
    [InlineData("100.0.0.0/024", "leading zeros")]
    [InlineData("100.0.0.0/-1", "not a number")]
    [InlineData("100.0.0.0/", "not a number")]
    [InlineData("100.0.0.0/255.255.255.0", "not a number")]
    [InlineData("100.0.0.0/24/24", "not a number")]
    [InlineData("100.0/16", "four decimal numbers")]
    public void Any_other_network_is_refused_with_the_reason(string? text, string reason)
    {
        Assert.False(AddressSyntax.TryParseNetwork(text, out _, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("100.0.0.10", "100.0.0.10")]
    [InlineData("100.0.0.20-100.0.0.29", "100.0.0.20-100.0.0.29")]
    [InlineData("2001:db8::1-2001:db8::f", "2001:db8::1-2001:db8::f")]
    public void A_range_is_one_address_or_two(string text, string expected)
    {
        Assert.True(AddressSyntax.TryParseRange(text, out var range, out var error), error);
        Assert.Equal(expected, range.ToString());
    }

    [Theory]
    [InlineData("100.0.0.29-100.0.0.20", "backwards")]
    [InlineData("100.0.0.20-2001:db8::1", "mixes")]
    [InlineData("100.0.0.20-", "missing")]
    [InlineData("100.0.0.20-29", "four decimal numbers")]
    [InlineData("100.0.0.20 - 100.0.0.29", "not an IPv4 or IPv6")]
    public void A_faulty_range_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(AddressSyntax.TryParseRange(text, out _, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }
}
