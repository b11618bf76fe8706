using CN2.Network.Collections;

namespace CN2.Network.Compilation;

/// <summary>
/// All that one owner (a Service, or a FloatingIP attached directly) asks of the data plane and of BGP. A pure function of the
/// resources: their order of arrival and earlier results do not matter. Value equality.
/// </summary>
public sealed record CompiledOwner
{
    public required Guid Owner { get; init; }

    /// <summary>Sorted by key, each key once.</summary>
    public required EquatableList<NatEntry> NatEntries { get; init; }

    /// <summary>Sorted by address, then vRouter.</summary>
    public required EquatableList<FloatingIPRoute> Routes { get; init; }

    /// <summary>The number of endpoints that the selector or the attachment chose, and how many of them take new flows.</summary>
    public required int EndpointsTotal { get; init; }
    public required int EndpointsReady { get; init; }

    /// <summary>The vRouter has an endpoint of this owner.</summary>
    public bool Serves(string virtualRouter) =>
        Routes.Any(r => r.VirtualRouter == virtualRouter) || NatEntries.Any(e => e.Backends.Any(b => b.VirtualRouter == virtualRouter) || e.Draining.Any(b => b.VirtualRouter == virtualRouter));

    /// <summary>
    /// The vRouters to which clients are sent: those that the routes lead to, or without routes those with an endpoint that takes new flows. Sorted.
    /// </summary>
    public IReadOnlyCollection<string> Carriers()
    {
        var carriers = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var route in Routes) carriers.Add(route.VirtualRouter);
        if (carriers.Count > 0) return carriers;
        foreach (var backend in NatEntries.SelectMany(e => e.Backends))
            if (!backend.OnlyLocal) carriers.Add(backend.VirtualRouter);
        return carriers;
    }

    /// <summary>Problems for the conditions, each with what the user can do. Sorted, distinct.</summary>
    public EquatableList<CompilationProblem> Problems { get; init; } = [];
}
