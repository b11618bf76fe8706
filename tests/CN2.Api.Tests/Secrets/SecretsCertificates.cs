using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Options;

namespace CN2.Api.Tests.Secrets;

/// <summary>RSA certificates in PEM files, as operators have them.</summary>
internal sealed class SecretsCertificates : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-secrets-");

    public void Dispose() => _directory.Dispose();

    /// <summary>Settings with a certificate; each name is one certificate.</summary>
    /// <param name="name">Null: none.</param>
    /// <param name="previous">Others that can be read.</param>
    public SecretsOptions Options(string? name, params string[] previous) => new()
    {
        CertificatePath = name is null ? null : Certificate(name),
        KeyPath = name is null ? null : Key(name),
        Previous = [.. previous.Select(Both)],
    };

    public string Certificate(string name) => Made(name, "pem");

    public string Key(string name) => Made(name, "key");

    /// <summary>Certificate and key in one file.</summary>
    public string Both(string name) => Made(name, "both.pem");

    private string Made(string name, string form)
    {
        var path = Path.Combine(_directory.Path, $"{name}.{form}");
        if (File.Exists(path)) return path;
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1)); // it is no matter that it has expired
        var (pem, keyPem) = (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(Path.Combine(_directory.Path, $"{name}.pem"), pem);
        File.WriteAllText(Path.Combine(_directory.Path, $"{name}.key"), keyPem);
        File.WriteAllText(Path.Combine(_directory.Path, $"{name}.both.pem"), pem + keyPem);
        return path;
    }
}
