using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// The route of one FloatingIP in one RoutingInstance through one vRouter: what the resources ask for, and how far it is
/// (<see cref="RouteSequencer"/>).
/// </summary>
internal sealed class SequencedRoute(RouteScope scope, string virtualRouter)
{
    public RouteScope Scope { get; } = scope;
    public Guid FloatingIP => Scope.FloatingIP;
    public string VirtualRouter { get; } = virtualRouter;

    /// <summary>The Service or FloatingIP that asks for the route.</summary>
    public Guid Owner { get; set; }

    /// <summary>The route that the resources ask for, or null. <see cref="State"/> follows it step by step.</summary>
    public FloatingIPRoute? Wanted { get; set; }

    public RouteState State { get; set; } = RouteState.AwaitingEntries.Instance;

    /// <summary>The message that brought the NAT entries to the vRouter; null while the vRouter has none.</summary>
    public AckMark? EntriesMark { get; set; }

    /// <summary>
    /// Entries that the resources no longer ask for but that the route still needs. The vRouter keeps them instead of what the resources
    /// ask for. Empty unless <see cref="RouteState.NeedsEntries"/>.
    /// </summary>
    public EquatableList<VirtualRouterNatEntry> HeldEntries { get; set; } = [];

    /// <summary>The resources ask for nothing and nothing is left to do.</summary>
    public bool IsDone => Wanted is null && !State.NeedsEntries;
}
