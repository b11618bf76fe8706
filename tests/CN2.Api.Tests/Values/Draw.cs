using System.Net;
using CN2.Network.Addressing;
using CsCheck;

namespace CN2.Api.Tests.Values;

/// <summary>Values from the whole range of their types, with the edges of every class of addresses and numbers drawn far more often than chance would.</summary>
internal static class Draw
{
    private static readonly string[] EdgesV4 =
    [
        "0.0.0.0", "0.0.0.1", "0.1.2.3", "0.255.255.255", "1.0.0.0", "10.0.0.1", "100.0.0.4", "100.64.0.1", "126.255.255.255", "127.0.0.0", "127.0.0.1",
        "127.255.255.255", "128.0.0.0", "169.254.0.0", "169.254.1.1", "172.27.115.242", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.9",
        "223.255.255.255", "224.0.0.0", "224.0.0.5", "239.255.255.255", "240.0.0.0", "240.0.0.1", "255.255.255.254", "255.255.255.255",
    ];

    private static readonly string[] EdgesV6 =
    [
        "::", "::1", "::2", "::fffe:ffff:ffff", "::ffff:0:0", "::ffff:10.0.0.1", "::ffff:255.255.255.255", "::1:0:0:0", "::10.0.0.1", "64:ff9b::a00:1", "100::1",
        "2001::1", "2001:db8::1", "2002:a00:1::1", "3fff::1", "fc00::", "fd00::242", "fe7f:ffff::1", "fe80::", "fe80::1", "fe80::242", "febf::ffff", "fec0::1",
        "feff:ffff::1", "ff00::", "ff02::1", "ff0e::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];

    private static readonly Gen<UInt128> Number128 = Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new UInt128(high, low));

    public static readonly Gen<IPAddress> V4 = Gen.Frequency(
        (3, Of(EdgesV4).Select(IPAddress.Parse)),
        (2, Gen.UInt.Select(n => AddressArithmetic.ToAddress(n, IPFamily.IPv4))));

    public static readonly Gen<IPAddress> V6 = Gen.Frequency(
        (3, Of(EdgesV6).Select(IPAddress.Parse)),
        (1, Number128.Select(n => AddressArithmetic.ToAddress(n, IPFamily.IPv6))),
        (1, Gen.Select(Of(EdgesV6), Number128, Gen.Int[0, 128]).Select((edge, other, length) =>
            AddressArithmetic.ToAddress((IPAddress.Parse(edge).ToNumber() & Mask(128, length)) | (other & ~Mask(128, length)), IPFamily.IPv6))));

    public static readonly Gen<IPAddress> Address = Gen.OneOf(V4, V6);

    /// <summary>A network without host bits around any address.</summary>
    public static readonly Gen<IPNetwork> Network = Gen.Select(Address, Gen.Int[0, 128]).Select((address, drawn) =>
    {
        var bits = AddressArithmetic.BitsOf(address.FamilyOf());
        var length = drawn % (bits + 1);
        return new IPNetwork(AddressArithmetic.ToAddress(address.ToNumber() & Mask(bits, length), address.FamilyOf()), length);
    });

    /// <summary>A community as a user may write it: two numbers, or a name in any spelling.</summary>
    public static readonly Gen<string> Community = Gen.Frequency(
        (2, Of(BgpCommunity.WellKnownNames.SelectMany(n => new[] { n, n.ToLowerInvariant(), n.ToLowerInvariant().Replace('_', '-') }).ToArray())),
        (1, Of("0:0", "0:65535", "65535:0", "65535:65535", "65535:65281", "64512:100", "no_such", "65536:1")),
        (1, Gen.Select(Gen.UShort, Gen.UShort, (high, low) => $"{high}:{low}")));

    public static readonly Gen<string> LargeCommunity = Gen.Select(Number32, Number32, Number32, (a, b, c) => $"{a}:{b}:{c}");

    public static readonly Gen<string> RouteTarget = Gen.OneOf(
        Gen.Select(Gen.OneOf(Gen.UShort.Select(n => (uint)n), Of(0u, 1u, 23456u, 64512u, 65535u)), Gen.OneOf(Number32, Of(7_999_999u, 8_000_000u, 16_777_216u, 16_777_217u)), (a, n) => $"target:{a}:{n}"),
        Gen.Select(Number32, Gen.UShort, (a, n) => $"target:{a}:{n}"),
        Gen.Select(V4, Gen.UShort, (a, n) => $"target:{a}:{n}"));

    /// <summary>One of the values.</summary>
    public static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    /// <summary>A number of 32 bits.</summary>
    public static Gen<uint> Number32 => Gen.Frequency((1, Of(0u, 1u, 23456u, 65535u, 65536u, uint.MaxValue - 1, uint.MaxValue)), (1, Gen.UInt));

    /// <summary>A whole number around the bounds of a member.</summary>
    public static Gen<int?> Around(params int[] bounds) => Gen.Frequency(
        (4, Of(bounds.SelectMany(b => new int?[] { b - 1, b, b + 1 }).ToArray())),
        (3, Gen.Int[bounds[0], bounds[^1]].Select(n => (int?)n)),
        (1, Gen.Const((int?)null)));

    private static UInt128 Mask(int bits, int length)
    {
        var all = bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;
        return length == 0 ? 0 : all & ~((UInt128.One << (bits - length)) - 1);
    }
}
