using System.Net;
using System.Net.Sockets;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A /32 or /128 in 16 bytes, so that a hundred thousand of them stay small; IPv4 is stored IPv4-mapped.</summary>
internal readonly record struct HostPrefix(UInt128 Value)
{
    public bool IsIPv4 => Value >> 32 == 0xFFFF;

    public static HostPrefix From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            address.TryWriteBytes(bytes, out _);
        }
        else
        {
            bytes[10] = bytes[11] = 0xFF;
            address.TryWriteBytes(bytes[12..], out _);
        }
        return new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    public IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return IsIPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }

    public override string ToString() => $"{ToAddress()}/{(IsIPv4 ? 32 : 128)}";
}
