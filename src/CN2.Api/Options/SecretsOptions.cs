using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Options;

/// <summary>Section <c>Secrets</c>: the certificates under which the keys that protect secrets in the database are encrypted.</summary>
public sealed record SecretsOptions : IValidatableObject
{
    /// <summary>PEM file: an RSA certificate. Keys that are made from now on are encrypted under it. Null: they stand in the database in plain.</summary>
    [ConfigurationKeyName("Certificate:Path"), FilePath]
    public string? CertificatePath { get; init; }

    /// <summary>PEM file: the key of that certificate, without a passphrase.</summary>
    [ConfigurationKeyName("Certificate:KeyPath"), FilePath]
    public string? KeyPath { get; init; }

    /// <summary>PEM files, each with an RSA certificate and its key: what was encrypted under these can be read.</summary>
    [ConfigurationKeyName("Certificate:Previous"), FilePath]
    public IReadOnlyList<string> Previous { get; init; } = [];

    /// <summary>The certificate with its key; null: there is none. The settings must have been checked.</summary>
    internal X509Certificate2? Certificate() => CertificatePath is null ? null : CertificateFiles.Read(CertificatePath, KeyPath).Parse(out _)?[0];

    internal IEnumerable<X509Certificate2> PreviousCertificates() => Previous.Select(path => CertificateFiles.Read(path, path).Parse(out _)?[0]).OfType<X509Certificate2>();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (CertificatePath is null && KeyPath is not null) yield return new("Secrets__Certificate__Path, or no key", [nameof(KeyPath)]);
        if (CertificatePath is not null && KeyPath is null)
            yield return new("a PEM file with the private key of the certificate, because Secrets__Certificate__Path is set", [nameof(KeyPath)]);
        var (fault, keyFault) = FaultsOf(CertificatePath, KeyPath);
        if (fault is not null) yield return new(fault, [nameof(CertificatePath)]);
        if (keyFault is not null && CertificatePath is not null) yield return new(keyFault, [nameof(KeyPath)]);
        foreach (var path in Previous)
        {
            var (one, other) = FaultsOf(path, path);
            if ((one ?? other) is { } wrong) yield return new($"PEM files, each with an RSA certificate and its key; {path}: {wrong}", [nameof(Previous)]);
        }
    }

    private static (string? Certificate, string? Key) FaultsOf(string? path, string? keyPath)
    {
        var chain = CertificateFiles.Read(path, keyPath).Parse(out var judged);
        // XML Encryption, by which Data Protection encrypts its keys, knows no other.
        if (chain is not null && chain[0].GetRSAPrivateKey() is null) return ($"an RSA certificate ({chain[0].Subject} is none)", null);
        return (judged.CertificateFault, judged.KeyFault);
    }
}
