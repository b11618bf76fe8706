using CN2.Api.Access;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>Which changes a client asked for and may see.</summary>
public sealed record WatchFilter(IReadOnlySet<ResourceKind> Kinds, NamespaceScope Scope)
{
    public bool Matches(ChangeRow change) => Kinds.Contains(change.Kind)
        && (change.Kind == ResourceKind.Namespace && Scope.Namespace is null ? Scope.Has(change.Name) : Scope.Has(change.Namespace));
}
