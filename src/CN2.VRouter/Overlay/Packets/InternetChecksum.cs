using System.Buffers.Binary;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>The Internet checksum (RFC 1071).</summary>
internal static class InternetChecksum
{
    /// <summary>Whether data that includes its checksum is intact.</summary>
    public static bool Sums(ReadOnlySpan<byte> data) => Of(data) == 0;

    public static ushort Of(ReadOnlySpan<byte> data)
    {
        ulong sum = 0;
        for (; data.Length >= 4; data = data[4..]) sum += BinaryPrimitives.ReadUInt32BigEndian(data);
        if (data.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }

        if (data.Length == 1) sum += (uint)data[0] << 8;
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
