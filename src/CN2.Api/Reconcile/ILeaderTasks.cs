using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>What the leading replica does outside of the loop. Each call starts a task and returns; the task ends with an event for the loop.</summary>
internal interface ILeaderTasks
{
    /// <summary>Removes the rows and frees their addresses. Ends with <see cref="LeaderEvent.DeletionsTried"/>.</summary>
    void Finish(DeletionBatch batch, LeaderLease lease);

    /// <summary>Gives pending Services what they lack. Ends with <see cref="LeaderEvent.PendingServicesTried"/>.</summary>
    void Serve(PendingBatch batch);

    /// <summary>Marks vRouters that stay away, and those whose nodes have vanished, as lost. Ends with <see cref="LeaderEvent.LostMarked"/>.</summary>
    /// <param name="carriers">Names of the vRouters that carry routes: when many of these are away at once, none is lost.</param>
    void MarkLost(LossRule rule, IReadOnlyCollection<string> carriers, LeaderLease lease);

    /// <summary>Endpoints that were held back and have stayed up long enough take new flows. Ends with <see cref="LeaderEvent.EndpointsReleased"/>.</summary>
    void ReleaseEndpoints(LeaderLease lease);
}
