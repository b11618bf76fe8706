using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Transport;

/// <summary>
/// The certificate that a client showed in the handshake; its connection has it as a feature. The handshake takes every certificate, because a
/// refusal in TLS tells nobody why: requests of the connection are answered with the reason.
/// </summary>
/// <param name="Certificate">Of the client.</param>
/// <param name="Sent">The intermediate ones that came with it.</param>
internal sealed record PresentedCertificate(X509Certificate2 Certificate, X509Certificate2Collection Sent)
{
    /// <summary>Certificates that a client may send with its own; more are not looked at.</summary>
    private const int MostSent = 8;

    /// <summary>A copy, because the handshake's objects end with it. Null: the client has shown none.</summary>
    public static PresentedCertificate? Of(X509Certificate? shown, X509Chain? chain)
    {
        if (shown is null) return null;
        var sent = new X509Certificate2Collection();
        foreach (var other in chain?.ChainPolicy.ExtraStore.Take(MostSent) ?? []) sent.Add(X509CertificateLoader.LoadCertificate(other.RawData));
        return new PresentedCertificate(X509CertificateLoader.LoadCertificate(shown.GetRawCertData()), sent);
    }

    /// <summary>Asks for a certificate. It need not come.</summary>
    /// <param name="tls">Of the handshake.</param>
    /// <param name="taken">Gets the one that comes, with those that were sent with it; null: the connection's own certificate is enough.</param>
    public static void Ask(SslServerAuthenticationOptions tls, Action<PresentedCertificate>? taken = null)
    {
        tls.ClientCertificateRequired = true; // it is asked for; the callback takes none as well
        tls.AllowTlsResume = false; // a resumed session has no handshake with a certificate
        // Whatever comes is judged later; here nothing may be fetched from elsewhere.
        tls.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.AllFlags,
        };
#pragma warning disable CA5359 // every certificate is taken here, and judged with the first request
        tls.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            if (taken is not null && Of(certificate, chain) is { } presented) taken(presented);
            return true;
        };
#pragma warning restore CA5359
    }
}
