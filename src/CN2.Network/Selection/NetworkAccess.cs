namespace CN2.Network.Selection;

/// <summary>
/// Which namespaces may use an ExternalNetwork (<c>allowedNamespaces</c>, docs/contract.md §3). The network's own namespace is no exception: an owner
/// that wants it selects it too.
/// </summary>
/// <param name="AllowedNamespaces">Selects them by their labels; null: none.</param>
public sealed record NetworkAccess(LabelSelector? AllowedNamespaces)
{
    public static NetworkAccess Everybody { get; } = new(LabelSelector.Everything);

    public static NetworkAccess Nobody { get; } = new((LabelSelector?)null);

    /// <param name="namespaceLabels">Of the namespace that asks.</param>
    public bool Allows(IReadOnlyDictionary<string, string> namespaceLabels) => LabelSelector.Matches(AllowedNamespaces, namespaceLabels);
}
