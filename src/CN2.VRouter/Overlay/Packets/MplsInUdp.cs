using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// MPLS-in-UDP (RFC 7510 3): destination port 6635; the source port says nothing but the flow, from the dynamic ports, so that
/// routers spread flows over equal paths without looking inside. The checksum is zero, as RFC 7510 recommends over IPv4: the inner
/// packet carries its own. What arrives with one was verified by the kernel's UDP.
/// </summary>
internal static class MplsInUdp
{
    public const ushort Port = 6635;
    public const int HeaderLength = 8;
    public const ushort FirstEntropyPort = 49152;

    /// <summary>The lower 14 bits of the flow's hash.</summary>
    public static ushort EntropyPort(ulong flow) => (ushort)(FirstEntropyPort | (flow & 0x3fff));

    /// <summary>Writes UDP header and label entry, 12 bytes; <paramref name="payload"/>: the inner packet's length.</summary>
    public static void Write(Span<byte> header, ushort sourcePort, uint labelEntry, int payload)
    {
        BinaryPrimitives.WriteUInt64BigEndian(header,
            ((ulong)sourcePort << 48) | ((ulong)Port << 32) | ((ulong)(HeaderLength + LabelStackEntry.Length + payload) << 16));
        BinaryPrimitives.WriteUInt32BigEndian(header[HeaderLength..], labelEntry);
    }
}
