using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace CN2.Network.Addressing;

/// <summary>
/// A type-1 route distinguisher (RFC 4364 §4.2): an IPv4 address and a 16-bit number, written <c>172.27.115.242:5</c>. CN2 makes one
/// for each RoutingInstance on each vRouter, so that the routes of two vRouters never share an NLRI.
/// </summary>
public readonly record struct RouteDistinguisher(IPAddress Administrator, ushort Number)
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out RouteDistinguisher? distinguisher)
    {
        distinguisher = null;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !AddressSyntax.TryParseAddress(text![..colon], IPFamily.IPv4, out var administrator, out _)
            || !DecimalNumber.TryRead(text[(colon + 1)..], ushort.MaxValue, out var number)) return false;
        distinguisher = new RouteDistinguisher(administrator, (ushort)number);
        return true;
    }

    public override string ToString() => $"{Administrator}:{Number}";
}
