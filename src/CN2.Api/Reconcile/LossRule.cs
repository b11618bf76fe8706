namespace CN2.Api.Reconcile;

/// <summary>When agents that are away are lost.</summary>
/// <param name="LostAfter">An agent that is away for this long is lost. One whose node has vanished is lost after <paramref name="VanishedAfter"/>.</param>
/// <param name="VanishedAfter">
/// A node that has vanished counts as away at once, and is lost this much later: long enough for other control nodes to report those that vanished with it.
/// </param>
/// <param name="AtOnceWithin">vRouters that are lost within this time are lost at once.</param>
/// <param name="AtOnceLimit">When this many vRouters that carry routes would be lost at once, none is. 0: half of them, rounded up, but 2 at least.</param>
internal sealed record LossRule(TimeSpan LostAfter, TimeSpan VanishedAfter, TimeSpan AtOnceWithin, int AtOnceLimit);
