using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Options;

/// <summary>Section <c>Agents</c>: by which certificates agents say which node they are (docs/security.md, Agents).</summary>
public sealed record AgentOptions : IValidatableObject
{
    /// <summary>
    /// <c>required</c>: an agent shows a certificate of the agents' CA. <c>none</c>: whoever reaches the agents' port may be any node.
    /// <see cref="AgentListenerRule"/> says where each is possible.
    /// </summary>
    [OneOf("required", "none")]
    public string Mode { get; init; } = "required";

    /// <summary>How long an agent's certificate is valid. The agent asks for another one at two thirds of it.</summary>
    [WholeNumber(1, 8760)]
    public int CertificateHours { get; init; } = 168;

    /// <summary>
    /// PEM file: the CA that issues the agents' certificates, then what leads to its root; roots that are trusted beside it may follow. Read anew when it
    /// changes. Null: a CA is made at the first start and kept in the database.
    /// </summary>
    [ConfigurationKeyName("Ca:Path"), FilePath]
    public string? CaPath { get; init; }

    /// <summary>PEM file: the key of that CA, without a passphrase.</summary>
    [ConfigurationKeyName("Ca:KeyPath"), FilePath]
    public string? CaKeyPath { get; init; }

    public bool IsRequired => Mode == "required";

    public TimeSpan CertificateLife => TimeSpan.FromHours(CertificateHours);

    /// <summary>What is wrong with a file that holds the CA, as the end of "expected …"; null: nothing.</summary>
    internal static string? FaultOfCa(X509Certificate2Collection chain)
    {
        var issuer = chain[0];
        if (issuer.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true })
            return $"the certificate of a CA first ({issuer.Subject} is none)";
        if (!HasKnownKey(issuer)) return $"a CA with an ECDSA or RSA key ({issuer.Subject} has another)";
        return chain.Any(c => c.SubjectName.RawData.AsSpan().SequenceEqual(c.IssuerName.RawData)) ? null : $"the CA and what leads from it to its root ({issuer.Issuer} is missing)";
    }

    private static bool HasKnownKey(X509Certificate2 issuer)
    {
        try
        {
            using var ecdsa = issuer.GetECDsaPublicKey();
            using var rsa = issuer.GetRSAPublicKey();
            return ecdsa is not null || rsa is not null;
        }
        catch (CryptographicException)
        {
            return false; // a curve that is not known here
        }
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (CaPath is null && CaKeyPath is null) yield break;
        if (CaPath is null) yield return new("a PEM file with the certificate of the CA, because Agents__Ca__KeyPath is set", [nameof(CaPath)]);
        if (CaKeyPath is null) yield return new("a PEM file with the private key of the CA, because Agents__Ca__Path is set", [nameof(CaKeyPath)]);
        var chain = CertificateFiles.Read(CaPath, CaKeyPath).Parse(out var judged);
        if (judged.CertificateFault is { } fault) yield return new(fault, [nameof(CaPath)]);
        if (judged.KeyFault is { } keyFault) yield return new(keyFault, [nameof(CaKeyPath)]);
        if (chain is not null && FaultOfCa(chain) is { } caFault) yield return new(caFault, [nameof(CaPath)]);
    }
}
