using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.AgentCertificates;

/// <summary>Reads a certificate request (PKCS #10). Only its key counts: names, extensions and purposes are the server's to say. Pure.</summary>
internal static class AgentKeyRequest
{
    /// <summary>Far more than a request with an RSA key of 4096 bits.</summary>
    public const int MostBytes = 16 * 1024;

    private static readonly string[] Curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34"]; // P-256, P-384

    /// <summary>The public key, whose owner has signed the request; null: <paramref name="fault"/> says what is wrong.</summary>
    public static PublicKey? Read(ReadOnlySpan<byte> der, out string fault)
    {
        fault = "";
        if (der.Length is 0 or > MostBytes)
        {
            fault = $"the certificate request must have from 1 to {MostBytes} bytes";
            return null;
        }

        try
        {
            // It checks the signature, too.
            var request = CertificateRequest.LoadSigningRequest(der.ToArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default, RSASignaturePadding.Pkcs1);
            fault = FaultOf(request.PublicKey) ?? "";
            return fault.Length == 0 ? request.PublicKey : null;
        }
        catch (Exception e) when (e is CryptographicException or System.Formats.Asn1.AsnContentException or ArgumentException or NotSupportedException)
        {
            fault = "the certificate request is no PKCS #10 in DER that its key has signed";
            return null;
        }
    }

    private static string? FaultOf(PublicKey key)
    {
        using (var ecdsa = key.GetECDsaPublicKey())
        {
            if (ecdsa is not null) return Curves.Contains(ecdsa.ExportParameters(includePrivateParameters: false).Curve.Oid?.Value) ? null : "an ECDSA key must be of P-256 or P-384";
        }

        using var rsa = key.GetRSAPublicKey();
        if (rsa is null) return "the key must be of ECDSA or RSA";
        return rsa.KeySize is >= 2048 and <= 4096 ? null : "an RSA key must have from 2048 to 4096 bits";
    }
}
