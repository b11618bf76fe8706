using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace CN2.VRouter.Overlay.Packets;

/// <summary>An address of either family as 128 bits, first bit highest, for matching prefixes.</summary>
internal readonly record struct AddressKey(ulong High, ulong Low)
{
    public static AddressKey ReadV4(ReadOnlySpan<byte> octets) => new((ulong)BinaryPrimitives.ReadUInt32BigEndian(octets) << 32, 0);

    public static AddressKey ReadV6(ReadOnlySpan<byte> octets) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(octets), BinaryPrimitives.ReadUInt64BigEndian(octets[8..]));

    public static AddressKey Of(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? ReadV6(octets) : ReadV4(octets);
    }

    public static AddressKey Mask(int length) => length switch
    {
        0 => default,
        <= 64 => new AddressKey(ulong.MaxValue << (64 - length), 0),
        _ => new AddressKey(ulong.MaxValue, ulong.MaxValue << (128 - length)),
    };

    /// <summary>The bit at <paramref name="position"/>; 0 is the first.</summary>
    public bool Bit(int position) => position < 64 ? (High << position) >> 63 != 0 : (Low << position) >> 63 != 0;

    public bool Matches(AddressKey other, AddressKey mask) => (((High ^ other.High) & mask.High) | ((Low ^ other.Low) & mask.Low)) == 0;

    public int CommonBits(AddressKey other)
    {
        var high = High ^ other.High;
        return high != 0 ? BitOperations.LeadingZeroCount(high) : 64 + BitOperations.LeadingZeroCount(Low ^ other.Low);
    }

    public AddressKey And(AddressKey mask) => new(High & mask.High, Low & mask.Low);
}
