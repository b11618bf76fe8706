using CN2.Api.Data;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// What only the leading replica does in a round: finish deletions, serve pending Services, mark vRouters as lost, release endpoints that were
/// held back, write statuses.
/// </summary>
internal sealed class LeaderDuties(
    LoopState state, HeldLease lease, Deletions deletions, PendingServices pending, ILeaderTasks tasks, StatusDispatcher statuses, VRouterOptions options)
{
    private static readonly TimeSpan LostInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseInterval = TimeSpan.FromSeconds(1);

    private bool _isLeading;
    private bool _isMarking;
    private DateTimeOffset _markedAt;

    /// <summary>When nodes that have vanished are to be marked, in order.</summary>
    private readonly Queue<DateTimeOffset> _vanishedDueAt = new();
    private bool _isReleasing;
    private DateTimeOffset _releasedAt;

    public void Handle(LeaderEvent leaderEvent)
    {
        switch (leaderEvent)
        {
            case LeaderEvent.LeadershipChanged { IsLeading: true }:
                _isLeading = true;
                statuses.DraftAll();
                break;
            case LeaderEvent.LeadershipChanged:
                _isLeading = false;
                _vanishedDueAt.Clear();
                break;
            case LeaderEvent.DeletionsTried tried:
                deletions.WereTried(tried.Batch);
                break;
            case LeaderEvent.PendingServicesTried:
                pending.WereTried();
                break;
            case LeaderEvent.LostMarked:
                _isMarking = false;
                break;
            case LeaderEvent.EndpointsReleased:
                _isReleasing = false;
                break;
            case LeaderEvent.StatusesWritten:
                state.Statuses.WereWritten();
                break;
        }
    }

    /// <param name="now">The time.</param>
    /// <param name="next">When to call again.</param>
    /// <param name="tellsStatuses">The control node has started: statuses may be written.</param>
    public void Do(DateTimeOffset now, NextTick next, bool tellsStatuses)
    {
        // A process that was stopped for a while finds out here, before its first duty, that it must renew the lease.
        if (!_isLeading || lease.Current is not { } proof)
        {
            state.Statuses.Clear(); // a replica that begins to lead drafts all of them
            return;
        }

        if (deletions.TakeFinished() is { } finished) tasks.Finish(finished, proof);
        if (pending.Take(now) is { } batch) tasks.Serve(batch);
        MarkLost(proof, now, next);
        ReleaseEndpoints(proof, now);
        if (tellsStatuses) statuses.Send(now, next);
    }

    private void ReleaseEndpoints(LeaderLease proof, DateTimeOffset now)
    {
        if (_isReleasing || now - _releasedAt < ReleaseInterval) return;
        _releasedAt = now;
        _isReleasing = true;
        tasks.ReleaseEndpoints(proof);
    }

    /// <summary>
    /// After a start, a time without the database and a jump of its clock, agents get LostAfter to report. A replica that was there all the
    /// time goes on at once when it begins to lead: agents could have dialled it.
    /// </summary>
    private void MarkLost(LeaderLease proof, DateTimeOffset now, NextTick next)
    {
        var settle = state.Others.Any ? options.VanishedSettle : TimeSpan.Zero;
        if (state.Ledger.HasVanished) _vanishedDueAt.Enqueue(now + settle);
        state.Ledger.HasVanished = false;
        if (lease.InContact <= options.LostAfter || _isMarking) return;
        var isDue = now - _markedAt >= LostInterval;
        while (_vanishedDueAt.TryPeek(out var at) && at <= now) isDue |= _vanishedDueAt.TryDequeue(out _);
        if (_vanishedDueAt.TryPeek(out var later)) next.NoLaterThan(later);
        if (!isDue) return;
        _markedAt = now;
        _isMarking = true;
        tasks.MarkLost(new LossRule(options.LostAfter, settle, options.AtOnceWithin, options.LostAtOnceLimit), [.. state.Sequencer.Carriers], proof);
    }
}
