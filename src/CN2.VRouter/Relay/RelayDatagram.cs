using System.Buffers.Binary;

namespace CN2.VRouter.Relay;

/// <summary>
/// What agents send each other by UDP: an octet with the version, a zero octet, the number of the RoutingInstance (0: the underlay) in network order, and
/// an ICMP error as the node received it, from its IP header on. Pure.
/// </summary>
internal static class RelayDatagram
{
    public const int HeaderLength = 4;
    public const int Longest = HeaderLength + TooBigError.LongestPacket;

    private const byte Version = 1;

    /// <summary>Writes a datagram into a buffer of <see cref="Longest"/> octets and returns it.</summary>
    public static ReadOnlySpan<byte> Write(Span<byte> buffer, int routingInstance, ReadOnlySpan<byte> packet)
    {
        buffer[0] = Version;
        buffer[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], (ushort)routingInstance);
        packet.CopyTo(buffer[HeaderLength..]);
        return buffer[..(HeaderLength + packet.Length)];
    }

    /// <summary>The packet in a datagram; empty: it is none of this version.</summary>
    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> datagram, out int routingInstance)
    {
        routingInstance = 0;
        if (datagram.Length is <= HeaderLength or > Longest || datagram[0] != Version || datagram[1] != 0) return default;
        routingInstance = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        return datagram[HeaderLength..];
    }
}
