using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.VRouter.Certificates;

/// <summary>Trusts one CA, which is known by the SHA-256 of its SubjectPublicKeyInfo alone: the server must send it in its chain.</summary>
/// <param name="caHash"><c>sha256:</c> and 64 hexadecimal digits, lower case.</param>
internal sealed class PinnedTrust(string caHash)
{
    public static string HashOf(X509Certificate2 certificate) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    public SslClientAuthenticationOptions ForConnection() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        CertificateChainPolicy = Policy(null, []),
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            FaultOf(certificate as X509Certificate2, chain, errors) is { } fault ? throw new ServerTrustException(fault) : true,
    };

    private static X509ChainPolicy Policy(X509Certificate2? authority, IEnumerable<X509Certificate2> sent)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        if (authority is not null) policy.CustomTrustStore.Add(authority);
        foreach (var other in sent) policy.ExtraStore.Add(other);
        return policy;
    }

    private string? FaultOf(X509Certificate2? certificate, X509Chain? built, SslPolicyErrors errors)
    {
        if (certificate is null) return "it sends no certificate";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)) return $"its certificate ({certificate.Subject}) is not for the name of --server; use a name that the certificate has";
        X509Certificate2[] sent = [.. built?.ChainPolicy.ExtraStore.Cast<X509Certificate2>() ?? []];
        if (sent.Append(certificate).FirstOrDefault(c => HashOf(c) == caHash) is not { } authority)
        {
            return $"its certificate was issued by {certificate.Issuer}, and the CA of --ca-hash does not stand behind it, or the server does not send it with its chain; "
                + "give --ca-file with the CA of the server's certificate, or a certificate of the agents' CA to the server";
        }

        // It may be a CA below its root, which is unknown here: then the chain must have it, and every signature up to it is checked.
        using var chain = new X509Chain { ChainPolicy = Policy(authority, sent) };
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        if (!chain.Build(certificate) || !chain.ChainElements.Any(e => e.Certificate.RawDataMemory.Span.SequenceEqual(authority.RawDataMemory.Span)))
        {
            return $"its certificate ({certificate.Subject}) is not valid under the CA of --ca-hash"
                + string.Concat(chain.ChainStatus.Where(c => c.Status is not (X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot)).Select(c => $"; {c.StatusInformation.TrimEnd('.')}"))
                + (chain.ChainStatus.Any(c => c.Status == X509ChainStatusFlags.NotTimeValid) ? "; is the clock of this node right?" : "");
        }

        return null;
    }
}
