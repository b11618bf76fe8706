using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CN2.Network.Addressing;

/// <summary>Addresses as numbers: comparison, stepping and the edges of a network, for both families.</summary>
public static class AddressArithmetic
{
    public static IPFamily FamilyOf(this IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? IPFamily.IPv6 : IPFamily.IPv4;

    public static IPFamily FamilyOf(this IPNetwork network) => network.BaseAddress.FamilyOf();

    /// <summary>An IPv4 address inside IPv6 (::ffff:0:0/96, RFC 4291 2.5.5.2), as a socket for both families names a peer, as IPv4; any other as it is.</summary>
    public static IPAddress Unmapped(this IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>
    /// The host that an address belongs to, as far as a limit can tell: of IPv6 its /64, because a host can have every address of one (RFC 4291 2.5.1); loopback and IPv4
    /// as they are. Unmapped.
    /// </summary>
    public static IPAddress ToHost(this IPAddress address)
    {
        var unmapped = address.Unmapped();
        return unmapped.FamilyOf() == IPFamily.IPv4 || IPAddress.IsLoopback(unmapped) ? unmapped : ToAddress(unmapped.ToNumber() & (UInt128.MaxValue << 64), IPFamily.IPv6);
    }

    /// <summary>32 or 128.</summary>
    public static int BitsOf(IPFamily family) => family == IPFamily.IPv6 ? 128 : 32;

    public static UInt128 ToNumber(this IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public static IPAddress ToAddress(UInt128 number, IPFamily family)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (family == IPFamily.IPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)number);
            return new IPAddress(bytes[..4]);
        }

        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes);
    }

    /// <summary>The network address as a number.</summary>
    public static UInt128 First(this IPNetwork network) => network.BaseAddress.ToNumber();

    /// <summary>The last address as a number (IPv4: the broadcast address).</summary>
    public static UInt128 Last(this IPNetwork network)
    {
        var hostBits = BitsOf(network.FamilyOf()) - network.PrefixLength;
        var hostMask = hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
        return network.First() | hostMask;
    }

    /// <summary>Canonical order: IPv4 before IPv6, then by number.</summary>
    public static int Compare(IPAddress left, IPAddress right)
    {
        var family = left.FamilyOf().CompareTo(right.FamilyOf());
        return family != 0 ? family : left.ToNumber().CompareTo(right.ToNumber());
    }

    /// <summary>Canonical order: by base address, the wider network first.</summary>
    public static int Compare(IPNetwork left, IPNetwork right)
    {
        var address = Compare(left.BaseAddress, right.BaseAddress);
        return address != 0 ? address : left.PrefixLength.CompareTo(right.PrefixLength);
    }
}
