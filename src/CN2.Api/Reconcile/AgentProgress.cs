namespace CN2.Api.Reconcile;

/// <summary>
/// Hands how far the agents here are to the <see cref="AgentRecorder"/>. Other replicas wait for it: they see through these rows what has
/// been programmed on vRouters whose agents dialled this replica.
/// </summary>
internal sealed class AgentProgress(LoopState state, AgentRecorder recorder)
{
    /// <summary>The reading of the feed that the other replicas were last told of.</summary>
    private long _shared;

    /// <param name="atOnce">It is news that other replicas wait for.</param>
    public void Save(VirtualRouterLedger.Account account, bool atOnce)
    {
        var silence = account.LastSeenAt is { } seen ? state.Clock.Now - seen : TimeSpan.Zero;
        recorder.Progress(
            new VirtualRouterProgress(
                account.Name, silence > TimeSpan.Zero ? silence : TimeSpan.Zero, account.LastRevision, account.AppliedRevision,
                account.AppliedPosition(state.Ledger.SentUpTo), account.AgentVersion ?? "", account.Error ?? account.Message),
            atOnce && (state.Others.Any || account.Lost),
            account.Answered);
    }

    /// <summary>The database may not know which agents are here: each says hello again, and how far it is.</summary>
    public void Reintroduce()
    {
        foreach (var account in state.Ledger.Accounts.Where(a => a.ConnectedHere))
        {
            if (account.Hello is { } hello) recorder.Connected(hello);
            Save(account, atOnce: true);
        }
    }

    /// <summary>Other replicas wait for feed positions, also for those that changed nothing on the vRouters here.</summary>
    public void ShareWithOthers()
    {
        if (!state.Others.Any || _shared == state.Ledger.SentReading) return;
        _shared = state.Ledger.SentReading;
        foreach (var account in state.Ledger.Accounts)
        {
            if (account is { ConnectedHere: true, Answered: true }) Save(account, atOnce: false);
        }
    }
}
