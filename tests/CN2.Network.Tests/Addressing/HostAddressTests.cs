using System.Net;
using CN2.Network.Addressing;

namespace CN2.Network.Tests.Addressing;

public sealed class HostAddressTests
{
    [Theory]
    [InlineData("1.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.0")]
    [InlineData("169.254.1.1")] // BGP peers in public clouds have such addresses
    [InlineData("223.255.255.255")]
    [InlineData("::2")]
    [InlineData("2001:db8::1")]
    [InlineData("fd00::242")]
    [InlineData("fe7f::1")]
    [InlineData("fec0::1")]
    public void Unicast_addresses_are_accepted(string text)
    {
        Assert.True(HostAddress.TryParse(text, null, out var address, out var error), error);
        Assert.Equal(text, address.ToString());
        Assert.True(HostAddress.IsValid(address));
        Assert.Null(HostAddress.FaultOf(address));
    }

    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0/8")]
    [InlineData("0.255.255.255", "0.0.0.0/8")]
    [InlineData("127.0.0.1", "loopback")]
    [InlineData("127.255.255.255", "loopback")]
    [InlineData("224.0.0.0", "multicast")]
    [InlineData("239.255.255.255", "multicast")]
    [InlineData("240.0.0.0", "reserved")]
    [InlineData("255.255.255.255", "reserved")]
    [InlineData("::", "unspecified")]
    [InlineData("::1", "loopback")]
    [InlineData("::ffff:10.0.0.1", "inside IPv6")]
    [InlineData("fe80::1", "link-local")]
    [InlineData("febf::1", "link-local")]
    [InlineData("ff02::1", "multicast")]
    public void Addresses_that_other_hosts_cannot_reach_are_refused_with_the_reason(string text, string reason)
    {
        var address = IPAddress.Parse(text);
        Assert.False(HostAddress.IsValid(address));
        Assert.Contains(reason, HostAddress.FaultOf(address), StringComparison.Ordinal);
        Assert.False(HostAddress.TryParse(text, null, out _, out var error));
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_with_a_zone_is_refused()
    {
        Assert.False(HostAddress.IsValid(IPAddress.Parse("2001:db8::1%2")));
        Assert.False(HostAddress.TryParse("2001:db8::1%2", null, out _, out _));
    }

    [Fact]
    public void The_family_that_is_needed_is_named() =>
        Assert.Contains("IPv4 is needed", HostAddress.TryParse("2001:db8::1", IPFamily.IPv4, out _, out var error) ? "" : error, StringComparison.Ordinal);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(23456, false)]
    [InlineData(65535, true)]
    [InlineData(4294967295, true)]
    [InlineData(4294967296, false)]
    public void Numbers_that_no_autonomous_system_has_are_refused(long number, bool usable) => Assert.Equal(usable, AutonomousSystem.FaultOf(number) is null);
}
