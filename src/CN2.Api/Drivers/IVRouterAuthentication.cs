using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Drivers;

/// <summary>Tells by the certificate of a connection which node it is.</summary>
public interface IVRouterAuthentication
{
    /// <param name="certificate">What the client has shown in the handshake, which proved that it has the key; null: none.</param>
    /// <param name="source">Where the connection comes from: a certificate that does not count is a failed attempt of this address; null: a unix socket.</param>
    /// <param name="cancellationToken">The connection is gone.</param>
    Task<VRouterIdentification> IdentifyAsync(X509Certificate2? certificate, IPAddress? source, CancellationToken cancellationToken);

    /// <summary>Null while the certificate is worth something; otherwise why not. It asks nobody.</summary>
    string? EndOf(VRouterIdentity identity);
}
