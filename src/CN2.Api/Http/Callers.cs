using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;

namespace CN2.Api.Http;

/// <summary>Tells callers apart by where their requests come from.</summary>
internal static class Callers
{
    /// <summary>
    /// The source address, for those of whom nothing else is known (<see cref="CallerKey"/>); of IPv6 its /64, because a host can have every address of one. A proxy in front of the server is one caller.
    /// </summary>
    public static IPAddress Of(HttpContext http) => Of(http.Connection.RemoteIpAddress);

    /// <inheritdoc cref="Of(HttpContext)"/>
    /// <param name="source">Null: a unix socket.</param>
    public static IPAddress Of(IPAddress? source)
    {
        var address = (source ?? IPAddress.Loopback).Unmapped();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;
        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new IPAddress(bytes);
    }
}
