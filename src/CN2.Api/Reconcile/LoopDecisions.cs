namespace CN2.Api.Reconcile;

/// <summary>The steps of a round that decide: compile what changes touched, and what only the leading replica does.</summary>
internal sealed class LoopDecisions(LoopState state, OwnerCompiler compiler, ResourceChanges resources, LeaderDuties leader, StartupGate gate, LoopInbox inbox)
{
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

    public void Lead(DateTimeOffset now, NextTick next)
    {
        var touched = state.Sequencer.TakeTouchedOwners();
        state.Statuses.Add(touched);
        state.Statuses.Add(state.Ledger.TakeAcknowledged(now));
        next.NoLaterThan(state.Ledger.AcknowledgedInPartAt);
        if (resources.Retire(touched)) inbox.Wake(); // the next round compiles it
        leader.Do(now, next, gate.TellsStatuses(now, state.Ledger.Accounts));
    }
}
