using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace CN2.Network.Addressing;

/// <summary>
/// An address that a host can have and that hosts on other links can reach. Nodes, routers, endpoints and FloatingIPs have such an
/// address. The API, the drivers and the agent use this one rule, so that none of them refuses what another has accepted.
/// </summary>
public static class HostAddress
{
    public static bool IsValid(IPAddress address) => RefusedClassOf(address) is null;

    /// <summary>A sentence that says why a host cannot have the address; null when it can.</summary>
    public static string? FaultOf(IPAddress address) => RefusedClassOf(address) is { } refused
        ? $"'{address}' is {refused}; give a unicast address that other hosts can reach."
        : null;

    /// <summary>Reads canonical text (<see cref="AddressSyntax"/>).</summary>
    /// <param name="family">The family that is needed; null: either.</param>
    /// <param name="error">A sentence that names the text and what is wrong.</param>
    public static bool TryParse(
        string? text, IPFamily? family, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        IPAddress? read;
        if (!(family is { } wanted ? AddressSyntax.TryParseAddress(text, wanted, out read, out error) : AddressSyntax.TryParseAddress(text, out read, out error)))
            return false;
        error = FaultOf(read);
        if (error is not null) return false;
        address = read;
        return true;
    }

    /// <summary>The name of the class that no host can have (RFC 6890), or null. Allocates nothing: it is asked for every path and backend.</summary>
    private static string? RefusedClassOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return bytes[0] switch
            {
                0 => "in 0.0.0.0/8, which means this host",
                127 => "a loopback address",
                >= 240 => "in 240.0.0.0/4, which is reserved",
                >= 224 => "a multicast address",
                _ => null,
            };
        }

        if (address.Equals(IPAddress.IPv6Any)) return "the unspecified address";
        if (address.Equals(IPAddress.IPv6Loopback)) return "the loopback address";
        if (address.IsIPv6Multicast) return "a multicast address";
        if (address.IsIPv6LinkLocal) return "a link-local address";
        if (address.IsIPv4MappedToIPv6) return "an IPv4 address inside IPv6";
        return address.ScopeId != 0 ? "an address with a zone" : null;
    }
}
