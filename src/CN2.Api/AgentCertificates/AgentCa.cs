using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.AgentCertificates;

/// <summary>The CA of the agents' certificates.</summary>
/// <param name="Chain">Its certificate (with the key, when this replica has that), then what leads to its root, and other roots that are trusted.</param>
internal sealed record AgentCa(X509Certificate2Collection Chain)
{
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Clocks of agents and servers may differ by this; it is also how long before now a certificate begins.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(10);

    public X509Certificate2 Issuer => Chain[0];

    /// <summary>False: this replica cannot read the key, and issues nothing.</summary>
    public bool MayIssue => Issuer.HasPrivateKey;

    /// <summary><c>sha256:</c> and in hexadecimal the SHA-256 of the CA's SubjectPublicKeyInfo, by which an agent knows it.</summary>
    public string Hash => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Issuer.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>A new CA for ten years.</summary>
    /// <returns>PEM: the certificate, and the key, which is a secret.</returns>
    public static (string Certificate, string Key) Make(string cluster, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddOrganizationName("CN2");
        name.AddCommonName(cluster.Length <= 40 ? $"{cluster} agents' CA" : "CN2 agents' CA"); // at most 64 characters
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        // Earlier than every certificate that it issues.
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Null when the certificate was issued under this CA, for clients, and is valid now; otherwise a sentence that begins after "the certificate".</summary>
    public string? FaultOf(X509Certificate2 certificate, DateTimeOffset now)
    {
        var (from, until) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        if (until < now) return $"has expired on {until:u}; get a new one with cn2-vrouter join";
        if (from > now) return $"is not valid before {from:u}; is the clock of the node right, and that of the control node?";
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.RevocationMode = X509RevocationMode.NoCheck; // a table says what is revoked
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(ClientAuthentication);
        policy.VerificationTime = now.LocalDateTime;
        foreach (var authority in Chain) (IsRoot(authority) ? policy.CustomTrustStore : policy.ExtraStore).Add(authority);
        return chain.Build(certificate) ? null : "is none for an agent, or was not issued by the agents' CA; get one with cn2-vrouter join";
    }

    /// <summary>Signs a certificate for the client that has the key of <paramref name="key"/>; <see cref="MayIssue"/> must be true.</summary>
    /// <param name="key">The public key.</param>
    /// <param name="virtualRouter">The name of the VirtualRouter.</param>
    /// <param name="cluster"><c>Cluster__Name</c>.</param>
    /// <param name="now">It begins <see cref="ClockSkew"/> earlier.</param>
    /// <param name="life">It ends this much later, but not after the CA.</param>
    public X509Certificate2 Issue(PublicKey key, string virtualRouter, string cluster, DateTimeOffset now, TimeSpan life)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(virtualRouter);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri($"spiffe://{cluster}/virtual-router/{virtualRouter}"));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ClientAuthentication], critical: false));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (Issuer.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Any())
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Issuer, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x3F | 0x40); // positive, and 16 bytes in DER
        var ends = Min(now + life, Issuer.NotAfter.ToUniversalTime());
        using var ecdsa = Issuer.GetECDsaPrivateKey();
        using var rsa = ecdsa is null ? Issuer.GetRSAPrivateKey() : null;
        var signer = ecdsa is not null ? X509SignatureGenerator.CreateForECDsa(ecdsa) : X509SignatureGenerator.CreateForRSA(rsa!, RSASignaturePadding.Pkcs1);
        return request.Create(Issuer.SubjectName, signer, now - ClockSkew, ends, serial);
    }

    public static bool IsRoot(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
