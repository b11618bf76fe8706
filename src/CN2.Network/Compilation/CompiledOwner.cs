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

    /// <summary>Problems for the conditions, each with what the user can do. Sorted, distinct.</summary>
    public EquatableList<CompilationProblem> Problems { get; init; } = [];
}
