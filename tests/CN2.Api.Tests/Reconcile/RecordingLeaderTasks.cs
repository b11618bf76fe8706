using CN2.Api.Data;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An <see cref="ILeaderTasks"/> that records what is begun, in order, and does nothing. The test answers with the events.</summary>
internal sealed class RecordingLeaderTasks : ILeaderTasks
{
    private readonly List<object> _begun = [];

    /// <summary>What was begun since the last call: a <see cref="DeletionBatch"/>, a <see cref="PendingBatch"/>, or the <see cref="LossRule.LostAfter"/> of <see cref="MarkLost"/>.</summary>
    public List<object> TakeBegun()
    {
        List<object> begun = [.. _begun];
        _begun.Clear();
        return begun;
    }

    public void Finish(DeletionBatch batch, LeaderLease lease) => _begun.Add(batch);

    public void Serve(PendingBatch batch) => _begun.Add(batch);

    /// <summary>How many times it was begun; it is no part of <see cref="TakeBegun"/>.</summary>
    public int Released { get; private set; }

    public void ReleaseEndpoints(LeaderLease lease) => Released++;

    public void MarkLost(LossRule rule, IReadOnlyCollection<string> carriers, LeaderLease lease) => _begun.Add(rule.LostAfter);
}
