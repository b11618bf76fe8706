using CN2.Network.Collections;
namespace CN2.Network.Compilation;

/// <summary>
/// All that one owner (a Service, or a FloatingIP attached directly) asks of the data plane and of BGP. Pure function of the
/// resources; the order of arrival and what was compiled before never matter. Value equality.
/// </summary>
public sealed record CompiledOwner
{
    public required Guid Owner { get; init; }

    /// <summary>Sorted by key, each key once.</summary>
    public required EquatableList<NatEntry> NatEntries { get; init; }

    /// <summary>Sorted by address, then vRouter.</summary>
    public required EquatableList<FloatingIPRoute> Routes { get; init; }

    /// <summary>Endpoints the selector or the attachment chose, and how many of them take new flows.</summary>
    public required int EndpointsTotal { get; init; }
    public required int EndpointsReady { get; init; }

    /// <summary>What could not be done and what the user can do about it, for the conditions. Sorted, distinct.</summary>
    public EquatableList<CompilationProblem> Problems { get; init; } = [];
}
