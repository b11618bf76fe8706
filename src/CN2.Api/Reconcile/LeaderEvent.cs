namespace CN2.Api.Reconcile;

/// <summary>Leadership changed, or a task of the leading replica has ended.</summary>
internal abstract record LeaderEvent : LoopEvent
{
    /// <summary>This replica begins to lead (true), or another one may lead from now on (false).</summary>
    public sealed record LeadershipChanged(bool IsLeading) : LeaderEvent;

    /// <summary>A batch of deletions was tried; what is left of it may be tried again.</summary>
    public sealed record DeletionsTried(DeletionBatch Batch) : LeaderEvent;

    /// <summary>The pending Services were tried again.</summary>
    public sealed record PendingServicesTried : LeaderEvent;

    /// <summary>vRouters that stay away were marked as lost.</summary>
    public sealed record LostMarked : LeaderEvent;

    /// <summary>Endpoints that were held back were released, those that are due.</summary>
    public sealed record EndpointsReleased : LeaderEvent;

    /// <summary>A batch of statuses is written; the next one may be drafted.</summary>
    public sealed record StatusesWritten : LeaderEvent;
}
