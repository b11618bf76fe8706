using CN2.Network.Addressing;

namespace CN2.Network.Tests.Addressing;

public sealed class EndpointAddressTests
{
    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("169.253.255.255")]
    [InlineData("169.255.0.0")]
    [InlineData("2001:db8::1")]
    [InlineData("fd00::1")]
    public void An_endpoint_can_have_an_address_that_other_hosts_reach(string text) => Assert.True(EndpointAddress.TryParse(text, out _, out var error), error);

    [Theory]
    [InlineData("169.254.0.0")]
    [InlineData("169.254.169.254")]
    [InlineData("fe80::1")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("224.0.0.1")]
    [InlineData("10.1")]
    public void An_endpoint_cannot_have_one_of_the_node_itself_or_of_its_link(string text)
    {
        Assert.False(EndpointAddress.TryParse(text, out _, out var error));
        Assert.Contains(text, error, StringComparison.Ordinal);
    }
}
