using System.Net;
using System.Net.Sockets;

namespace CN2.Api.Http;

/// <summary>Tells callers apart by where their requests come from.</summary>
internal static class Callers
{
    /// <summary>
    /// The source address; of IPv6 its /64, because a host can have every address of one. A proxy in front of the server is one caller.
    /// </summary>
    public static IPAddress Of(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress ?? IPAddress.Loopback; // null: a unix socket
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;
        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new IPAddress(bytes);
    }
}
