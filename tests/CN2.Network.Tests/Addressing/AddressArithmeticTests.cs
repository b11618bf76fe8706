using System.Net;
using CN2.Network.Addressing;

namespace CN2.Network.Tests.Addressing;

public sealed class AddressArithmeticTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2::", "2001:db8:1:2::")]
    [InlineData("fe80::1%3", "fe80::")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public void A_host_of_IPv6_is_its_64_and_one_of_IPv4_its_address(string address, string host) =>
        Assert.Equal(IPAddress.Parse(host), IPAddress.Parse(address).ToHost());
}
