using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class MplsInGreTests
{
    private const string Outer = "4500002000000000402f0000ac100002ac100001";

    [Fact]
    public void The_header_has_the_layout_of_RFC_2784_and_RFC_4023()
    {
        Span<byte> header = stackalloc byte[8];
        MplsInGre.Write(header, LabelStackEntry.Of(21, 0, bottom: true, 64));
        Assert.Equal("0000884700015140", Convert.ToHexString(header));
    }

    [Theory]
    [InlineData("0000 8847 00015140", 24)]
    // Reserved bits that a receiver must ignore (RFC 2784 2.3).
    [InlineData("03f8 8847 00015140", 24)]
    // With a correct and with a wrong checksum; 8000 + 8847 + 0000 + 0001 + 5140 = 15988, folded 5989, inverted a676.
    [InlineData("8000 8847 a676 0000 0001 5140", 28)]
    [InlineData("8000 8847 a677 0000 0001 5140", -1)]
    // The flag says that there is a checksum, and there is no room for it.
    [InlineData("8000 8847 a676", -1)]
    // Routing, key, sequence number, strict source route, recursion control.
    [InlineData("4000 8847 00000000 00015140", -1)]
    [InlineData("2000 8847 00000000 00015140", -1)]
    [InlineData("1000 8847 00000000 00015140", -1)]
    [InlineData("0800 8847 00015140", -1)]
    [InlineData("0400 8847 00015140", -1)]
    // Version 1 is PPTP's.
    [InlineData("0001 8847 00015140", -1)]
    // MPLS with an upstream-assigned label, IPv4, an empty payload.
    [InlineData("0000 8848 00015140", -1)]
    [InlineData("0000 0800 00015140", -1)]
    [InlineData("0000 88", -1)]
    [InlineData("", -1)]
    public void A_packet_that_RFC_2784_says_to_discard_is_discarded(string gre, int offset) =>
        Assert.Equal(offset, MplsInGre.LabelStackOffset(Bytes.Of(Outer + gre)));

    [Theory]
    [InlineData("46 00002000000000402f0000ac100002ac100001 94040000 0000884700015140", 28)]
    [InlineData("44 00002000000000402f0000ac100002ac100001 0000884700015140", -1)]
    [InlineData("4f 00002000000000402f0000ac100002ac100001 0000884700015140", -1)]
    [InlineData("45 000020", -1)]
    [InlineData("", -1)]
    public void The_outer_header_may_have_options(string datagram, int offset) => Assert.Equal(offset, MplsInGre.LabelStackOffset(Bytes.Of(datagram)));
}
