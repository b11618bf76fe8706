using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// MPLS-in-UDP (RFC 7510 3): destination port 6635. The source port, one of the dynamic ports, identifies the flow, so routers spread flows
/// over equal paths without a look inside. The checksum is zero, as RFC 7510 recommends over IPv4, because the inner packet has its own. A
/// received checksum was verified by the kernel.
/// </summary>
internal static class MplsInUdp
{
    public const ushort Port = 6635;
    public const int HeaderLength = 8;
    public const ushort FirstEntropyPort = 49152;

    /// <summary>The source port of a flow: a dynamic port from the lower 14 bits of its hash.</summary>
    public static ushort EntropyPort(ulong flow) => (ushort)(FirstEntropyPort | (flow & 0x3fff));

    /// <summary>Writes UDP header and label entry, 12 bytes; <paramref name="payload"/>: the inner packet's length.</summary>
    public static void Write(Span<byte> header, ushort sourcePort, uint labelEntry, int payload)
    {
        BinaryPrimitives.WriteUInt64BigEndian(header,
            ((ulong)sourcePort << 48) | ((ulong)Port << 32) | ((ulong)(HeaderLength + LabelStackEntry.Length + payload) << 16));
        BinaryPrimitives.WriteUInt32BigEndian(header[HeaderLength..], labelEntry);
    }
}
