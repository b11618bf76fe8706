using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// MPLS-in-GRE (RFC 4023 3.2 with RFC 2784): protocol type 0x8847, sent without optional fields. A received checksum is verified. Packets
/// with routing, key or sequence number (RFC 1701, RFC 2890) are discarded, as RFC 2784 2.3 demands.
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

    /// <summary>The offset of the label stack in a datagram of a raw socket, which starts with the outer IPv4 header; -1: not MPLS-in-GRE.</summary>
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
