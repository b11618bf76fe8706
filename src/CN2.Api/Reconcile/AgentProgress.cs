using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Options;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// Hands how far the agents here are to the <see cref="AgentRecorder"/>. Other replicas wait for it: they see through these rows what has
/// been programmed on vRouters whose agents dialled this replica. What all of them have acknowledged is one row (<see cref="AgentsApplied"/>), written at once. The row of
/// an agent is written at once when it has acknowledged something that concerns its vRouter alone, because a route may wait for it, and with all others after a moment.
/// </summary>
internal sealed class AgentProgress(LoopState state, AgentRecorder recorder, VRouterOptions options)
{
    /// <summary>So often the others are told what all agents have applied, at most: each time wakes them.</summary>
    public static readonly TimeSpan ShareInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>An agent that leaves something unacknowledged for longer is named as one that is behind: the others do not wait with it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    /// <summary>So many are named as behind, at most. If there are more, all agents are only as far as the last of them, or nothing is said of all.</summary>
    public const int MostBehind = 200;

    /// <summary>The reading of the feed that was sent last.</summary>
    private long _sentReading;

    /// <summary>The reading of the feed, and the agents behind it, that the others were told last.</summary>
    private (long Reading, HashSet<string> Behind) _told = (0, []);

    private DateTimeOffset _toldAt;

    /// <summary>The reading of the feed that was sent when it was last looked how far all are.</summary>
    private long _lookedAtReading;

    /// <summary>When an agent that holds up the others has done so for too long; null: none does.</summary>
    private DateTimeOffset? _lookAgainAt;

    /// <summary>Since then an agent has reported something.</summary>
    private bool _hasReports;

    /// <summary>Since the others were told, an agent has acknowledged something.</summary>
    private bool _hasAcknowledged;

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
        var changed = account.Refused.Differences(refused);
        account.Refused = refused;
        var floatingIPs = changed.SelectMany(FloatingIPsOf).ToHashSet();
        state.Sequencer.RefusalsChanged(account.Name, floatingIPs.Select(f => f.Uid), state.Clock.Now);
        state.Statuses.Add(floatingIPs.Select(f => f.Service ?? f.Uid));
        foreach (var item in changed.OfType<VirtualRouterItem.NatEntry>())
        {
            if (item.Key is { Address: null, Protocol: { } protocol, Port: var port }) state.Statuses.Add(state.Resources.ServicesAt(protocol, port).Select(s => s.Uid));
        }

        return true;
    }

    /// <summary>The FloatingIPs with an entry that is not in force where the item is refused. Of other networks, also some that only have the same address.</summary>
    private IEnumerable<FloatingIP> FloatingIPsOf(VirtualRouterItem item) => item switch
    {
        VirtualRouterItem.NatEntry { Key.Address: { } address } => state.Resources.FloatingIPsAt(address),
        VirtualRouterItem.FloatingIP { Address: var address } => state.Resources.FloatingIPsAt(address),
        VirtualRouterItem.RoutingInstance { Number: not 0 and var number } => state.Resources.FloatingIPsInRoutingInstance(number),
        _ => [],
    };

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
        state.Statuses.Add(state.Sequencer.ServedBy(account.Name));
    }

    /// <summary>The agent has acknowledged a revision, or refused it.</summary>
    /// <param name="account">Its vRouter's.</param>
    /// <param name="isNews">It refuses something else than before.</param>
    /// <param name="isFirstAnswer">The agent has acknowledged its whole configuration: deletions wait for that, also where there is no other replica.</param>
    public void Answered(VirtualRouterLedger.Account account, bool isNews, bool isFirstAnswer)
    {
        _hasAcknowledged = true;
        var isOwn = TakeOwn(account);
        Save(account, atOnce: isFirstAnswer || account.Lost || isNews || (isOwn && state.Others.Any));
    }

    /// <summary>An agent is not here any more: the others may have waited for it.</summary>
    public void Left() => _hasReports = _hasAcknowledged = true;

    /// <summary>True, once: the agent has applied what other replicas are to know at once from its row.</summary>
    private bool TakeOwn(VirtualRouterLedger.Account account)
    {
        if (account.OwnReading == 0 || account.AppliedReading(state.Ledger.SentReading) < account.OwnReading) return false;
        account.OwnReading = 0;
        return true;
    }

    /// <param name="account">The vRouter's.</param>
    /// <param name="atOnce">Somebody waits for it.</param>
    public void Save(VirtualRouterLedger.Account account, bool atOnce)
    {
        _hasReports = true;
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
            atOnce,
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

        _told = (0, []);
    }

    /// <summary>Tells the other replicas how far all agents here are, if that is more than they were told. They wait for feed positions, also for those that changed nothing here.</summary>
    public void ShareWithOthers(NextTick next)
    {
        var ledger = state.Ledger;
        if (!state.Others.Any) return;
        var now = state.Clock.Now;
        if (_sentReading != ledger.SentReading) SaveSent();
        if (!_hasReports && _lookedAtReading == ledger.SentReading && !(_lookAgainAt <= now))
        {
            next.NoLaterThan(_lookAgainAt);
            return;
        }

        if (now >= _toldAt && now < _toldAt + ShareInterval)
        {
            next.NoLaterThan(_toldAt + ShareInterval);
            return;
        }

        (_lookedAtReading, _hasReports) = (ledger.SentReading, false);
        var all = AllApplied(now);
        next.NoLaterThan(_lookAgainAt);
        if (all is null || (all.Value.Reading == _told.Reading && _told.Behind.SetEquals(all.Value.Behind))) return;
        Tell(now, all.Value);
    }

    private void Tell(DateTimeOffset now, (long Reading, FeedPosition Position, List<string> Behind) all)
    {
        (_told, _toldAt) = ((all.Reading, [.. all.Behind]), now);
        recorder.Share(new AgentsApplied(state.Self, all.Position, all.Behind), atOnce: _hasAcknowledged);
        _hasAcknowledged = false;
    }

    /// <summary>
    /// More of the feed has been sent. Agents that had what they get of it, and have acknowledged it, are further by that. At once those that have acknowledged something of
    /// their own, which was sent before what came for all with it.
    /// </summary>
    private void SaveSent()
    {
        _sentReading = state.Ledger.SentReading;
        foreach (var account in state.Ledger.Accounts)
        {
            if (account is { ConnectedHere: true, Answered: true } && TakeOwn(account)) Save(account, atOnce: true);
            else if (account is { ConnectedHere: true, Answered: true, IsBehind: false }) Save(account, atOnce: false);
        }
    }

    /// <summary>What all agents here have applied, but for those that are behind; null: they are too different for that, none has answered, or nothing was sent.</summary>
    private (long Reading, FeedPosition Position, List<string> Behind)? AllApplied(DateTimeOffset now)
    {
        var ledger = state.Ledger;
        var (reading, position) = (ledger.SentReading, ledger.SentUpTo);
        _lookAgainAt = null;
        List<string> behind = [];
        List<VirtualRouterLedger.Account> slow = [];
        var hasAnswers = false;
        foreach (var account in ledger.Accounts)
        {
            if (!account.ConnectedHere) continue;
            if (!account.Answered)
            {
                // Its row may say that it has: of an earlier stream, until its hello is saved, or by a late write of an earlier process.
                behind.Add(account.Name);
                continue;
            }

            hasAnswers = true;
            if (account.BehindSince <= now - Patience)
            {
                slow.Add(account);
                continue;
            }

            TakeLess(account);
            if (account.BehindSince + Patience is { } at && !(at >= _lookAgainAt)) _lookAgainAt = at;
        }

        slow.RemoveAll(a => a.AppliedReading(ledger.SentReading) >= reading);
        if (behind.Count + slow.Count <= MostBehind) behind.AddRange(slow.Select(a => a.Name));
        else slow.ForEach(TakeLess);
        return position is null || !hasAnswers || behind.Count > MostBehind ? null : (reading, position, behind);

        void TakeLess(VirtualRouterLedger.Account account)
        {
            if (account.AppliedReading(ledger.SentReading) < reading) (reading, position) = (account.AppliedReading(ledger.SentReading), account.AppliedPosition(ledger.SentUpTo));
        }
    }
}
