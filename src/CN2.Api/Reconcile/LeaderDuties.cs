using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// What only the leading replica does in a round: finish deletions, serve pending Services, mark vRouters as lost, write statuses.
/// </summary>
internal sealed class LeaderDuties(
    LoopState state, Deletions deletions, PendingServices pending, ILeaderTasks tasks, StatusDispatcher statuses, VRouterOptions options)
{
    private static readonly TimeSpan LostInterval = TimeSpan.FromSeconds(1);

    /// <summary>Since when this replica leads; null while another one does.</summary>
    private DateTimeOffset? _leadingSince;
    private bool _isMarking;
    private DateTimeOffset _markedAt;

    public void Handle(LeaderEvent leaderEvent)
    {
        switch (leaderEvent)
        {
            case LeaderEvent.LeadershipChanged { IsLeading: true }:
                _leadingSince = state.Clock.Now;
                statuses.DraftAll();
                break;
            case LeaderEvent.LeadershipChanged:
                _leadingSince = null;
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
            case LeaderEvent.StatusesWritten:
                state.Statuses.WereWritten();
                break;
        }
    }

    public void Do(DateTimeOffset now, NextTick next)
    {
        if (_leadingSince is not { } since)
        {
            state.Statuses.Clear(); // a replica that begins to lead drafts all of them
            return;
        }

        if (deletions.TakeFinished() is { } finished) tasks.Finish(finished);
        if (pending.Take(now) is { } batch) tasks.Serve(batch);
        MarkLost(since, now);
        statuses.Send(now, next);
    }

    /// <summary>Agents get LostAfter to dial a replica after a change of leadership too.</summary>
    private void MarkLost(DateTimeOffset since, DateTimeOffset now)
    {
        if (now - since <= options.LostAfter || _isMarking || now - _markedAt < LostInterval) return;
        _markedAt = now;
        _isMarking = true;
        tasks.MarkLost(options.LostAfter, [.. state.Sequencer.Carriers]);
    }
}
