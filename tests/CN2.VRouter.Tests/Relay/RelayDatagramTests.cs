using CN2.VRouter.Relay;

namespace CN2.VRouter.Tests.Relay;

/// <summary>What agents send each other.</summary>
public sealed class RelayDatagramTests
{
    [Fact]
    public void A_datagram_is_a_version_a_zero_the_RoutingInstance_and_the_packet()
    {
        byte[] packet = [0x45, 1, 2, 3];
        var datagram = RelayDatagram.Write(new byte[RelayDatagram.Longest], 0x1234, packet).ToArray();
        Assert.Equal([1, 0, 0x12, 0x34, 0x45, 1, 2, 3], datagram);
        Assert.Equal(packet, RelayDatagram.Read(datagram, out var instance).ToArray());
        Assert.Equal(0x1234, instance);
    }

    [Theory]
    [InlineData("")]
    [InlineData("01000000")]
    [InlineData("0200000045")] // a later version
    [InlineData("0101000045")]
    public void Anything_else_is_none(string hex) => Assert.True(RelayDatagram.Read(Convert.FromHexString(hex), out _).IsEmpty);

    [Fact]
    public void A_packet_longer_than_any_error_is_none()
    {
        var datagram = new byte[RelayDatagram.Longest + 1];
        datagram[0] = 1;
        Assert.False(RelayDatagram.Read(datagram.AsSpan(..^1), out _).IsEmpty);
        Assert.True(RelayDatagram.Read(datagram, out _).IsEmpty);
    }
}
