using System.Buffers.Binary;

namespace CN2.VRouter.Netlink;

/// <summary>Walks the messages of a datagram and the attributes of a message; numbers in headers have the host's byte order.</summary>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> datagram)
{
    public const ushort Error = 2;
    public const ushort Done = 3;

    private ReadOnlySpan<byte> _rest = datagram;

    public ushort Type { get; private set; }

    /// <summary>The sender's port: of a change notification, that of the process that asked for it.</summary>
    public uint Port { get; private set; }

    /// <summary>What follows the 16 bytes of nlmsghdr.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    public bool Next()
    {
        if (_rest.Length < 16) return false;
        var length = (int)BitConverter.ToUInt32(_rest);
        if (length < 16 || length > _rest.Length) return false;
        Type = BitConverter.ToUInt16(_rest[4..]);
        Port = BitConverter.ToUInt32(_rest[12..]);
        Body = _rest[16..length];
        _rest = _rest[Math.Min(Align(length), _rest.Length)..];
        return true;
    }

    /// <summary>The attribute of this type among <paramref name="attributes"/>; empty when absent.</summary>
    public static ReadOnlySpan<byte> Attribute(ReadOnlySpan<byte> attributes, int type)
    {
        while (attributes.Length >= 4)
        {
            var length = BitConverter.ToUInt16(attributes);
            if (length < 4 || length > attributes.Length) break;
            if ((BitConverter.ToUInt16(attributes[2..]) & 0x3fff) == type) return attributes[4..length];
            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        return default;
    }

    /// <summary>Writes a message's header; the body's length is known afterwards.</summary>
    public static int WriteHeader(Span<byte> buffer, ushort type, ushort flags, byte family)
    {
        buffer[..NetlinkSocket.HeaderLength].Clear();
        BitConverter.TryWriteBytes(buffer, (uint)NetlinkSocket.HeaderLength);
        BitConverter.TryWriteBytes(buffer[4..], type);
        BitConverter.TryWriteBytes(buffer[6..], flags);
        buffer[16] = family;
        return NetlinkSocket.HeaderLength;
    }

    public static int WriteAttribute(Span<byte> buffer, int at, int type, ReadOnlySpan<byte> value)
    {
        BitConverter.TryWriteBytes(buffer[at..], (ushort)(value.Length + 4));
        BitConverter.TryWriteBytes(buffer[(at + 2)..], (ushort)type);
        value.CopyTo(buffer[(at + 4)..]);
        var end = at + 4 + value.Length;
        buffer[end..(at + Align(value.Length + 4))].Clear();
        end = at + Align(value.Length + 4);
        BitConverter.TryWriteBytes(buffer, (uint)end);
        return end;
    }

    public static uint BigEndian(ReadOnlySpan<byte> value) => value.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(value);

    private static int Align(int length) => (length + 3) & ~3;
}
