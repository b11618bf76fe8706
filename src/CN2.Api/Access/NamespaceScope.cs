namespace CN2.Api.Access;

/// <summary>
/// Which namespaces a list or a watch shows: the one that its path names, or all that the caller may see. Paging stays right, because whoever reads the
/// page leaves out the others, and not whoever sends it.
/// </summary>
/// <param name="Namespace">The path names it; null: all namespaces, or the kind has none.</param>
/// <param name="Visible">The caller may see these only; null: everything, also what belongs to no namespace.</param>
public readonly record struct NamespaceScope(string? Namespace, IReadOnlySet<string>? Visible)
{
    /// <summary>All that may be in a scope of several namespaces; null: it is of one, or of all.</summary>
    public IReadOnlySet<string>? Several => Namespace is null ? Visible : null;

    /// <param name="rights">Of the caller, who may read in the namespace when one is named.</param>
    /// <param name="ns">Of the path.</param>
    public static NamespaceScope Of(CallerRights rights, string? ns) => new(ns, rights.Visible);

    /// <inheritdoc cref="Of(CallerRights, string)"/>
    public static NamespaceScope Of(HttpContext http, string? ns) => Of(CallerRights.Of(http), ns);

    /// <summary>Without a caller: a namespace, or (null) everything.</summary>
    public static implicit operator NamespaceScope(string? ns) => new(ns, null);

    /// <summary>The scope has what belongs to the namespace; null: to none.</summary>
    public bool Has(string? ns) => Namespace is not null ? ns == Namespace : Visible is null || (ns is not null && Visible.Contains(ns));
}
