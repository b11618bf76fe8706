using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Transport;

/// <summary>The CAs of client certificates, as the file had them at one time.</summary>
/// <param name="Roots">Chains end at one of them.</param>
/// <param name="Others">Intermediate ones that clients need not send.</param>
/// <param name="Replaced">Cancelled when the file has other ones.</param>
internal sealed record ClientAuthoritySet(IReadOnlyList<X509Certificate2> Roots, IReadOnlyList<X509Certificate2> Others, CancellationToken Replaced);
