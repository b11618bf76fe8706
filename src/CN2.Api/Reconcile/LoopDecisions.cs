namespace CN2.Api.Reconcile;

/// <summary>The steps of a round that decide: compile what changes touched, and what only the leading replica does.</summary>
internal sealed class LoopDecisions(LoopState state, OwnerCompiler compiler, ResourceChanges resources, LeaderDuties leader, StartupGate gate, LoopInbox inbox)
{
    /// <summary>
    /// While pages of changes wait, entries and routes come before statuses: of those only one batch so often. Many Services that are made at once would wait for statuses of each
    /// other, and such a status says what is over in a moment.
    /// </summary>
    public static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    private DateTimeOffset _statusesAt;

    /// <param name="isMidPage">Half a page of changes is in memory: the resources may not fit together, so they wait for the rest of it.</param>
    public void Compile(DateTimeOffset now, NextTick next, bool isMidPage)
    {
        resources.TakeWaiting();
        if (!isMidPage)
        {
            compiler.Compile();
            resources.TakeAnswers(now);
        }

        next.NoLaterThan(state.Sequencer.Tick(now, state.FeedReadAt));
    }

    /// <param name="now">The time.</param>
    /// <param name="next">When to call again.</param>
    /// <param name="hasMore">Pages of changes wait.</param>
    public void Lead(DateTimeOffset now, NextTick next, bool hasMore)
    {
        var touched = state.Sequencer.TakeTouchedOwners();
        state.Statuses.Add(touched);
        state.Statuses.Add(state.Ledger.TakeAcknowledged(now));
        next.NoLaterThan(state.Ledger.AcknowledgedInPartAt);
        if (resources.Retire(touched)) inbox.Wake(); // the next round compiles it
        var tellsStatuses = gate.TellsStatuses(now, state.Ledger.Accounts) && (!hasMore || now - _statusesAt >= StatusInterval);
        if (tellsStatuses) _statusesAt = now;
        leader.Do(now, next, tellsStatuses);
    }
}
