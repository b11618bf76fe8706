using CN2.Network.Selection;

namespace CN2.Api.Data.Documents;

/// <summary>Who may use a network, read from what is stored as its <c>allowedNamespaces</c>.</summary>
internal static class AllowedNamespaces
{
    /// <summary>One that cannot be read is for nobody: what an owner restricts must not become everybody's.</summary>
    /// <param name="json">A label selector; null, or the JSON <c>null</c>: everybody may use the network.</param>
    public static NetworkAccess Read(string? json) =>
        json is null or "null" ? NetworkAccess.Everybody
        : StoredDocument.ReadOr<LabelSelectorBody>(json, null) is { } body ? new NetworkAccess(body.ToSelector()) : NetworkAccess.Nobody;
}
