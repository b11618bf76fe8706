using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// The hash of a flow: addresses, protocol and ports. Fragments are hashed by their addresses only, because only the first has ports, and all
/// fragments of a datagram must take one path. The same on every node and after every start.
/// </summary>
internal static class FlowHash
{
    // Extension headers before the transport header (RFC 8200 4.1); real packets have fewer than this.
    private const int MostExtensionHeaders = 8;

    /// <summary>The hash of a whole packet.</summary>
    public static ulong Of(ReadOnlySpan<byte> packet) => InnerPacket.IsV6(packet) ? OfV6(packet) : OfV4(packet);

    /// <summary>Spreads every bit of the input over the whole result (the finalizer of MurmurHash3).</summary>
    public static ulong Mix(ulong value)
    {
        value ^= value >> 33;
        value *= 0xff51afd7ed558ccd;
        value ^= value >> 33;
        value *= 0xc4ceb9fe1a85ec53;
        return value ^ (value >> 33);
    }

    private static ulong OfV4(ReadOnlySpan<byte> packet)
    {
        var addresses = Mix(BinaryPrimitives.ReadUInt64BigEndian(packet[12..]));
        // A fragment: the flag "more fragments" or an offset is set.
        if ((BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0) return addresses;
        return Mix(addresses ^ Transport(packet[9], packet[((packet[0] & 0x0f) * 4)..]));
    }

    private static ulong OfV6(ReadOnlySpan<byte> packet)
    {
        var source = AddressKey.ReadV6(packet[8..]);
        var destination = AddressKey.ReadV6(packet[24..]);
        var addresses = Mix(Mix(Mix(Mix(source.High) ^ source.Low) ^ destination.High) ^ destination.Low);
        var next = packet[6];
        var rest = packet[40..];
        for (var i = 0; i < MostExtensionHeaders; i++)
        {
            int length;
            switch (next)
            {
                case 44: // fragment
                    return addresses;
                case 0 or 43 or 60: // hop-by-hop options, routing, destination options
                    if (rest.Length < 8) return addresses;
                    length = (rest[1] + 1) * 8;
                    break;
                case 51: // authentication header, in units of four octets (RFC 4302 2.2)
                    if (rest.Length < 8) return addresses;
                    length = (rest[1] + 2) * 4;
                    break;
                default:
                    return Mix(addresses ^ Transport(next, rest));
            }

            if (length > rest.Length) return addresses;
            next = rest[0];
            rest = rest[length..];
        }

        return addresses;
    }

    // TCP, UDP, DCCP, SCTP and UDP-Lite have their ports at the same offset.
    private static ulong Transport(byte protocol, ReadOnlySpan<byte> header) =>
        ((ulong)protocol << 32) | (protocol is 6 or 17 or 33 or 132 or 136 && header.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(header) : 0);
}
