using CN2.Api.Data.Documents;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// Hands how far the agents here are to the <see cref="AgentRecorder"/>. Other replicas wait for it: they see through these rows what has
/// been programmed on vRouters whose agents dialled this replica.
/// </summary>
internal sealed class AgentProgress(LoopState state, AgentRecorder recorder, VRouterOptions options)
{
    /// <summary>The reading of the feed that the other replicas were last told of.</summary>
    private long _shared;

    /// <summary>Since then changes for all waited for their turn: vRouters that had them before the others have acknowledged them, and nobody was told.</summary>
    private bool _isLate;

    /// <summary>
    /// Says hello to the database again: it does not know that the agent is connected here, because the VirtualRouter was deleted or made
    /// anew, or because a late hello of an earlier connection was written after this one's.
    /// </summary>
    public void SayHelloAgain(VirtualRouterLedger.Account account)
    {
        if (account is not { ConnectedHere: true, Recorded: true, Hello: { } hello }) return;
        account.Recorded = false;
        recorder.Connected(hello);
    }

    /// <summary>Says to the database again that the agent has disconnected: a fail-over may have lost that, and a row that is connected is never lost.</summary>
    public void SayAgainThatItLeft(VirtualRouterLedger.Account account) => recorder.Disconnected(account.Name);

    /// <summary>Takes what a vRouter refuses now; true: it is something else than before. Owners of it read so in their status, and routes follow.</summary>
    public bool SetRefused(VirtualRouterLedger.Account account, RefusedItems refused)
    {
        if (account.Refused.Document == refused.Document) return false;
        RefusedItems[] both = [account.Refused, refused];
        account.Refused = refused;
        state.Sequencer.RefusalsChanged(account.Name, state.Clock.Now);
        foreach (var (owner, compiled) in state.Sequencer.Compiled)
        {
            if (compiled.NatEntries.Any(e => both.Any(r => r.ReasonOf(e.Key) is not null))) state.Statuses.Add(owner);
        }

        foreach (var floatingIP in state.Resources.FloatingIPs)
        {
            if (both.Any(r => r.ReasonOf(floatingIP.Address) is not null)) state.Statuses.Add(floatingIP.Service ?? floatingIP.Uid);
        }

        return true;
    }

    /// <summary>
    /// Takes whether something on the vRouter's node stops its traffic. Owners with an endpoint there read so in their status; routes stay, because
    /// what was found is no proof that every client is cut off.
    /// </summary>
    public void SetForwarding(VirtualRouterLedger.Account account, NodeForwarding forwarding)
    {
        if (account.Forwarding == forwarding) return;
        var before = account.Forwarding.Stopped;
        account.Forwarding = forwarding;
        if (before == forwarding.Stopped) return;
        state.Statuses.Add(state.Sequencer.Compiled.Where(c => c.Value.Serves(account.Name)).Select(c => c.Key));
    }

    /// <param name="atOnce">It is news that other replicas wait for.</param>
    /// <param name="isFirstAnswer">The agent has acknowledged its whole configuration: deletions wait for that, also where there is no other replica.</param>
    public void Save(VirtualRouterLedger.Account account, bool atOnce, bool isFirstAnswer = false)
    {
        var silence = account.LastSeenAt is { } seen ? state.Clock.Now - seen : TimeSpan.Zero;
        var overdue = account.IsOverdue(state.Clock.Now, options.AcknowledgeWithin);
        recorder.Progress(
            new VirtualRouterProgress(
                account.Name, silence > TimeSpan.Zero ? silence : TimeSpan.Zero, account.LastRevision, account.AppliedRevision,
                account.AppliedPosition(state.Ledger.SentUpTo), account.AgentVersion ?? "",
                overdue ? Overdue(account) : account.Error ?? account.Refused.Summary ?? account.Message, account.Refused.Document, overdue)
            {
                Forwarding = account.Forwarding.Document,
            },
            isFirstAnswer || (atOnce && (state.Others.Any || account.Lost)),
            account.Answered && !overdue);
    }

    private string Overdue(VirtualRouterLedger.Account account) =>
        $"the agent is connected and has not acknowledged what it was sent for {options.AcknowledgeWithinSeconds} s, so it counts as away: nobody waits for it, and its routes go until it has; "
        + (account.Error is { } error ? $"it says: {error}" : "start it anew, or delete the VirtualRouter");

    /// <summary>The database may not know which agents are here: each says hello again, and how far it is.</summary>
    public void Reintroduce()
    {
        foreach (var account in state.Ledger.Accounts.Where(a => a.ConnectedHere))
        {
            if (account.Hello is { } hello)
            {
                account.Recorded = false;
                recorder.Connected(hello);
            }

            Save(account, atOnce: true);
        }
    }

    /// <summary>Other replicas wait for feed positions, also for those that changed nothing on the vRouters here.</summary>
    /// <param name="isSomeUnsent">Changes for all wait for their turn.</param>
    public void ShareWithOthers(bool isSomeUnsent)
    {
        _isLate |= isSomeUnsent;
        if (!state.Others.Any || _shared == state.Ledger.SentReading) return;
        _shared = state.Ledger.SentReading;
        foreach (var account in state.Ledger.Accounts)
        {
            if (account is { ConnectedHere: true, Answered: true }) Save(account, atOnce: _isLate && !account.IsBehind);
        }

        _isLate = false;
    }
}
