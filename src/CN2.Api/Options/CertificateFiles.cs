using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Options;

/// <summary>
/// What the two PEM files of a server's certificate hold, or what is wrong with each as the end of "NAME is 'VALUE': expected …". The text of the
/// key is in no fault and in no message.
/// </summary>
internal sealed record CertificateFiles(string? Certificate, string? Key, string? CertificateFault, string? KeyFault)
{
    private const string Begin = "-----BEGIN CERTIFICATE-----";

    /// <param name="path">Null: the setting is absent, and so is its fault.</param>
    public static CertificateFiles Read(string? path, string? keyPath)
    {
        var (certificate, certificateFault) = Text(path);
        var (key, keyFault) = Text(keyPath);
        return new CertificateFiles(certificate, key, certificateFault, keyFault);
    }

    /// <summary>The certificate with its key, then its chain as the file has it; null when something is wrong, which is in <paramref name="judged"/>.</summary>
    public X509Certificate2Collection? Parse(out CertificateFiles judged)
    {
        judged = this;
        var chain = new X509Certificate2Collection();
        if (Certificate is not null && !TryImport(chain, Certificate)) judged = judged with { CertificateFault = $"a PEM file with the server's certificate and then its chain ({Begin})" };
        if (Key is not null && FaultOfKey(Key) is { } fault) judged = judged with { KeyFault = fault };
        if (Certificate is null || Key is null || judged.CertificateFault is not null || judged.KeyFault is not null) return null;
        try
        {
            chain[0] = X509Certificate2.CreateFromPem(Certificate, Key);
            return chain;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            judged = judged with { KeyFault = $"the private key of the certificate that is the first of its file ({chain[0].Subject})" };
            return null;
        }
    }

    private static (string? Text, string? Fault) Text(string? path) => path is null ? (null, null) : ReadableFile.Read(path);

    /// <summary>The framework skips a block that has no end, as in a file that is half written.</summary>
    private static bool TryImport(X509Certificate2Collection chain, string pem)
    {
        try
        {
            chain.ImportFromPem(pem);
            return chain.Count > 0 && chain.Count == pem.Split(Begin).Length - 1;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static string? FaultOfKey(string pem)
    {
        if (pem.Contains("ENCRYPTED", StringComparison.Ordinal)) return "a private key without a passphrase, protected by the permissions of its file (openssl pkey -in FILE -out NEW)";
        return pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? null : "a PEM file with the private key of the certificate (-----BEGIN PRIVATE KEY-----)";
    }
}
