using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Testing;

/// <summary>A CA with an intermediate one, and the certificates that it gives to servers: PEM files as operators have them.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _intermediate;

    public TestAuthority(string name = "Test root")
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = Authority(name, rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(10));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Authority($"{name} intermediate", key).Create(_root, _root.NotBefore, _root.NotAfter, Serial());
        _intermediate = signed.CopyWithPrivateKey(key);
    }

    /// <summary>All that a client needs to know.</summary>
    public X509Certificate2 Root => _root;

    public string RootPem => _root.ExportCertificatePem();

    public string IntermediatePem => _intermediate.ExportCertificatePem();

    public string RootKeyPem => _root.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    public string IntermediateKeyPem => _intermediate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    /// <summary>A certificate for loopback, with its chain, and its key.</summary>
    /// <param name="name">Its subject, and a DNS name of it.</param>
    /// <param name="validFrom">By default since an hour.</param>
    /// <param name="validTo">By default for a day.</param>
    /// <param name="addresses">By default 127.0.0.1.</param>
    public (string Certificate, string Key) Issue(string name = "localhost", DateTimeOffset? validFrom = null, DateTimeOffset? validTo = null, params string[] addresses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        foreach (var address in addresses.DefaultIfEmpty("127.0.0.1")) names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var signed = request.Create(_intermediate, validFrom ?? DateTimeOffset.UtcNow.AddHours(-1), validTo ?? DateTimeOffset.UtcNow.AddDays(1), Serial());
        return ($"{signed.ExportCertificatePem()}\n{IntermediatePem}\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public void Dispose()
    {
        _root.Dispose();
        _intermediate.Dispose();
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static byte[] Serial() => RandomNumberGenerator.GetBytes(16);
}
