using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>
/// Where the next page of a list begins, and of which version the list is; clients see an opaque text. The pages are not of one snapshot: each shows
/// what is there, and a watch from the version brings everything that changed since, so nothing is missed.
/// </summary>
/// <param name="Version">Of the first page.</param>
/// <param name="Namespace">Of the last object of the page before; empty when the kind has none.</param>
/// <param name="Name">Of the last object of the page before.</param>
/// <param name="Scope">Of the list that it is from (<see cref="ScopeOf"/>); it goes on with no other.</param>
internal sealed record ContinueToken(ResourceVersion Version, string Namespace, string Name, string Scope)
{
    private const int LongestText = 2048;

    public static bool TryParse(string text, out ContinueToken? token)
    {
        token = null;
        try
        {
            if (text.Length > LongestText || JsonSerializer.Deserialize<string[]>(Base64Url.DecodeFromChars(text)) is not [{ } version, { } ns, { } name, { } scope]
                || !ResourceVersion.TryParse(version, out var read) || ns.Contains('\0', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal)) return false;
            token = new ContinueToken(read, ns, name, scope);
            return true;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return false;
        }
    }

    /// <summary>A short text that differs for lists of other kinds, of other namespaces, and by other selectors.</summary>
    /// <param name="resource">The kind.</param>
    /// <param name="ns">Of the path; null: all.</param>
    /// <param name="selectors">As the client wrote them.</param>
    public static string ScopeOf(ResourceDefinition resource, string? ns, params ReadOnlySpan<string?> selectors) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{resource.QualifiedName}\n{resource.Version}\n{ns}\n{string.Join('\n', selectors!)}")).AsSpan(0, 9));

    public override string ToString() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new[] { Version.ToString(), Namespace, Name, Scope }));
}
