using System.Buffers.Binary;
using System.Net;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Relay;

/// <summary>
/// An ICMP error that says a packet was too big for a link: "fragmentation needed" (type 3, code 4: RFC 792, RFC 1191), or "packet too big" of
/// ICMPv6 (type 2: RFC 4443 §3.2). Pure.
/// </summary>
internal static class TooBigError
{
    /// <summary>No router sends a longer one (RFC 1812 §4.3.2.3: 576 octets; RFC 4443 §3.2: 1,280).</summary>
    public const int LongestPacket = 1280;

    private const int V4Header = 20;
    private const int V6Header = 40;
    private const int IcmpHeader = 8;

    /// <summary>What connection tracking needs of the packet in the error: the ports, and what else stands in its first eight octets.</summary>
    private const int ShortestPayload = 8;

    private const byte Icmp = 1;
    private const byte IcmpV6 = 58;

    /// <summary>
    /// The FloatingIP that an error is for: the sender of the packet that was too big, and so the receiver of the error. Null: the octets are no whole
    /// IP packet, it is a fragment, damaged or another message, or it speaks of a packet of somebody else.
    /// </summary>
    public static IPAddress? FloatingIPOf(ReadOnlySpan<byte> packet)
    {
        if (packet.Length > LongestPacket || !InnerPacket.IsWhole(packet)) return null;
        return InnerPacket.IsV6(packet) ? OfV6(packet) : OfV4(packet);
    }

    private static IPAddress? OfV4(ReadOnlySpan<byte> packet)
    {
        var header = HeaderLength(packet);
        if (IsFragment(packet, orFirst: true) || packet[9] != Icmp || !InternetChecksum.Sums(packet[..header])) return null;
        var message = packet[header..];
        if (message.Length < IcmpHeader + V4Header || message[0] != 3 || message[1] != 4 || !InternetChecksum.Sums(message)) return null;
        var sent = message[IcmpHeader..];
        var sentHeader = HeaderLength(sent);
        if (sent[0] >> 4 != 4 || sentHeader < V4Header || sent.Length < sentHeader + ShortestPayload || IsFragment(sent, orFirst: false)) return null;
        if (BinaryPrimitives.ReadUInt16BigEndian(sent[2..]) < sentHeader + ShortestPayload) return null;
        var receiver = packet.Slice(16, 4);
        return sent.Slice(12, 4).SequenceEqual(receiver) ? new IPAddress(receiver) : null;
    }

    private static IPAddress? OfV6(ReadOnlySpan<byte> packet)
    {
        if (PayloadOfV6(packet, fragments: false) is not { Protocol: IcmpV6, Start: var start }) return null;
        var message = packet[start..];
        if (message.Length < IcmpHeader + V6Header || message[0] != 2 || !SumsWithAddresses(packet, message)) return null;
        var sent = message[IcmpHeader..];
        if (sent[0] >> 4 != 6 || PayloadOfV6(sent, fragments: true) is not { } payload || sent.Length < payload.Start + ShortestPayload) return null;
        if (V6Header + BinaryPrimitives.ReadUInt16BigEndian(sent[4..]) < payload.Start + ShortestPayload) return null;
        var receiver = packet.Slice(24, 16);
        return sent.Slice(8, 16).SequenceEqual(receiver) ? new IPAddress(receiver) : null;
    }

    private static int HeaderLength(ReadOnlySpan<byte> v4) => (v4[0] & 0x0f) * 4;

    /// <param name="orFirst">Also the first fragment, which has the beginning of the payload.</param>
    private static bool IsFragment(ReadOnlySpan<byte> v4, bool orFirst) => (BinaryPrimitives.ReadUInt16BigEndian(v4[6..]) & (orFirst ? 0x3fff : 0x1fff)) != 0;

    /// <summary>The protocol and the start of what follows the extension headers (RFC 8200 §4); null: they are not all there, or end in none.</summary>
    /// <param name="fragments">First fragments count too.</param>
    private static (byte Protocol, int Start)? PayloadOfV6(ReadOnlySpan<byte> packet, bool fragments)
    {
        var (next, at) = (packet[6], V6Header);
        while (true)
        {
            // Hop-by-hop options, routing, fragment, authentication (RFC 4302 §2.2), destination options.
            if (next is not (0 or 43 or 44 or 51 or 60)) return (next, at);
            if (packet.Length < at + 8) return null;
            var header = packet[at..];
            if (next == 44 && (!fragments || (BinaryPrimitives.ReadUInt16BigEndian(header[2..]) & 0xfff8) != 0)) return null;
            at += next switch
            {
                44 => 8,
                51 => (header[1] + 2) * 4,
                _ => (header[1] + 1) * 8,
            };
            next = header[0];
            if (packet.Length < at) return null;
        }
    }

    /// <summary>Whether the checksum is right (RFC 4443 §2.3): it covers a pseudo header too (RFC 8200 §8.1).</summary>
    private static bool SumsWithAddresses(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> message)
    {
        Span<byte> summed = stackalloc byte[V6Header + LongestPacket];
        packet.Slice(8, 32).CopyTo(summed);
        BinaryPrimitives.WriteInt32BigEndian(summed[32..], message.Length);
        BinaryPrimitives.WriteInt32BigEndian(summed[36..], IcmpV6);
        message.CopyTo(summed[V6Header..]);
        return InternetChecksum.Sums(summed[..(V6Header + message.Length)]);
    }
}
