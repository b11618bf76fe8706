using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace CN2.Network.Addressing;

/// <summary>
/// An address that traffic is sent to, and that a node probes: a <see cref="HostAddress"/> that is not link-local either. A node's own
/// services and those of its link (169.254.169.254: what a cloud tells a machine about itself) must not be reached through the product.
/// </summary>
public static class EndpointAddress
{
    /// <summary>A sentence that says why an endpoint cannot have the address; null when it can.</summary>
    public static string? FaultOf(IPAddress address) => HostAddress.FaultOf(address)
        ?? (IsLinkLocal(address) ? $"'{address}' is a link-local address; give a unicast address that other hosts can reach." : null);

    /// <summary>Reads canonical text (<see cref="AddressSyntax"/>).</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? error)
    {
        if (!HostAddress.TryParse(text, null, out address, out error)) return false;
        error = FaultOf(address);
        return error is null;
    }

    /// <summary>169.254.0.0/16 (RFC 3927); link-local IPv6 is no HostAddress.</summary>
    private static bool IsLinkLocal(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.AddressFamily == AddressFamily.InterNetwork && address.TryWriteBytes(bytes, out _) && bytes is [169, 254, ..];
    }
}
