using System.Net;

namespace CN2.VRouter.Netlink;

/// <summary>Writes a request into a buffer: nlmsghdr, the header of its type, attributes. Numbers in headers have the host's byte order.</summary>
internal ref struct NetlinkMessage
{
    /// <summary>The length of nlmsghdr.</summary>
    public const int HeaderLength = 16;

    private readonly Span<byte> _buffer;

    /// <param name="typeHeader">The length of the header that belongs to the type, such as ifinfomsg.</param>
    public NetlinkMessage(Span<byte> buffer, ushort type, ushort flags, int typeHeader)
    {
        _buffer = buffer;
        Length = HeaderLength + typeHeader;
        buffer[..Length].Clear();
        BitConverter.TryWriteBytes(buffer[4..], type);
        BitConverter.TryWriteBytes(buffer[6..], (ushort)(flags | NetlinkFlags.Request));
        WriteLength();
    }

    public int Length { get; private set; }

    /// <summary>What has been written so far.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _buffer[..Length];

    /// <summary>The header that belongs to the type.</summary>
    public readonly Span<byte> TypeHeader => _buffer[HeaderLength..];

    /// <summary>A message of nfnetlink (linux/netfilter/nfnetlink.h): its header starts with the address family.</summary>
    public static NetlinkMessage Netfilter(Span<byte> buffer, ushort type, ushort flags, byte family)
    {
        var message = new NetlinkMessage(buffer, type, flags, NetlinkMessages.NetfilterHeaderLength);
        message.TypeHeader[0] = family;
        return message;
    }

    public void Add(int type, uint value)
    {
        Span<byte> octets = stackalloc byte[4];
        BitConverter.TryWriteBytes(octets, value);
        Add(type, octets);
    }

    public void Add(int type, IPAddress value)
    {
        Span<byte> octets = stackalloc byte[16];
        value.TryWriteBytes(octets, out var length);
        Add(type, octets[..length]);
    }

    public void Add(int type, scoped ReadOnlySpan<byte> value)
    {
        Length += NetlinkAttributes.Write(_buffer[Length..], type, value);
        WriteLength();
    }

    /// <summary>Adds attributes that are written already, with their padding.</summary>
    public void AddWritten(scoped ReadOnlySpan<byte> attributes)
    {
        attributes.CopyTo(_buffer[Length..]);
        Length += attributes.Length;
        WriteLength();
    }

    private readonly void WriteLength() => BitConverter.TryWriteBytes(_buffer, (uint)Length);
}
