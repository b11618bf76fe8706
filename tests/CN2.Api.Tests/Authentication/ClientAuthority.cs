using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Tests.Authentication;

/// <summary>A CA of client certificates.</summary>
internal sealed class ClientAuthority : IDisposable
{
    public const string ForClients = "1.3.6.1.5.5.7.3.2";
    public const string ForServers = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2 _root;

    public ClientAuthority(string name = "Clients")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    public string Pem => _root.ExportCertificatePem() + "\n";

    /// <param name="subject">Such as <c>CN=alice, O=ops</c>.</param>
    /// <param name="from">By default since an hour.</param>
    /// <param name="until">By default for a day.</param>
    /// <param name="usage">What it is for; null: everything.</param>
    /// <param name="uri">In the subject alternative name; null: there is none.</param>
    public X509Certificate2 Issue(X500DistinguishedName subject, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = ForClients, string? uri = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (usage is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        if (uri is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("node.example");
            names.AddUri(new Uri(uri));
            request.CertificateExtensions.Add(names.Build());
        }

        using var signed = request.Create(_root, from ?? DateTimeOffset.UtcNow.AddHours(-1), until ?? DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(16));
        // Through PKCS#12, because a key that is only in memory cannot be used in a handshake everywhere.
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    public X509Certificate2 Issue(string subject, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = ForClients) =>
        Issue(new X500DistinguishedName(subject), from, until, usage);

    /// <summary>A subject as Go writes it, and so Kubernetes: all groups are one element of the name.</summary>
    public static X500DistinguishedName OneElement(string name, params string[] groups)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSetOf())
            {
                foreach (var group in groups) Write(writer, "2.5.4.10", group);
            }

            using (writer.PushSetOf()) Write(writer, "2.5.4.3", name);
        }

        return new X500DistinguishedName(writer.Encode());
    }

    public void Dispose() => _root.Dispose();

    private static void Write(AsnWriter writer, string type, string value)
    {
        using var part = writer.PushSequence();
        writer.WriteObjectIdentifier(type);
        writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
    }
}
