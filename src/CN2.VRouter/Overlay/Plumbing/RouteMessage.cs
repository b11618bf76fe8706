using System.Net;
using System.Net.Sockets;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Writes a message of rtnetlink (linux/rtnetlink.h): header, the type's own header, attributes. Numbers in the host's order.</summary>
internal ref struct RouteMessage
{
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;
    public const ushort GetLink = 18;
    public const ushort GetAddress = 22;
    public const ushort NewRoute = 24;
    public const ushort DeleteRoute = 25;
    public const ushort GetRoute = 26;
    public const ushort NewRule = 32;
    public const ushort DeleteRule = 33;
    public const ushort GetRule = 34;

    public const ushort Request = 1;
    public const ushort Acknowledge = 4;
    public const ushort Replace = 0x100;
    public const ushort Exclusive = 0x200;
    public const ushort Create = 0x400;
    public const ushort Dump = 0x300;

    public const int HeaderLength = 16;

    private readonly Span<byte> _buffer;

    public RouteMessage(Span<byte> buffer, ushort type, ushort flags, int ownHeader)
    {
        _buffer = buffer;
        Length = HeaderLength + ownHeader;
        buffer[..Length].Clear();
        BitConverter.TryWriteBytes(buffer[4..], type);
        BitConverter.TryWriteBytes(buffer[6..], (ushort)(flags | Request));
        WriteLength();
    }

    public int Length { get; private set; }

    /// <summary>The type's own header.</summary>
    public readonly Span<byte> Own => _buffer[HeaderLength..];

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
        BitConverter.TryWriteBytes(_buffer[Length..], (ushort)(value.Length + 4));
        BitConverter.TryWriteBytes(_buffer[(Length + 2)..], (ushort)type);
        value.CopyTo(_buffer[(Length + 4)..]);
        var padded = (value.Length + 4 + 3) & ~3;
        _buffer[(Length + 4 + value.Length)..(Length + padded)].Clear();
        Length += padded;
        WriteLength();
    }

    public static byte Family(IPAddress address) => (byte)(address.AddressFamily == AddressFamily.InterNetworkV6 ? 10 : 2);

    private readonly void WriteLength() => BitConverter.TryWriteBytes(_buffer, (uint)Length);
}
