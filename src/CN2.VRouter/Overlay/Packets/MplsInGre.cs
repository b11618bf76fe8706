using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// MPLS-in-GRE (RFC 4023 3.2 with RFC 2784): protocol type 0x8847, no optional fields when sent. Received, a checksum is verified;
/// routing, key and sequence number (RFC 1701, RFC 2890) are not for us and RFC 2784 2.3 says to discard what has them.
/// </summary>
internal static class MplsInGre
{
    public const int HeaderLength = 4;
    public const ushort MplsUnicast = 0x8847;

    private const ushort ChecksumPresent = 0x8000;

    // Bits 1 to 5 of Reserved0 (a receiver must discard the packet when one is set), and the version, 0.
    private const ushort MustBeZero = 0x7c07;

    /// <summary>Writes GRE header and label entry, 8 bytes.</summary>
    public static void Write(Span<byte> header, uint labelEntry) =>
        BinaryPrimitives.WriteUInt64BigEndian(header, ((ulong)MplsUnicast << 32) | labelEntry);

    /// <summary>Where the label stack begins in a raw socket's datagram, which starts with the outer IPv4 header; -1: not MPLS-in-GRE.</summary>
    public static int LabelStackOffset(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < 20) return -1;
        var at = (datagram[0] & 0x0f) * 4;
        if (at < 20 || datagram.Length < at + HeaderLength) return -1;
        var gre = datagram[at..];
        var flags = BinaryPrimitives.ReadUInt16BigEndian(gre);
        if ((flags & MustBeZero) != 0 || BinaryPrimitives.ReadUInt16BigEndian(gre[2..]) != MplsUnicast) return -1;
        if ((flags & ChecksumPresent) == 0) return at + HeaderLength;
        return gre.Length >= 8 && InternetChecksum.Sums(gre) ? at + 8 : -1;
    }
}
