using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// A router that takes a limited number of prefixes. A path that is withheld from it carries its <see cref="Marker"/> in the engine: an export
/// policy rejects such a path for this router and takes the marker off for all others, so no router ever sees one.
/// </summary>
internal sealed record LimitedPeer(string Name, IPAddress Address, bool External, EquatableList<string> Families, int Most)
{
    /// <summary>Global administrator 4294967295 is nobody's (RFC 7300); the tag keeps the marker apart from what a user may have written.</summary>
    private const uint Administrator = uint.MaxValue, Tag = 0x434E_3200;

    public LargeCommunity Marker { get; } = MarkerOf(Address);

    public static bool IsMarker(LargeCommunity community) => community is { GlobalAdministrator: Administrator, LocalData1: Tag };

    public static LargeCommunity MarkerOf(IPAddress address)
    {
        // FNV-1a over an IPv6 address; an IPv4 address is its own number.
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        var number = 0u;
        if (address.AddressFamily == AddressFamily.InterNetwork) number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        else
        {
            number = 2_166_136_261;
            foreach (var part in bytes[..length]) number = (number ^ part) * 16_777_619;
        }
        return new(Administrator, Tag, number);
    }

    /// <summary>The router gets paths of this family with these communities, as far as its number goes.</summary>
    public bool Takes(RouteFamily family, PathAttributes attributes) => Families.Contains(family.Name()) && !attributes.IsKeptFrom(External);
}
