using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>Packets written by hand after the figures in the RFCs.</summary>
internal static class Bytes
{
    public static byte[] Of(string hex) => Convert.FromHexString(hex.Replace(" ", ""));

    /// <summary>An IPv4 (RFC 791 3.1) or IPv6 (RFC 8200 3) packet.</summary>
    public static byte[] Packet(string source, string destination, byte protocol = 17, string payload = "", byte trafficClass = 0, ushort fragment = 0, byte ttl = 64)
    {
        var from = IPAddress.Parse(source);
        var to = IPAddress.Parse(destination);
        var body = Of(payload);
        byte[] header;
        if (from.AddressFamily == AddressFamily.InterNetwork)
        {
            header = new byte[20];
            header[0] = 0x45;
            header[1] = trafficClass;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(20 + body.Length));
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), fragment);
            header[8] = ttl;
            header[9] = protocol;
            from.GetAddressBytes().CopyTo(header, 12);
            to.GetAddressBytes().CopyTo(header, 16);
        }
        else
        {
            header = new byte[40];
            BinaryPrimitives.WriteUInt32BigEndian(header, 0x60000000 | ((uint)trafficClass << 20));
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)body.Length);
            header[6] = protocol;
            header[7] = ttl;
            from.GetAddressBytes().CopyTo(header, 8);
            to.GetAddressBytes().CopyTo(header, 24);
        }

        return [.. header, .. body];
    }

    /// <summary>A label stack entry (RFC 3032 2.1) in front of a packet.</summary>
    public static byte[] Labelled(uint label, byte[] packet, bool bottom = true, byte ttl = 64) =>
        [(byte)(label >> 12), (byte)(label >> 4), (byte)((label << 4) | (bottom ? 1u : 0)), ttl, .. packet];
}
