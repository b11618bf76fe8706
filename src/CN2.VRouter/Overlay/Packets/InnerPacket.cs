using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>The IPv4 or IPv6 packet below the label. MPLS does not say which family; the version nibble of the packet does.</summary>
internal static class InnerPacket
{
    private const int V4Header = 20;
    private const int V6Header = 40;

    /// <summary>
    /// Whether this is one whole IPv4 or IPv6 packet: the header is complete, and its length field equals the length that the tunnel carried.
    /// The kernel checks the rest, such as checksums.
    /// </summary>
    public static bool IsWhole(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < V4Header) return false;
        switch (packet[0] >> 4)
        {
            case 4:
                var header = (packet[0] & 0x0f) * 4;
                var total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
                return header >= V4Header && header <= total && total == packet.Length;
            case 6:
                return packet.Length >= V6Header && packet.Length - V6Header == BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
            default:
                return false;
        }
    }

    /// <summary>Whether a whole packet is IPv6.</summary>
    public static bool IsV6(ReadOnlySpan<byte> packet) => packet[0] >> 4 == 6;

    /// <summary>The destination of a whole packet.</summary>
    public static AddressKey Destination(ReadOnlySpan<byte> packet) =>
        IsV6(packet) ? AddressKey.ReadV6(packet[24..]) : AddressKey.ReadV4(packet[16..]);

    /// <summary>The TOS or traffic class octet of a whole packet: DSCP and ECN.</summary>
    public static byte TrafficClass(ReadOnlySpan<byte> packet) =>
        IsV6(packet) ? (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4) : packet[1];

    /// <summary>Whether a destination never leaves its link (multicast, link-local). Such packets come from the kernel itself, not from the VPN.</summary>
    public static bool StaysOnLink(bool v6, AddressKey destination) => v6
        ? destination.High >> 56 == 0xff || destination.High >> 54 == 0xfe80 >> 6
        : destination.High >> 60 == 0xe;
}
