using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Http;

/// <summary>Tells callers apart by where their requests come from.</summary>
internal static class Callers
{
    /// <summary>
    /// The host that the source address belongs to, for those of whom nothing else is known (<see cref="CallerKey"/>). A proxy in front of the server is one caller.
    /// </summary>
    public static IPAddress Of(HttpContext http) => Of(http.Connection.RemoteIpAddress);

    /// <inheritdoc cref="Of(HttpContext)"/>
    /// <param name="source">Null: a unix socket.</param>
    public static IPAddress Of(IPAddress? source) => (source ?? IPAddress.Loopback).ToHost();
}
