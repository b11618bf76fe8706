using CN2.Api.Access;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>Which objects a list asks for, in the order of namespace and name.</summary>
/// <param name="Scope">Where they are.</param>
/// <param name="Selector">By labels; null: all.</param>
/// <param name="After">The list begins behind this pair; null: at the first.</param>
/// <param name="Most">At most so many, at least 1.</param>
internal sealed record ObjectRange(NamespaceScope Scope, LabelSelector? Selector, (string Namespace, string Name)? After, int Most)
{
    /// <summary>Of the path; null: of all namespaces, or the kind is cluster-scoped.</summary>
    public string? Namespace => Scope.Namespace;
}
