using System.Net;
using CN2.Api.Options;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CN2.Api.Http;

/// <summary>The ports of the server, and what a connection to them may cost.</summary>
internal static class Listeners
{
    /// <summary>An agent has one stream; a few are for one that comes back before its former stream has ended.</summary>
    private const int StreamsOfConnection = 10;

    public static void Configure(KestrelServerOptions kestrel, ListenerOptions listen, ConnectionLimitOptions connections)
    {
        kestrel.AddServerHeader = false;
        // RequestBody has the real limit and answers 413; this one only bounds what is read and thrown away.
        kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        // A client that sends its request byte by byte, or takes the answer so: its connection is closed. A watch has a limit of its own.
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(connections.HeadSeconds);
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0; // nothing here is upgraded
        kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsOfConnection;

        // Without TLS one port cannot offer both protocols: REST speaks HTTP/1.1, agents HTTP/2.
        Listen(kestrel, listen.HttpUrl, HttpProtocols.Http1, "REST", connections);
        Listen(kestrel, listen.GrpcUrl, HttpProtocols.Http2, "agents'", connections);
        if (listen.KubernetesUrl is { } kubernetes) Listen(kestrel, kubernetes, HttpProtocols.Http1, "Kubernetes", connections, isKubernetes: true);
    }

    private static void Listen(KestrelServerOptions kestrel, Uri url, HttpProtocols protocols, string port, ConnectionLimitOptions connections, bool isKubernetes = false)
    {
        if (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6) kestrel.Listen(IPAddress.Parse(url.Host.Trim('[', ']')), url.Port, Set);
        else kestrel.ListenLocalhost(url.Port, Set);

        void Set(ListenOptions options)
        {
            options.Protocols = protocols;
            var services = options.ApplicationServices;
            var limit = new ConnectionLimit(
                port, connections.Most, connections.MostOfCaller, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ConnectionLimit>>());
            options.Use(limit.Around);
            if (isKubernetes) options.Use(next => connection =>
            {
                connection.Features.Set(KubernetesListener.Instance);
                return next(connection);
            });
        }
    }
}
