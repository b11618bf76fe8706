using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>The IPv4 or IPv6 packet below the label: MPLS does not say which, the version nibble does.</summary>
internal static class InnerPacket
{
    private const int V4Header = 20;
    private const int V6Header = 40;

    /// <summary>
    /// Whether this is one whole IPv4 or IPv6 packet: its header there and its own length field equal to what the tunnel carried.
    /// Checksums and the rest are the kernel's to judge.
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

    /// <summary>Of a whole packet.</summary>
    public static bool IsV6(ReadOnlySpan<byte> packet) => packet[0] >> 4 == 6;

    /// <summary>Of a whole packet.</summary>
    public static AddressKey Destination(ReadOnlySpan<byte> packet) =>
        IsV6(packet) ? AddressKey.ReadV6(packet[24..]) : AddressKey.ReadV4(packet[16..]);

    /// <summary>The TOS or traffic class octet: DSCP and ECN. Of a whole packet.</summary>
    public static byte TrafficClass(ReadOnlySpan<byte> packet) =>
        IsV6(packet) ? (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4) : packet[1];

    /// <summary>Whether a destination never leaves its link (multicast, link-local): the kernel's own noise on a device, not the VPN's.</summary>
    public static bool StaysOnLink(bool v6, AddressKey destination) => v6
        ? destination.High >> 56 == 0xff || destination.High >> 54 == 0xfe80 >> 6
        : destination.High >> 60 == 0xe;
}
