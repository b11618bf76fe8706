using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>Which changes a client asked for; without a namespace those of all.</summary>
public sealed record WatchFilter(IReadOnlySet<ResourceKind> Kinds, string? Namespace)
{
    public bool Matches(ChangeRow change) => Kinds.Contains(change.Kind) && (Namespace is null || change.Namespace == Namespace);
}
