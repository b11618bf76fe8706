using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;
using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Converts route distinguishers, route targets and encapsulations to the engine's messages and back.</summary>
internal static class VpnCodec
{
    /// <summary>Sub-type of a route target in all three forms (RFC 4360 §4).</summary>
    private const uint RouteTargetSubType = 2;

    public static Any Encode(RouteDistinguisher distinguisher) => PathAttributes.Pack(new Wire.RouteDistinguisherIPAddress
    {
        Admin = distinguisher.Administrator.ToString(),
        Assigned = distinguisher.Number,
    });

    /// <exception cref="ArgumentException">It has a <see cref="PathLimits.Fault(RouteTarget)"/>: the engine would silently cut the number.</exception>
    public static Any Encode(RouteTarget target)
    {
        if (PathLimits.Fault(target) is { } fault) throw new ArgumentException(fault, nameof(target));
        return target.Kind switch
        {
            RouteTargetKind.TwoOctetAS when target.Administrator <= ushort.MaxValue => PathAttributes.Pack(new Wire.TwoOctetAsSpecificExtended
            {
                IsTransitive = true,
                SubType = RouteTargetSubType,
                Asn = target.Administrator,
                LocalAdmin = target.Number,
            }),
            RouteTargetKind.FourOctetAS => PathAttributes.Pack(new Wire.FourOctetAsSpecificExtended
            {
                IsTransitive = true,
                SubType = RouteTargetSubType,
                Asn = target.Administrator,
                LocalAdmin = target.Number,
            }),
            RouteTargetKind.IPv4Address => PathAttributes.Pack(new Wire.IPv4AddressSpecificExtended
            {
                IsTransitive = true,
                SubType = RouteTargetSubType,
                Address = AddressOf(target.Administrator).ToString(),
                LocalAdmin = target.Number,
            }),
            _ => throw new ArgumentException($"{target} is no route target.", nameof(target)),
        };
    }

    /// <summary>Reads a route target; false for any other extended community.</summary>
    public static bool TryDecode(Any? community, out RouteTarget target)
    {
        target = default;
        if (community is null) return false;
        if (community.TryUnpack<Wire.TwoOctetAsSpecificExtended>(out var two) && two is { IsTransitive: true, SubType: RouteTargetSubType })
            target = new(RouteTargetKind.TwoOctetAS, two.Asn, two.LocalAdmin);
        else if (community.TryUnpack<Wire.FourOctetAsSpecificExtended>(out var four) && four is { IsTransitive: true, SubType: RouteTargetSubType })
            target = new(RouteTargetKind.FourOctetAS, four.Asn, four.LocalAdmin);
        else if (community.TryUnpack<Wire.IPv4AddressSpecificExtended>(out var v4) && v4 is { IsTransitive: true, SubType: RouteTargetSubType }
            && IPAddress.TryParse(v4.Address, out var address) && address.AddressFamily == AddressFamily.InterNetwork)
            target = new(RouteTargetKind.IPv4Address, NumberOf(address), v4.LocalAdmin);
        else
            return false;
        return true;
    }

    /// <summary>Reads a tunnel type (RFC 9012 §4.1); false for any other extended community.</summary>
    public static bool TryDecodeEncapsulation(Any community, out ushort type)
    {
        type = 0;
        if (!community.TryUnpack<Wire.EncapExtended>(out var encapsulation)) return false;
        type = (ushort)encapsulation.TunnelType;
        return true;
    }

    /// <summary>
    /// The text of any of the three types (RFC 4364 §4.2). A type 2 whose AS would fit into type 0 is written <c>64512L:5</c>, so that two
    /// different route distinguishers never have the same text.
    /// </summary>
    public static bool TryFormat(Any? distinguisher, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (distinguisher is null) return false;
        if (distinguisher.TryUnpack<Wire.RouteDistinguisherTwoOctetASN>(out var two))
            text = string.Create(CultureInfo.InvariantCulture, $"{two.Admin}:{two.Assigned}");
        else if (distinguisher.TryUnpack<Wire.RouteDistinguisherIPAddress>(out var address))
            text = string.Create(CultureInfo.InvariantCulture, $"{address.Admin}:{address.Assigned}");
        else if (distinguisher.TryUnpack<Wire.RouteDistinguisherFourOctetASN>(out var four))
            text = string.Create(CultureInfo.InvariantCulture, $"{four.Admin}{(four.Admin > ushort.MaxValue ? "" : "L")}:{four.Assigned}");
        return text is not null;
    }

    /// <summary>Reads a route distinguisher of type 1, as all of CN2 are; null for any other.</summary>
    public static RouteDistinguisher? Decode(Any? distinguisher) =>
        distinguisher?.TryUnpack<Wire.RouteDistinguisherIPAddress>(out var rd) == true && rd.Assigned <= ushort.MaxValue
        && IPAddress.TryParse(rd.Admin, out var address) && address.AddressFamily == AddressFamily.InterNetwork
            ? new(address, (ushort)rd.Assigned)
            : null;

    private static IPAddress AddressOf(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new(bytes);
    }

    private static uint NumberOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
