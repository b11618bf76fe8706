using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class MplsInUdpTests
{
    [Fact]
    public void The_header_has_the_layout_of_RFC_7510()
    {
        Span<byte> header = stackalloc byte[12];
        MplsInUdp.Write(header, 0xc001, LabelStackEntry.Of(21, 0, bottom: true, 64), payload: 100);
        // Source port, 6635, 8 + 4 + 100, no checksum; label 21 at the bottom, TTL 64.
        Assert.Equal("C00119EB0070000000015140", Convert.ToHexString(header));
    }

    [Theory]
    [InlineData(0ul, 49152)]
    [InlineData(0x3ffful, 65535)]
    [InlineData(ulong.MaxValue, 65535)]
    [InlineData(0x4000ul, 49152)]
    public void The_source_port_is_a_dynamic_port(ulong flow, int port) => Assert.Equal(port, MplsInUdp.EntropyPort(flow));
}
