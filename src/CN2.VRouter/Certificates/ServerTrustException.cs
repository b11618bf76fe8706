using System.Security.Authentication;

namespace CN2.VRouter.Certificates;

/// <summary>A server is not trusted; the message says why.</summary>
internal sealed class ServerTrustException(string message) : AuthenticationException(message);
