using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Agents.V1;
using Google.Protobuf;

namespace CN2.VRouter.Certificates;

/// <summary>A new key, and the request for its certificate. The server decides about all that the certificate says.</summary>
internal sealed class KeyRequest : IDisposable
{
    public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>PKCS #10, DER.</summary>
    public ByteString Request => ByteString.CopyFrom(new CertificateRequest("CN=cn2-vrouter", Key, HashAlgorithmName.SHA256).CreateSigningRequest());

    /// <summary>What the server answered.</summary>
    /// <exception cref="CertificateFileException">It is not for this key.</exception>
    public (X509Certificate2 Certificate, IReadOnlyList<X509Certificate2> Authorities) Read(IssuedCertificate issued)
    {
        try
        {
            var certificate = X509CertificateLoader.LoadCertificate(issued.Certificate.Span);
            if (!certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(Key.ExportSubjectPublicKeyInfo()))
                throw new CertificateFileException("the server has answered a certificate for another key");
            return (certificate, [.. issued.Authorities.Select(a => X509CertificateLoader.LoadCertificate(a.Span))]);
        }
        catch (CryptographicException e)
        {
            throw new CertificateFileException($"the server has answered what is no certificate ({e.Message.TrimEnd('.')})");
        }
    }

    public void Dispose() => Key.Dispose();
}
