using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// What a route and the entries behind it have in common: the FloatingIP and the RoutingInstance, 0 the underlay. A network that changes
/// between underlay and overlay has both for a while.
/// </summary>
internal readonly record struct LaneScope(Guid FloatingIP, int RoutingInstance);

/// <summary>One FloatingIP in one RoutingInstance through one vRouter, on its way up or down (<see cref="RouteSequencer"/>).</summary>
internal sealed class Lane(LaneScope scope, string virtualRouter)
{
    public LaneScope Scope { get; } = scope;
    public Guid FloatingIP => Scope.FloatingIP;
    public string VirtualRouter { get; } = virtualRouter;

    /// <summary>The Service or FloatingIP that asks for it.</summary>
    public Guid Owner { get; set; }

    /// <summary>The route the resources ask for, or null.</summary>
    public FloatingIPRoute? Wanted { get; set; }

    /// <summary>The route the speaker was asked to announce, or null.</summary>
    public FloatingIPRoute? Announced { get; set; }

    /// <summary>The route that the speaker has confirmed to announce and has not yet confirmed to have withdrawn, or null.</summary>
    public FloatingIPRoute? Confirmed { get; set; }

    /// <summary>When the withdrawal was confirmed; the entries stay a little longer. Null when nothing is pending.</summary>
    public DateTimeOffset? WithdrawnAt { get; set; }

    /// <summary>While set, a withdrawal waits for another lane of the FloatingIP to come up (make before break).</summary>
    public DateTimeOffset? BreakDeadline { get; set; }

    /// <summary>What brought the entries to the vRouter; null while it has none.</summary>
    public AckMark? Entry { get; set; }

    /// <summary>Entries the resources no longer ask for but traffic may still need.</summary>
    public EquatableList<VirtualRouterNatEntry> Held { get; set; } = [];

    /// <summary>A withdrawal that was handed out and is not confirmed, or null.</summary>
    public FloatingIPRoute? Withdrawing { get; set; }

    /// <summary>The speaker may hold the route.</summary>
    public bool InSpeaker => Announced is not null || Confirmed is not null || Withdrawing is not null;

    public bool NeedsEntries => InSpeaker || WithdrawnAt is not null;

    public bool IsIdle => Wanted is null && !NeedsEntries && Held.Count == 0;
}
