using CN2.Network.Collections;

namespace CN2.Network.Compilation;

/// <summary>
/// How vRouters answer packets to a FloatingIP that no entry translates (docs/contract.md §5). <paramref name="RoutedBy"/>: the vRouters through
/// which the FloatingIP has a route, sorted; they refuse ports without a mapping. <paramref name="Ping"/>: they also answer echo requests. All other
/// vRouters are silent.
/// </summary>
public sealed record FloatingIPAnswers(EquatableList<string> RoutedBy, bool Ping)
{
    /// <summary>No vRouter answers.</summary>
    public static FloatingIPAnswers None { get; } = new([], false);
}
