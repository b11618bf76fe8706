using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using CN2.Api.Options;
using CN2.Api.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CN2.Api.Http;

/// <summary>The ports of the server, and what a connection to them may cost.</summary>
internal static class Listeners
{
    /// <summary>An agent has one stream; a few are for one that comes back before its former stream has ended.</summary>
    private const int StreamsOfConnection = 10;

    public static void Configure(KestrelServerOptions kestrel, ListenerOptions listen, BrowserOptions browsers, ConnectionLimitOptions connections)
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

        var certificates = kestrel.ApplicationServices.GetRequiredService<ServerCertificates>();
        var authorities = kestrel.ApplicationServices.GetRequiredService<ClientAuthorities>();
        Listen(listen.HttpUrl, new Listener(ListenerKind.Rest, "REST", NamesOf(listen.HttpUrl)), certificates.Http);
        Listen(listen.GrpcUrl, new Listener(ListenerKind.Agents, "agents'", Hosts: null), certificates.Grpc);
        if (listen.KubernetesUrl is { } kubernetes) Listen(kubernetes, new Listener(ListenerKind.Kubernetes, "Kubernetes", NamesOf(kubernetes)), certificates.Http);

        ListeningNames NamesOf(Uri url) => new(url, browsers.AllowedHosts);

        void Listen(Uri url, Listener listener, ServerCertificate? certificate)
        {
            if (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6) kestrel.Listen(IPAddress.Parse(url.Host.Trim('[', ']')), url.Port, Set);
            else kestrel.ListenLocalhost(url.Port, Set);

            void Set(ListenOptions options)
            {
                // Without TLS one port cannot offer both protocols: REST speaks HTTP/1.1, agents HTTP/2.
                options.Protocols = listener.Kind == ListenerKind.Agents ? HttpProtocols.Http2 : ListenerOptions.IsTls(url) ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
                var services = options.ApplicationServices;
                var limit = new ConnectionLimit(
                    listener.Name, connections.Most, connections.MostOfCaller, listen.IsKnownProxy, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ConnectionLimit>>());
                options.Use(limit.Around);
                options.Use(next => connection =>
                {
                    connection.Features.Set(listener);
                    return next(connection);
                });
                if (ListenerOptions.IsTls(url)) options.UseHttps(Tls(certificate!, connections, listener.Kind == ListenerKind.Agents ? null : authorities));
            }
        }
    }

    /// <summary>
    /// Each handshake takes the certificate of the moment; the handshake may take no longer than the head of a request. A client's certificate is asked
    /// for in it and not later, because HTTP/2 allows no second handshake (RFC 9113, 9.2.1).
    /// </summary>
    /// <param name="authorities">Of the certificates of REST's and the Kubernetes API's clients; null: it is the agents' port.</param>
    private static TlsHandshakeCallbackOptions Tls(ServerCertificate certificate, ConnectionLimitOptions connections, ClientAuthorities? authorities) => new()
    {
        HandshakeTimeout = TimeSpan.FromSeconds(connections.HeadSeconds),
        OnConnection = handshake =>
        {
            var options = new SslServerAuthenticationOptions { ServerCertificateContext = certificate.Context, EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
            if (authorities is null)
            {
                PresentedCertificate.Ask(options); // an agent that joins has none yet; the services judge it, and say why they refuse it, which a handshake cannot
            }
            else if (authorities.Current is { } roots)
            {
                options.ServerCertificateContext = authorities.Name(certificate.Context, roots);
                PresentedCertificate.Ask(options, presented => handshake.Connection.Features.Set(presented));
            }

            return ValueTask.FromResult(options);
        },
    };
}
