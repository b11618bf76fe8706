using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CN2.VRouter.Tests.Lab;

/// <summary>ICMP errors of routers about packets that were too big, from their IP header on, with valid checksums.</summary>
internal static class TooBigPackets
{
    /// <param name="router">Who says so.</param>
    /// <param name="sender">Who sent the packet that was too big, with its port, and gets the error.</param>
    /// <param name="receiver">Whom it was for.</param>
    /// <param name="protocol">Of the packet that was too big.</param>
    /// <param name="extensions">IPv6: the extension headers of the packet that was too big; the first octet of the last one is set to the protocol.</param>
    public static byte[] Of(IPAddress router, IPEndPoint sender, IPEndPoint receiver, ProtocolType protocol, byte[]? extensions = null) =>
        router.AddressFamily == AddressFamily.InterNetwork
            ? V4(router, sender, [.. V4Header(sender.Address, receiver.Address, (byte)protocol, 1500), .. Ports(sender, receiver)])
            : V6(router, sender, extensions is null
                ? [.. V6Header(sender.Address, receiver.Address, (byte)protocol, 1460), .. Ports(sender, receiver)]
                : [.. V6Header(sender.Address, receiver.Address, 0, 1460), .. extensions, .. Ports(sender, receiver)]);

    private static byte[] V4(IPAddress router, IPEndPoint sender, byte[] sent)
    {
        byte[] message = [3, 4, 0, 0, 0, 0, 0x05, 0x78 /* 1400 */, .. sent];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), RawPackets.Checksum(message));
        return [.. V4Header(router, sender.Address, (byte)ProtocolType.Icmp, 20 + message.Length), .. message];
    }

    private static byte[] V6(IPAddress router, IPEndPoint sender, byte[] sent)
    {
        byte[] message = [2, 0, 0, 0, 0, 0, 0x05, 0x78 /* 1400 */, .. sent];
        byte[] pseudo = [.. router.GetAddressBytes(), .. sender.Address.GetAddressBytes(), 0, 0, 0, (byte)message.Length, 0, 0, 0, 58];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), RawPackets.Checksum([.. pseudo, .. message]));
        return [.. V6Header(router, sender.Address, 58, message.Length), .. message];
    }

    private static byte[] V4Header(IPAddress from, IPAddress to, byte protocol, int length)
    {
        byte[] header = [0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, .. from.GetAddressBytes(), .. to.GetAddressBytes()];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)length);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), RawPackets.Checksum(header));
        return header;
    }

    private static byte[] V6Header(IPAddress from, IPAddress to, byte next, int length)
    {
        byte[] header = [0x60, 0, 0, 0, 0, 0, next, 64, .. from.GetAddressBytes(), .. to.GetAddressBytes()];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)length);
        return header;
    }

    /// <summary>The first octets of a segment or datagram: the ports, and room for what follows.</summary>
    private static byte[] Ports(IPEndPoint sender, IPEndPoint receiver)
    {
        var payload = new byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)sender.Port);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(2), (ushort)receiver.Port);
        return payload;
    }
}
