using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace CN2.VRouter.Tests.Lab;

/// <summary>Packets that no program would send by itself, with valid checksums. The kernel writes the IP header.</summary>
internal static class RawPackets
{
    /// <summary>Sequence numbers a quarter of the space apart: at least one of them lies beyond any window.</summary>
    private static readonly uint[] Everywhere = [0x1000_0000, 0x5000_0000, 0x9000_0000, 0xd000_0000];

    /// <summary>Sends segments of a connection, some of which lie far outside of its window.</summary>
    /// <param name="from">The address in the segments' checksum: the one that the kernel chooses for the destination.</param>
    public static async Task SendOutOfWindowAsync(NetworkNamespace home, IPEndPoint from, IPEndPoint to)
    {
        using var raw = home.Run(() => RawSocket.Open((int)ProtocolType.Tcp, to.AddressFamily));
        foreach (var sequence in Everywhere)
        {
            foreach (var acknowledged in Everywhere) await raw.SendToAsync(Segment(from, to, sequence, acknowledged, 0x18 /* PSH, ACK */), new IPEndPoint(to.Address, 0));
        }
    }

    /// <summary>Sends the first segment of many connections, each from another port.</summary>
    public static async Task SendSynsAsync(NetworkNamespace home, IPAddress from, IPEndPoint to, int count)
    {
        using var raw = home.Run(() => RawSocket.Open((int)ProtocolType.Tcp, to.AddressFamily));
        for (var i = 0; i < count; i++) await raw.SendToAsync(Segment(new IPEndPoint(from, 1024 + i), to, (uint)i, 0, 0x02 /* SYN */), new IPEndPoint(to.Address, 0));
    }

    /// <summary>An ICMP echo request (RFC 792).</summary>
    public static byte[] Echo(ushort identifier, ushort sequence)
    {
        var packet = new byte[16];
        packet[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), identifier);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), sequence);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), Checksum(packet));
        return packet;
    }

    /// <summary>An SCTP INIT (RFC 9260 §3.3.2).</summary>
    public static byte[] SctpInit(ushort from, ushort to)
    {
        var packet = Sctp(from, to, 1 /* INIT */, 20);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(16), 0x01020304); // initiate tag
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(20), 65536); // window
        packet[25] = packet[27] = 1; // streams
        return WithCrc(packet);
    }

    /// <summary>An SCTP HEARTBEAT (RFC 9260 §3.3.5) of an association that is open. Connection tracking begins a flow with it, as with INIT and SHUTDOWN ACK.</summary>
    public static byte[] SctpHeartbeat(ushort from, ushort to)
    {
        var packet = Sctp(from, to, 4 /* HEARTBEAT */, 16);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), 0x0a0b0c0d); // verification tag
        packet[17] = 1; // heartbeat information
        packet[19] = 12;
        return WithCrc(packet);
    }

    /// <summary>The common header, and a chunk that is the packet's only one.</summary>
    private static byte[] Sctp(ushort from, ushort to, byte type, byte length)
    {
        var packet = new byte[12 + length];
        BinaryPrimitives.WriteUInt16BigEndian(packet, from);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), to);
        packet[12] = type;
        packet[15] = length;
        return packet;
    }

    private static byte[] WithCrc(byte[] packet)
    {
        var crc = uint.MaxValue;
        foreach (var octet in packet) crc = BitOperations.Crc32C(crc, octet);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~crc);
        return packet;
    }

    private static byte[] Segment(IPEndPoint from, IPEndPoint to, uint sequence, uint acknowledged, byte flags)
    {
        var segment = new byte[24];
        BinaryPrimitives.WriteUInt16BigEndian(segment, (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), (ushort)to.Port);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(8), acknowledged);
        segment[12] = 0x50;
        segment[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(14), 1000);
        byte[] pseudo = [.. from.Address.GetAddressBytes(), .. to.Address.GetAddressBytes(), 0, 0, 0, 6, 0, 0, 0, (byte)segment.Length];
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(16), Checksum([.. pseudo, .. segment]));
        return segment;
    }

    /// <summary>The Internet checksum (RFC 1071) of an even number of octets.</summary>
    public static ushort Checksum(ReadOnlySpan<byte> words)
    {
        uint sum = 0;
        for (var i = 0; i < words.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(words[i..]);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
