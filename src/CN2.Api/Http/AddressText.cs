using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Http;

/// <summary>Addresses of nodes, routers and endpoints: canonical text (<see cref="AddressSyntax"/>) and unicast.</summary>
public static class AddressText
{
    public static bool TryParse(string? text, out IPAddress address)
    {
        var parsed = AddressSyntax.TryParseAddress(text, out var found, out _);
        address = found ?? IPAddress.None;
        return parsed;
    }

    /// <summary>What is wrong with it; null when nothing is.</summary>
    /// <param name="family">Null: either.</param>
    public static string? Fault(string? text, IPFamily? family = null)
    {
        IPAddress? address;
        string? error;
        if (!(family is { } wanted ? AddressSyntax.TryParseAddress(text, wanted, out address, out error) : AddressSyntax.TryParseAddress(text, out address, out error)))
            return error;
        var first = address.GetAddressBytes()[0];
        return address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || (address.FamilyOf() == IPFamily.IPv4 ? first >= 224 : first == 0xff)
            ? $"'{text}' is not the address of one host."
            : null;
    }
}
