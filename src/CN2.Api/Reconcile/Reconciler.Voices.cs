using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <content>What agents and the speaker say.</content>
public sealed partial class Reconciler
{
    private void HearAgents()
    {
        while (_agents.TryTake(out var note))
        {
            var account = _ledger.Open(note.Name);
            account.LastSeenAt = _time.GetUtcNow();
            switch (note)
            {
                case AgentNote.Connected connected:
                    account.AgentVersion = connected.Hello.AgentVersion;
                    SetError(account, null);
                    _recorder.Connected(connected.Hello);
                    _dispatcher.Connected(note.Name);
                    LogConnected(_logger, note.Name, connected.Hello.Address);
                    break;
                case AgentNote.Disconnected:
                    _recorder.Disconnected(note.Name);
                    _dispatcher.Disconnected(note.Name);
                    // It was deleted while its agent was here.
                    if (_state.VirtualRouter(note.Name) is null) CloseAccount(note.Name);
                    LogDisconnected(_logger, note.Name);
                    break;
                case AgentNote.Applied applied:
                    Acknowledge(account, applied);
                    break;
                case AgentNote.Health health:
                    var found = health.Endpoints.Where(e => e.Health != EndpointHealth.Unknown).ToList();
                    foreach (var (endpoint, state, _) in found) _dispatcher.Found(note.Name, endpoint, state);
                    _recorder.Health(found.Select(e => new EndpointHealthReport(e.Uid, note.Name, e.Health.ToString(), Storable(e.Message))));
                    break;
                case AgentNote.Noticed noticed:
                    account.Message = Storable(noticed.Message);
                    break;
                case AgentNote.Seen seen:
                    account.Repairs = seen.Repairs;
                    break;
            }

            if (account.ConnectedHere) SaveProgress(account, note is AgentNote.Applied);
        }
    }

    private void Acknowledge(VirtualRouterLedger.Account account, AgentNote.Applied applied)
    {
        if (SetError(account, Storable(applied.Error)) && applied.Error is not null) LogRefused(_logger, account.Name, applied.Revision, applied.Error);
        if (applied.Error is not null) return;

        _statusDue.UnionWith(account.Applied(applied.Revision));
        _sequencer.Acknowledged(account.Name, _time.GetUtcNow());
    }

    /// <summary>True when it is news. Those whose entries wait for this vRouter say so, or all that have some there.</summary>
    private bool SetError(VirtualRouterLedger.Account account, string? error)
    {
        if (account.Error == error) return false;
        account.Error = error;
        _statusDue.UnionWith(account.Answered ? account.Awaited : _sequencer.Compiled.Keys);
        return true;
    }

    /// <summary>PostgreSQL takes no NUL in a text; one agent's word must not stop the others'.</summary>
    private static string? Storable(string? text) => text?.Replace("\0", "", StringComparison.Ordinal);

    private void SaveProgress(VirtualRouterLedger.Account account, bool atOnce)
    {
        var silence = account.LastSeenAt is { } seen ? _time.GetUtcNow() - seen : TimeSpan.Zero;
        _recorder.Progress(
            new VirtualRouterProgress(
                account.Name, silence > TimeSpan.Zero ? silence : TimeSpan.Zero, account.LastRevision, account.AppliedRevision,
                account.AppliedPosition(_ledger.ToldUpTo), account.AgentVersion ?? "", account.Error ?? account.Message),
            atOnce && (_others.Any || account.Lost),
            account.Answered);
    }

    /// <summary>The other replicas wait for places in the feed, also for those that change nothing on the vRouters here.</summary>
    private void TellProgress()
    {
        if (!_others.Any || _progressTold == _ledger.ToldUpTo) return;
        _progressTold = _ledger.ToldUpTo;
        foreach (var account in _ledger.Accounts)
        {
            if (account is { ConnectedHere: true, Answered: true }) SaveProgress(account, atOnce: false);
        }
    }

    private void HearSpeaker()
    {
        if (Interlocked.Exchange(ref _sessionsOfOthers, null) is { } documents && _others.SetSessions(documents, _self)) RoutesReachOthers();
        if (_speakerWorker.TakeFound() is { } found) Adopt(found);
        var now = _time.GetUtcNow();
        while (_speakerWorker.TryTake(out var result))
        {
            _sequencer.Announced(result.Announced, now);
            _sequencer.Withdrawn(result.Withdrawn, now);
            foreach (var route in result.Withdrawn)
            {
                if (!_sequencer.MayBeInSpeaker(route.FloatingIP)) _releasing.Add(route.FloatingIP);
            }

            if (result.Whole) _serveAgentsFrom = now + (_foundUnwanted ? RouteSequencer.EntryHold : TimeSpan.Zero);
        }

        if (_sessions.TakeReachChanged()) RoutesReachOthers();
        _instances.Apply(_speaker.TakeImported());
    }

    /// <summary>Routes reach other peers than before: statuses of all that have some may read differently.</summary>
    private void RoutesReachOthers() => _statusDue.UnionWith(_sequencer.Compiled.Where(c => c.Value.Routes.Count > 0).Select(c => c.Key));

    /// <summary>The speaker answered for the first time: what it holds and the resources want stays, everything else goes.</summary>
    private void Adopt(IReadOnlyCollection<BgpPath> found)
    {
        var floatingIPs = _state.FloatingIPs.Where(f => f.Kind == FloatingIPKind.External).ToLookup(f => f.Address);
        var routers = _state.VirtualRouters.SelectMany(r => new[] { r.Address, r.Address6 }.OfType<IPAddress>().Select(a => (Address: a, r.Name))).ToLookup(r => r.Address, r => r.Name);
        var adopted = 0;
        foreach (var path in found)
        {
            adopted += routers[path.NextHop].Sum(router => floatingIPs[path.Prefix].Count(f => _sequencer.Adopt(f.Uid, path.Key.Path.RoutingInstance, router)));
        }

        _speakerStarted = true;
        _foundUnwanted = adopted < found.Count;
        _peersHeldBack &= found.Count == 0;
        // What is to be announced is in Told. Withdrawals from before the speaker answered must be confirmed: entries wait for that.
        var told = _sequencer.Told.ToList();
        var kept = told.Select(r => (r.FloatingIP, r.Path)).ToHashSet();
        _speakerWorker.Post(new RouteJob(told, [.. _sequencer.TakeRoutes().Withdraw.Where(r => !kept.Contains((r.FloatingIP, r.Path)))], Whole: true, Import: _instances.ImportTargets));
        PostPeers();
        LogSpeaker(_logger, found.Count, adopted);
    }
}
