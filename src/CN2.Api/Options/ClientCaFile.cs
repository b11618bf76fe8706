using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Options;

/// <summary>What the PEM file of <c>Auth__ClientCa__Path</c> holds, or what is wrong with it as the end of "NAME is 'VALUE': expected …".</summary>
/// <param name="Text">Of the file; null: it cannot be read.</param>
/// <param name="Roots">Self-signed: chains of client certificates end at one of them.</param>
/// <param name="Others">Intermediate ones, which clients need not send then.</param>
internal sealed record ClientCaFile(string? Text, IReadOnlyList<X509Certificate2> Roots, IReadOnlyList<X509Certificate2> Others, string? Fault)
{
    private const string Begin = "-----BEGIN CERTIFICATE-----";

    public static ClientCaFile Read(string path)
    {
        var (text, fault) = ReadableFile.Read(path);
        return text is null ? new ClientCaFile(null, [], [], fault) : Parse(text);
    }

    public static ClientCaFile Parse(string text)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(text);
        }
        catch (CryptographicException)
        {
            all.Clear();
        }

        // The framework skips a block that has no end, as in a file that is half written.
        var isWhole = all.Count > 0 && all.Count == text.Split(Begin).Length - 1;
        var roots = all.Where(c => c.SubjectName.RawData.AsSpan().SequenceEqual(c.IssuerName.RawData)).ToList();
        return !isWhole || roots.Count == 0 || !all.All(IsAuthority)
            ? new ClientCaFile(text, [], [], $"a PEM file with the certificates of CAs, at least one of them a root ({Begin})")
            : new ClientCaFile(text, roots, [.. all.Except(roots)], null);
    }

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority);
}
