using System.Buffers.Binary;

namespace CN2.VRouter.Netlink;

/// <summary>Reads the messages of a datagram and the attributes of a message. Numbers in headers have the host's byte order.</summary>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> datagram)
{
    public const ushort Error = 2;
    public const ushort Done = 3;

    /// <summary>The length of nfgenmsg, with which the body of every nfnetlink message begins.</summary>
    public const int NetfilterHeaderLength = 4;

    private ReadOnlySpan<byte> _rest = datagram;

    public ushort Type { get; private set; }

    public ushort Flags { get; private set; }

    /// <summary>In an answer: the number of the request.</summary>
    public uint Sequence { get; private set; }

    /// <summary>The sender's port. In a notice of a change: the port of the process that made the change.</summary>
    public uint Port { get; private set; }

    /// <summary>What follows nlmsghdr.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    public bool Next()
    {
        if (_rest.Length < NetlinkMessage.HeaderLength) return false;
        var length = (int)BitConverter.ToUInt32(_rest);
        if (length < NetlinkMessage.HeaderLength || length > _rest.Length) return false;
        Type = BitConverter.ToUInt16(_rest[4..]);
        Flags = BitConverter.ToUInt16(_rest[6..]);
        Sequence = BitConverter.ToUInt32(_rest[8..]);
        Port = BitConverter.ToUInt32(_rest[12..]);
        Body = _rest[NetlinkMessage.HeaderLength..length];
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

    /// <summary>A number in network byte order, as nfnetlink writes them; 0 when absent.</summary>
    public static uint BigEndian(ReadOnlySpan<byte> value) => value.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(value);

    internal static int Align(int length) => (length + 3) & ~3;
}
