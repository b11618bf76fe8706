using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.VRouter.Certificates;

/// <summary>Decides whether the certificate of a server is good, and says in a sentence why not.</summary>
/// <param name="caFile">PEM file of the CAs that are trusted instead of the system's store; null: the system's store.</param>
internal sealed class ServerTrust(string? caFile)
{
    /// <summary>Null when the file can be used; otherwise what is wrong, as the end of "--ca-file FILE: …".</summary>
    public string? Fault()
    {
        try
        {
            ReadCa();
            return null;
        }
        catch (ServerTrustException e)
        {
            return e.Message;
        }
    }

    /// <summary>For one connection: the file is read each time, so that a CA can be replaced while the agent runs.</summary>
    /// <exception cref="ServerTrustException">The file cannot be used any more.</exception>
    public SslClientAuthenticationOptions ForConnection(Uri server)
    {
        var chain = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        // The purpose that a client asks for by default: authentication of a server.
        chain.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        if (ReadCa() is { } authorities)
        {
            chain.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.CustomTrustStore.AddRange(authorities);
        }

        return new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = chain,
            RemoteCertificateValidationCallback = (_, certificate, built, errors) =>
                errors == SslPolicyErrors.None ? true : throw new ServerTrustException(Reason(server, certificate as X509Certificate2, built, errors)),
        };
    }

    /// <summary>The CAs of the file; null: there is no file.</summary>
    /// <exception cref="ServerTrustException">It cannot be used.</exception>
    public X509Certificate2Collection? ReadCa()
    {
        if (caFile is null) return null;
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(File.ReadAllText(caFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ServerTrustException($"it cannot be read ({e.Message.TrimEnd('.')})");
        }
        catch (CryptographicException)
        {
            authorities.Clear();
        }

        return authorities.Count > 0 ? authorities : throw new ServerTrustException("expected a PEM file with the certificate of the CA (-----BEGIN CERTIFICATE-----)");
    }

    private string Reason(Uri server, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null) return "it sends no certificate";
        var (from, until) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        if (until < DateTime.UtcNow) return $"its certificate ({certificate.Subject}) has expired on {until:u}";
        if (from > DateTime.UtcNow) return $"its certificate ({certificate.Subject}) is not valid before {from:u}; is the clock of this node right?";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"its certificate is not for {server.Host} but for {string.Join(", ", NamesOf(certificate))}; use one of these names in --server, or a certificate with this one";
        var statuses = chain?.ChainStatus ?? [];
        if (statuses.Any(s => s.Status is X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain))
        {
            return $"its certificate was issued by {certificate.Issuer}, and no CA of {(caFile is null ? "the system's store (or give --ca-file)" : $"--ca-file {caFile}")} stands behind that"
                + (statuses.Any(s => s.Status == X509ChainStatusFlags.PartialChain) ? "; does the server send its whole chain?" : "");
        }

        return $"its certificate ({certificate.Subject}) is not valid: {string.Join(", ", statuses.Select(s => s.StatusInformation.TrimEnd('.')))}";
    }

    private static List<string> NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames().Concat(e.EnumerateIPAddresses().Select(a => a.ToString()))).ToList();
        if (names.Count == 0) names.Add("no name (it has no subject alternative name)");
        return names;
    }
}
