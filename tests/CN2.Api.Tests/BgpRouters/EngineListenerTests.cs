using System.Net;
using CN2.Api.BgpRouters;
using CN2.Api.Options;

namespace CN2.Api.Tests.BgpRouters;

/// <summary>Which BgpRouter would be the BGP engine itself.</summary>
public sealed class EngineListenerTests
{
    private static readonly IPAddress Own = IPAddress.Parse("192.0.2.1");

    [Theory]
    [InlineData("192.0.2.1", 179, "http://127.0.0.1:50051", true)]
    [InlineData("192.0.2.1", 179, "unix:///run/gobgpd.sock", true)]
    [InlineData("192.0.2.1", 1790, "http://127.0.0.1:50051", false)]
    [InlineData("192.0.2.2", 179, "http://127.0.0.1:50051", false)]
    [InlineData("192.0.2.1", 179, "http://192.0.2.9:50051", false)]
    [InlineData("192.0.2.9", 179, "http://192.0.2.9:50051", true)]
    public void The_engine_listens_at_every_address_of_its_host(string address, int port, string engine, bool expected) =>
        Assert.Equal(expected, Listener(new BgpOptions { GoBgpAddress = new Uri(engine) }).IsAt(IPAddress.Parse(address), port));

    [Fact]
    public void It_listens_at_the_addresses_that_were_set_alone_and_nowhere_when_it_only_connects()
    {
        Assert.False(Listener(new BgpOptions { ListenAddresses = [IPAddress.Parse("192.0.2.3")] }).IsAt(Own, 179));
        Assert.True(Listener(new BgpOptions { ListenAddresses = [Own] }).IsAt(Own, 179));
        Assert.True(Listener(new BgpOptions { ListenAddresses = [IPAddress.Any] }).IsAt(Own, 179));
        Assert.False(Listener(new BgpOptions { ListenPort = -1 }).IsAt(Own, 179));
        Assert.False(Listener(new BgpOptions { Engine = "none" }).IsAt(Own, 179));
    }

    private static EngineListener Listener(BgpOptions options) => new(options, () => [Own]);
}
