using CN2.Network.Collections;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Keeps the engine's peers equal to the wanted ones, and the sessions equal to what the engine says about them.</summary>
/// <remarks>
/// A peer is unsettled while it may have kept routes over a restart of the engine and has not been sent all routes since. What is withdrawn
/// meanwhile does not reach it.
/// </remarks>
internal sealed class PeerSync(
    GoBgpEngine engine, PeerMapper mapper, SessionTable sessions, ISessionTurns turns, Patrol patrol, TimeProvider time, ILogger logger)
{
    /// <summary>A router that has not come back after this time does not hold up withdrawals any more: when it comes, it drops what it kept.</summary>
    public static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(10);

    private const string ClosedForChange = "This control node has closed the session because of a change of the BgpRouter, and opens it with the new settings.";
    private const string ClosedToForget = "This control node has closed the session to open it again, so that the router drops what was withdrawn while it was away.";

    /// <summary>By address, without the peers that the engine cannot be given; null until the first call of <see cref="SetAsync"/>.</summary>
    private Dictionary<string, BgpPeer>? _wanted;

    /// <summary>The addresses of the peers of which nothing else is known: what the engine has under them stays.</summary>
    private HashSet<string> _leftAlone = [];

    /// <summary>The engine was started and has no peers yet: they are added as after a restart.</summary>
    private bool _engineRestarted;

    /// <summary>What an earlier run announced may be known in part only, so that routers may keep paths by numbers that no row names.</summary>
    private bool _rowsWereLost;

    /// <summary>The peers of an engine that runs since before this server were compared with the wanted ones.</summary>
    private bool _hasTakenOver;

    /// <summary>Unsettled peers by address, and since when.</summary>
    private readonly Dictionary<string, long> _unsettled = [];

    private readonly MissedWithdrawals _missed = new(turns, sessions, time);

    private readonly SessionChanges _changes = new(turns, time);

    /// <summary>Peers whose timers wait for the end of their session.</summary>
    private readonly HashSet<string> _timersDue = [];

    /// <summary>Peers that take part in long-lived graceful restart, and since when they are to have a session without it: then they drop what they keep.</summary>
    private readonly Dictionary<string, DateTimeOffset> _forgetting = [];

    /// <summary>How long such a session is waited for. A router that is away for longer keeps the routes for as long as it was told.</summary>
    private static readonly TimeSpan ForgetPatience = TimeSpan.FromSeconds(30);

    /// <summary>Which peers the engine may be given after it ended again and again.</summary>
    private readonly PeerTrials _trials = new(time);

    /// <summary>The peers that the engine has, by address.</summary>
    private readonly HashSet<string> _given = [];

    /// <summary>
    /// Peers that a restarted engine is given only after their trial: their routers may still keep what the engine before it sent, so they are added as
    /// after a restart then.
    /// </summary>
    private readonly HashSet<string> _heldBack = [];

    /// <summary>Peers in session when the engine was lost, by address; null while it answers.</summary>
    private IReadOnlyCollection<string>? _inSession = [];

    /// <summary>Those of them that were in session for long.</summary>
    private IReadOnlyCollection<string> _proven = [];

    private volatile bool _mustList;

    /// <summary>A session changed.</summary>
    public event Action? Changed;

    public int Count => _wanted?.Count ?? 0;

    /// <inheritdoc cref="SessionTable.AnyWithoutAddPath"/>
    public bool AnyWithoutAddPath => sessions.AnyWithoutAddPath();

    /// <summary>The engine was given a peer in this run.</summary>
    public bool HadPeers { get; private set; }

    /// <summary>Routers may have kept what an earlier engine sent.</summary>
    public bool RoutersMayKeep { get; set; }

    /// <inheritdoc cref="PathSync.HasUnconfirmedWithdrawals"/>
    public bool HasUnconfirmedWithdrawals { get; set; }

    /// <summary>Every router that may have kept routes over a restart of the engine has been sent everything since.</summary>
    public bool IsSettled(EngineTurn turn)
    {
        turn.Require();
        return !RoutersMayKeep || (!_engineRestarted && _unsettled.Count == 0);
    }

    /// <summary>An unsettled or changed peer is in session: it is settled when the engine has sent it everything, of which there is no event.</summary>
    public bool IsSettling(EngineTurn turn)
    {
        turn.Require();
        return _changes.AreRunning || (_wanted is null ? _unsettled.Count > 0 : _unsettled.Keys.Any(sessions.IsEstablished));
    }

    /// <summary>The peers; of those that cannot be read, what the engine has, or had when it last answered.</summary>
    public async Task<IReadOnlyCollection<BgpPeer>> ResolveAsync(EngineTurn turn, IReadOnlyCollection<BgpPeer> peers)
    {
        turn.Require();
        if (!peers.Any(p => p.IsUnreadable)) return peers;
        var known = (_wanted ?? []).Values.Where(p => p.IsUnreadable).ToDictionary(p => p.Address.ToString());
        await turn.TryAsync(async () =>
        {
            foreach (var actual in await engine.ListPeersAsync(null, turn.Lost))
                if (peers.FirstOrDefault(p => p.IsUnreadable && p.Address.ToString() == actual.Conf.NeighborAddress) is { } unreadable)
                    known[actual.Conf.NeighborAddress] = PeerMapper.Decode(unreadable, actual);
        });
        return [.. peers.Select(p => p.IsUnreadable ? known.GetValueOrDefault(p.Address.ToString(), p) : p)];
    }

    /// <summary>Replaces the wanted peers; answers those that the engine is given, by address.</summary>
    public async Task<IReadOnlyDictionary<string, BgpPeer>> SetAsync(EngineTurn turn, IReadOnlyCollection<BgpPeer> given)
    {
        var peers = await ResolveAsync(turn, given);
        var faults = new Dictionary<string, string>();
        var byAddress = new Dictionary<string, BgpPeer>();
        foreach (var peer in peers.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            var fault = mapper.Fault(peer);
            if (fault is null && !byAddress.TryAdd(peer.Address.ToString(), peer))
                fault = $"BgpRouter {byAddress[peer.Address.ToString()].Name} has the same address {peer.Address}.";
            if (fault is null) continue;
            faults[peer.Name] = fault;
            logger.PeerRefused(peer.Name, fault);
        }
        _wanted = byAddress;
        _leftAlone = [.. peers.Where(p => p.IsUnreadable).Select(p => p.Address.ToString())];
        _trials.Retain(byAddress);
        sessions.SetPeers(peers, faults, mapper.IsExternal);
        return byAddress;
    }

    /// <summary>Takes over what an earlier run left; called before anything is withdrawn or any peer is given.</summary>
    public void Begin(EngineTurn turn)
    {
        turn.Require();
        _missed.Begin();
        sessions.Begin(turns.LastSessions);
        _rowsWereLost |= turns.RowsLost;
    }

    /// <summary>The engine is empty and about to be started. Its routers still forward by the old routes (RFC 4724 §4.1).</summary>
    public void EngineStarting(EngineTurn turn)
    {
        turn.Require();
        _engineRestarted = true;
        if (HadPeers && _wanted is { } wanted && _trials.EngineEnded(wanted, _given, _inSession ?? [], _proven) is { } harmful)
            logger.PeerLeftOut(wanted[harmful].Name, _trials.FaultOf(harmful)!);
        _given.Clear();
        foreach (var (address, peer) in _wanted ?? []) _missed.NoteLoss(address, peer);
        _missed.AddAll(_unsettled.Keys);
        _unsettled.Clear();
    }

    /// <summary>The engine has no peer yet, so its routers may still forward by what an earlier engine sent.</summary>
    public async Task<bool> HasNoPeersAsync(EngineTurn turn) => (await engine.ListPeersAsync(null, turn.Lost)).Count == 0;

    /// <summary>The routers that are still away <see cref="LateAfter"/> the restart do not hold up withdrawals: they miss them.</summary>
    public void ForgetLate(EngineTurn turn)
    {
        turn.Require();
        foreach (var (address, since) in _unsettled.ToList())
        {
            if (time.GetElapsedTime(since) < LateAfter || sessions.IsEstablished(address)) continue;
            _unsettled.Remove(address);
            if (_missed.Add(address) && _wanted?.GetValueOrDefault(address) is { } peer) logger.PeerLate(peer.Name);
        }
    }

    /// <summary>Paths are about to be withdrawn in the engine: routers that are away and may keep what they have miss that.</summary>
    public Task NoteWithdrawalsAsync(EngineTurn turn)
    {
        turn.Require();
        return turn.IsConnected && IsSettled(turn) ? _missed.WithdrawsAsync(_wanted) : Task.CompletedTask;
    }

    /// <inheritdoc cref="SessionTable.EngineAway"/>
    public void EngineAway(bool away)
    {
        if (!away) _inSession = null;
        else if (_inSession is null) (_inSession, _proven) = (sessions.Established(TimeSpan.Zero), sessions.Established(PeerTrials.ProvenAfter));
        sessions.EngineAway(away);
    }

    /// <summary>Adds, updates and deletes peers until the engine has the wanted ones, and takes over what it says about each.</summary>
    /// <param name="keptNumbers">The routers know the paths of a restarted engine by the same numbers; false: they must drop what they kept.</param>
    public async Task SynchronizeAsync(EngineTurn turn, bool keptNumbers)
    {
        _mustList = false;
        if (_wanted is not { } wanted)
        {
            if (!_engineRestarted) await FindAsync(turn);
            return;
        }

        // The engine runs since before this server.
        var isFound = !_hasTakenOver && !_engineRestarted;
        if (isFound) await FindAsync(turn);
        _missed.Know(wanted);
        var changed = sessions.LeaveOut(_trials.FaultOf);
        var missing = new Dictionary<string, BgpPeer>(wanted.Where(p => _trials.Admits(p.Key)));
        if (_engineRestarted) HoldBack(wanted.Where(p => !missing.ContainsKey(p.Key)), keptNumbers);
        sessions.BeginList();
        var listed = await engine.ListPeersAsync(null, turn.Lost);
        HadPeers |= wanted.Count > 0;
        foreach (var actual in listed)
        {
            if (!missing.Remove(actual.Conf.NeighborAddress, out var peer))
            {
                if (_leftAlone.Contains(actual.Conf.NeighborAddress)) continue;
                if (!await ForgetsAsync(turn, actual)) continue;
                await engine.DeletePeerAsync(actual, turn.Lost);
                _unsettled.Remove(actual.Conf.NeighborAddress);
                _given.Remove(actual.Conf.NeighborAddress);
                logger.PeerChanged(actual.Conf.NeighborAddress, "deleted");
                continue;
            }
            _given.Add(actual.Conf.NeighborAddress);
            _missed.NoteLoss(actual.Conf.NeighborAddress, peer);
            // A lost row may have said that an earlier run owed it a new session. And what that run had begun to withdraw reached only who was in session all the time.
            if (isFound && (_rowsWereLost || (HasUnconfirmedWithdrawals && !IsLastSession(peer, actual)))) _missed.AddWhereKept(actual.Conf.NeighborAddress, peer);
            await NoteRefusalAsync(peer, async () => changed |= await UpdateAsync(turn, peer, actual));
        }
        var restarting = _engineRestarted && keptNumbers;
        // A router that the engine was not given by an earlier run may have waited for its trial, and have missed what was withdrawn since.
        if ((RoutersMayKeep && (isFound || (_engineRestarted && !restarting))) || _rowsWereLost)
            _missed.AddAll(missing.Where(p => p.Value is { GracefulRestart: true, AdminDown: false }).Select(p => p.Key));
        (_hasTakenOver, _rowsWereLost) = (true, false);
        _missed.CoverLostRows();
        if (missing.Count > 0) await _missed.KeepAsync();
        foreach (var (address, peer) in missing)
        {
            await NoteRefusalAsync(peer, async () =>
            {
                var asRestarted = restarting || _heldBack.Contains(address);
                // Before the call: the engine may end as soon as it has the peer.
                _given.Add(address);
                await engine.AddPeerAsync(Encode(peer, asRestarted), turn.Lost);
                _heldBack.Remove(address);
                if (RoutersMayKeep && asRestarted && peer is { GracefulRestart: true, AdminDown: false }) _unsettled[address] = time.GetTimestamp();
                logger.PeerChanged(peer.Name, asRestarted ? "added as after a restart" : "added");
            });
        }
        _engineRestarted = false;
        _unsettled.Keys.Where(a => !wanted.ContainsKey(a)).ToList().ForEach(a => _unsettled.Remove(a));
        _missed.Retain(wanted);
        _heldBack.IntersectWith(wanted.Keys);
        _timersDue.IntersectWith(wanted.Keys);
        _forgetting.Keys.Except(listed.Select(a => a.Conf.NeighborAddress)).ToList().ForEach(a => _forgetting.Remove(a));
        changed |= sessions.CountLosses();
        _changes.EndRound();
        await _missed.KeepAsync();
        if (changed) Changed?.Invoke();
    }

    /// <summary>The router is in the same session as when an earlier run last wrote its sessions.</summary>
    private bool IsLastSession(BgpPeer peer, Wire.Peer actual) =>
        actual is { State.SessionState: Wire.PeerState.Types.SessionState.Established, Timers.State.Uptime: { } uptime }
        && turns.LastSessions.Any(s => s.Peer == peer.Name && s.IsEstablished && SessionTable.IsSame(s.Since, uptime.ToDateTimeOffset()));

    /// <summary>A restarted engine is not given these peers yet.</summary>
    private void HoldBack(IEnumerable<KeyValuePair<string, BgpPeer>> peers, bool keptNumbers)
    {
        _heldBack.Clear();
        if (!RoutersMayKeep) return;
        var addresses = peers.Where(p => p.Value is { GracefulRestart: true, AdminDown: false }).Select(p => p.Key).ToList();
        // What is withdrawn meanwhile is noted as for every router that is away.
        if (keptNumbers) _heldBack.UnionWith(addresses);
        else _missed.AddAll(addresses);
    }

    /// <summary>A turn to change a session is there.</summary>
    public void MayChange()
    {
        _mustList = true;
        patrol.Request();
    }

    /// <summary>
    /// Takes over the peers of an engine that runs since before this server, as long as the wanted ones are not known. A withdrawal does not reach those that are away, and those to which
    /// the engine has not sent everything since it was restarted.
    /// </summary>
    private async Task FindAsync(EngineTurn turn)
    {
        var waiting = new HashSet<string>();
        foreach (var actual in await engine.ListPeersAsync(null, turn.Lost))
        {
            var address = actual.Conf.NeighborAddress;
            if (actual.State?.SessionState is not Wire.PeerState.Types.SessionState.Established) _missed.FoundAway(address);
            if (actual.GracefulRestart is { Enabled: true, LocalRestarting: true }) waiting.Add(address);
        }
        foreach (var address in _unsettled.Keys.Except(waiting).ToList()) _unsettled.Remove(address);
        foreach (var address in waiting) Unsettle(address);
    }

    /// <param name="always">False: only if an event called for it since the last check.</param>
    public async Task CheckAsync(EngineTurn turn, bool always)
    {
        var admitted = _trials.Advance(a => sessions.IsEstablished(a) && !_unsettled.ContainsKey(a));
        if (always || admitted || _mustList || IsSettling(turn)) await SynchronizeAsync(turn, keptNumbers: true);
    }

    /// <summary>Follows the sessions until the engine ends the stream, or throws what ended it.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        sessions.BeginEvents();
        using var call = engine.WatchPeers(cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            if (call.ResponseStream.Current.Peer is not { } e || e.Peer?.Conf is null) continue;
            if (sessions.Observe(e.Peer.Conf.NeighborAddress, e.Peer.State?.SessionState ?? default)) Changed?.Invoke();
            // The event does not say what was negotiated, or that the peer was deleted; a listing does.
            _mustList = true;
            patrol.Request();
        }
    }

    private async Task<bool> UpdateAsync(EngineTurn turn, BgpPeer peer, Wire.Peer actual)
    {
        var target = mapper.Encode(WithoutWhatMayLack(peer, actual), restarting: false);
        var address = peer.Address.ToString();
        Settle(address, peer, actual);
        // Before anything is done to the peer: the engine lists nothing of a peer's last session once it was given the peer anew.
        var changed = sessions.Observe(actual);
        // It stays as the engine has it, which is what is known of it. With long-lived graceful restart it would have to be another one for a moment to drop what it missed.
        if (peer.IsUnreadable && (!_missed.Contains(address) || actual.GracefulRestart?.NotificationEnabled == true)) return changed;
        _changes.Observe(actual);
        var difference = PeerMapper.Compare(target, actual);
        if ((peer.AdminDown || (_missed.Contains(address) && PeerCapabilities.SendsSeveral(actual))) && !await ForgetsAsync(turn, actual)) return changed;
        var isUp = actual.State?.SessionState is Wire.PeerState.Types.SessionState.Established;
        // An event came after the list was asked for: the next list decides.
        if (isUp != sessions.IsEstablished(address)) return changed;
        // The engine sends everything only when the other routers are back. Until then this router would go on using paths that were withdrawn.
        var mayReopen = isUp && _missed.Contains(address);
        if (mayReopen && !PeerCapabilities.SendsSeveral(actual))
        {
            // The End-of-RIB ends what it kept.
            if (actual.GracefulRestart?.LocalRestarting != true) _missed.Remove(address);
        }
        else if (mayReopen && difference != PeerDifference.Session)
        {
            sessions.Closing(address, ClosedToForget);
            await engine.DeletePeerAsync(actual, turn.Lost);
            Closed(address, routerDrops: true);
            _unsettled.Remove(address);
            await engine.AddPeerAsync(target, turn.Lost);
            logger.PeerChanged(peer.Name, "new session, so that it drops what was withdrawn while it was away");
            return changed;
        }
        if (peer.IsUnreadable) return changed;
        if (difference != PeerDifference.Timers) _timersDue.Remove(address);
        switch (difference)
        {
            case PeerDifference.Timers when isUp:
                // UpdatePeer of gobgpd 3.10 with other timers would also take ADD-PATH and graceful restart from the next session.
                if (_timersDue.Add(address)) logger.PeerChanged(peer.Name, "timers changed, from the next session on");
                return changed;
            case PeerDifference.None:
                return changed;
            case not PeerDifference.Timers when isUp && !peer.AdminDown:
                if (!_changes.MayBegin(address))
                {
                    if (_changes.BeginsToWait(address)) logger.PeerChanged(peer.Name, "is changed after another control node has changed its session");
                    return changed;
                }
                _changes.Begin(address);
                break;
        }
        // A router that may have kept routes over a restart of the engine may still do so.
        var keeps = isUp && !peer.AdminDown && KeepsOver(actual, target);
        if (!keeps && (isUp || _forgetting.ContainsKey(address)) && !await ForgetsAsync(turn, actual)) return changed;
        if (isUp) sessions.Closing(address, ClosedForChange);
        if (difference == PeerDifference.Session && !keeps)
        {
            await engine.UpdatePeerAsync(target, turn.Lost);
            if (isUp) Closed(address, routerDrops: true);
            _unsettled.Remove(address);
            logger.PeerChanged(peer.Name, "changed, new session");
            return changed;
        }
        await engine.DeletePeerAsync(actual, turn.Lost);
        if (isUp) Closed(address, routerDrops: !keeps);
        await engine.AddPeerAsync(Encode(peer, restarting: keeps || _unsettled.ContainsKey(address)), turn.Lost);
        if (keeps)
        {
            RoutersMayKeep = true;
            _unsettled[address] = time.GetTimestamp();
        }
        logger.PeerChanged(peer.Name, keeps ? "changed, new session as after a restart" : difference == PeerDifference.Timers ? "timers changed" : "replaced, new session");
        return changed;
    }

    /// <summary>
    /// With <paramref name="restarting"/> without the families that the router did not speak last: gobgpd 3.10 sends it their End-of-RIB too, at which
    /// FRR (of a family that it does not know) and gobgpd end the session and drop the routes.
    /// </summary>
    private Wire.Peer Encode(BgpPeer peer, bool restarting) => mapper.Encode(restarting ? Without(peer, sessions.NotSpoken(peer.Address.ToString())) : peer, restarting);

    /// <summary>
    /// The peer without the families that the engine was not given (<see cref="Encode"/>), as long as it makes no difference: the router does not speak
    /// them in this session, or it has not come back since. To a peer without a session they are given before the next one.
    /// </summary>
    private static BgpPeer WithoutWhatMayLack(BgpPeer peer, Wire.Peer actual)
    {
        var given = actual.AfiSafis.Select(a => PeerMapper.FamilyName(a.Config?.Family)).ToHashSet();
        var isUp = actual.State?.SessionState is Wire.PeerState.Types.SessionState.Established;
        if (!isUp && actual.GracefulRestart?.LocalRestarting != true) return peer;
        var spoken = isUp ? PeerCapabilities.Spoken(actual) : [];
        return Without(peer, [.. peer.AddressFamilies.Where(f => !given.Contains(f) && !spoken.Contains(f))]);
    }

    private static BgpPeer Without(BgpPeer peer, IReadOnlyCollection<string> families) =>
        peer.AddressFamilies.All(families.Contains) ? peer : peer with { AddressFamilies = peer.AddressFamilies.Where(f => !families.Contains(f)).ToEquatableList() };

    /// <summary>This server has closed a session that was up.</summary>
    private void Closed(string address, bool routerDrops)
    {
        _missed.Closed(address, routerDrops);
        if (routerDrops) _missed.Remove(address);
    }

    /// <summary>
    /// The router keeps the routes over the NOTIFICATION that ends this session (RFC 8538 §4), and the new session is to tell it when it has
    /// all of them again. With other path identifiers, FRR 8.4 would keep the old paths for ever (FRR#17372).
    /// </summary>
    private static bool KeepsOver(Wire.Peer actual, Wire.Peer target) =>
        actual.GracefulRestart?.NotificationEnabled == true && target.GracefulRestart.Enabled && actual.Conf.PeerAsn == target.Conf.PeerAsn
        && PeerMapper.SendsSeveral(actual) == PeerMapper.SendsSeveral(target) && PeerCapabilities.KeepsOverNotification(actual);

    /// <summary>
    /// A router that takes part in long-lived graceful restart keeps the routes over every NOTIFICATION of gobgpd (which sends no Hard Reset,
    /// RFC 8538 §3): it drops them when it gets a session without graceful restart. True when that is done, not needed, or given up.
    /// </summary>
    private async Task<bool> ForgetsAsync(EngineTurn turn, Wire.Peer actual)
    {
        var address = actual.Conf.NeighborAddress;
        if (actual.GracefulRestart?.NotificationEnabled == true)
        {
            var plain = actual.Clone();
            (plain.State, plain.GracefulRestart) = (null, new());
            plain.Transport.LocalAddress = "";
            foreach (var family in plain.AfiSafis) (family.MpGracefulRestart, family.LongLivedGracefulRestart, family.State) = (new() { Config = new() }, new() { Config = new() }, null);
            sessions.Closing(address, _missed.Contains(address) ? ClosedToForget : ClosedForChange);
            await engine.UpdatePeerAsync(plain, turn.Lost);
            _missed.Closed(address, routerDrops: false);
            _forgetting[address] = time.GetUtcNow();
            logger.PeerChanged(address, "new session without graceful restart, so that it drops what it keeps");
            return false;
        }
        if (!_forgetting.TryGetValue(address, out var since)) return true;
        var isNew = actual.State?.SessionState is Wire.PeerState.Types.SessionState.Established && actual.Timers?.State?.Uptime?.ToDateTimeOffset() > since - TimeSpan.FromMilliseconds(since.Millisecond);
        if (!isNew && time.GetUtcNow() - since < ForgetPatience) return false;
        _forgetting.Remove(address);
        return true;
    }

    private void Settle(string address, BgpPeer peer, Wire.Peer actual)
    {
        if (RoutersMayKeep && actual.GracefulRestart is { LocalRestarting: true } && peer is { GracefulRestart: true, AdminDown: false })
        {
            Unsettle(address);
        }
        else if (actual.State?.SessionState is Wire.PeerState.Types.SessionState.Established || peer is not { GracefulRestart: true, AdminDown: false })
        {
            _unsettled.Remove(address);
        }
    }

    /// <summary>Withdrawals wait for the peer, unless it gets a new session anyway, or was waited for before.</summary>
    private void Unsettle(string address)
    {
        if (!_missed.Contains(address)) _unsettled.TryAdd(address, time.GetTimestamp());
    }

    /// <summary>The engine refuses a peer: its session says why, and the other peers are carried out.</summary>
    private async Task NoteRefusalAsync(BgpPeer peer, Func<Task> calls)
    {
        try
        {
            await calls();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            sessions.Closing(peer.Address.ToString(), null);
            if (sessions.Refuse(peer.Name, e.Status.Detail)) logger.PeerRefused(peer.Name, e.Status.Detail);
        }
    }
}
