namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Keeps the engine's paths equal to the wanted ones: sends changes, replays everything to an empty engine, adopts or compares what a
/// running one holds, and repairs what differs.
/// </summary>
internal sealed class PathSync
{
    /// <summary>From this many changes on the engine does not report each of them back; the counts are compared afterwards.</summary>
    private const int Bulk = 1000;

    private readonly GoBgpEngine _engine;
    private readonly ILogger _logger;
    private readonly PathMapper _mapper;
    private readonly TableWatch _watch;
    private readonly WantedPaths _wanted;
    private readonly PathSender _sender;
    private readonly PathAudit _audit;

    /// <summary>What the engine held when this server started is known.</summary>
    private bool _adopted;

    /// <summary>The engine was empty, and this run gave it everything that it has.</summary>
    private bool _isFilledHere;

    /// <summary>Which routers are limited is known.</summary>
    private bool _limitsSet;

    /// <summary>The most paths that a restarted engine is given only to use up their numbers.</summary>
    private const long MostFillers = 500_000;

    /// <summary>How long a withdrawal that the engine refused rests.</summary>
    private static readonly TimeSpan RefusalRest = TimeSpan.FromSeconds(30);

    /// <summary>
    /// An engine that hung may carry out what it was sent before only when it goes on, beside the first calls that it answers: so long after its first answer
    /// nothing of that is left.
    /// </summary>
    private static readonly TimeSpan LateCalls = TimeSpan.FromMilliseconds(500);

    private IReadOnlyCollection<AnnouncedPath> _expected = [];
    private long? _refusedAt;

    /// <summary>The engine was lost during a call, which it may still carry out.</summary>
    private bool _callIsOut;

    /// <summary>
    /// A change broke off half way, or was made while the engine was away: counts that agree prove nothing, everything must be compared.
    /// </summary>
    private bool _mustCompareAll;

    private long _added;
    private long _withdrawn;
    private readonly TimeProvider _time;

    public PathSync(GoBgpEngine engine, TableWatch watch, Func<bool> anyWithoutAddPath, Patrol patrol, TimeProvider time, ILogger logger)
    {
        (_engine, _watch, _time, _logger) = (engine, watch, time, logger);
        _mapper = new(engine.AutonomousSystem);
        _wanted = new(_mapper, anyWithoutAddPath, new());
        _sender = new(engine, _wanted, logger);
        _audit = new(engine, _mapper, _wanted, _sender, patrol, time, logger);
        watch.Observed += _audit.Observe;
    }

    public long Added => Interlocked.Read(ref _added);

    public long Withdrawn => Interlocked.Read(ref _withdrawn);

    public long Repairs => _audit.Repairs;

    public int Count => _wanted.Count;

    /// <summary>Changes whenever the number of paths that a peer gets may have changed.</summary>
    public int Version => _wanted.Version;

    public List<BgpPath> List() => _wanted.List();

    /// <summary>
    /// What a restarted engine was given has the numbers by which the routers know it. False: it was numbered anew, and the routers must
    /// drop what they kept.
    /// </summary>
    public bool KeptNumbers { get; private set; } = true;

    /// <summary>Routers may have kept paths that an earlier engine sent.</summary>
    public bool RoutersMayKeep { get; private set; }

    /// <summary>There are withdrawals that had to wait.</summary>
    public bool HasLeaving => _wanted.HasLeaving;

    /// <summary>An earlier run may have announced something.</summary>
    public bool HasExpected => _expected.Count > 0;

    /// <inheritdoc cref="IBgpSpeaker.Expect"/>
    public void Expect(IReadOnlyCollection<AnnouncedPath> paths) => _expected = paths;

    /// <inheritdoc cref="PathNumbers.IdentifiersOf"/>
    public IReadOnlyList<uint> IdentifiersOf(IReadOnlyCollection<BgpPathKey> paths, bool isConnected) => _wanted.Numbers.IdentifiersOf(paths, isConnected);

    /// <inheritdoc cref="PathCounts.CountsFor"/>
    public HeldCounts CountsFor(System.Net.IPAddress peer, bool external, Memberships? memberships) => _wanted.Counts.CountsFor(peer, external, memberships);

    /// <inheritdoc cref="LimitedPaths.Limits"/>
    public IReadOnlyList<LimitedPeer> Limits => _wanted.Limited.Limits;

    /// <summary>
    /// The engine, which runs since before this server, lacks a path that an earlier run announced: it was withdrawn, and nobody has seen whom that reached. (An engine that hung may have done it after that
    /// run had ended.)
    /// </summary>
    public bool HasUnconfirmedWithdrawals { get; private set; }

    /// <summary>The engine has no policy of a router that an earlier run limited.</summary>
    public bool LimitsAreExact { get; private set; }

    /// <inheritdoc cref="LimitedPaths.WithheldFrom"/>
    public IReadOnlyList<string> WithheldFrom(BgpPathKey path) => _wanted.Limited.WithheldFrom(path);

    /// <inheritdoc cref="WantedPaths.AttributesOf"/>
    public PathAttributes? AttributesOf(BgpPathKey path) => _wanted.AttributesOf(path);

    /// <inheritdoc cref="BestPaths.IsBest"/>
    public bool IsBest(BgpPathKey path) => _wanted.Best.IsBest(path);

    /// <inheritdoc cref="PathAudit.AskBestAsync"/>
    public Task AskBestAsync(EngineTurn turn) => _audit.AskBestAsync(turn);

    /// <inheritdoc cref="WantedPaths.TakeMoved"/>
    public IReadOnlyCollection<BgpPath> TakeMoved() => _wanted.TakeMoved();

    /// <inheritdoc cref="IBgpSpeaker.SetPathsAsync"/>
    /// <param name="hadPeers">This run has had peers.</param>
    public Task<IReadOnlyList<RefusedPath>> SetAsync(EngineTurn turn, IReadOnlyCollection<BgpPath> paths, bool mayWithdraw, bool hadPeers) =>
        SendAsync(turn, _wanted.Replace(turn, paths, mayWithdraw && turn.IsConnected, _isFilledHere && !hadPeers), mayWithdraw);

    /// <summary>Sets the limited routers before what they get is known: what an earlier run withheld stays withheld until the paths are set.</summary>
    public async Task ExpectLimitsAsync(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        if (_limitsSet) return;
        _limitsSet = true;
        _wanted.Limited.ExpectLimits(turn, limits);
        if (limits.Count > 0) await turn.TryAsync(() => _engine.Policies.EnsureAsync(limits, exactly: false, turn.Lost));
    }

    /// <summary>Sets the limited routers; each gets at once what it takes. A failure breaks the connection.</summary>
    public async Task SetLimitsAsync(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        _limitsSet = true;
        var before = _wanted.Limited.Limits;
        var changes = _wanted.Limited.SetLimits(turn, limits);
        if (changes.Count == 0 && before.SequenceEqual(limits) && LimitsAreExact) return;
        // Also when the engine is lost before the first call.
        var mustCompareAll = _mustCompareAll;
        _mustCompareAll |= changes.Count > 0;
        // Until the last call has been answered: the engine may have the policy of a router that is limited no more.
        LimitsAreExact = false;
        await turn.TryAsync(async () =>
        {
            // The policy of a router goes when no path carries its marker any more: until then it keeps the marker from all routers.
            await _engine.Policies.EnsureAsync(limits, exactly: false, turn.Lost);
            await SendSettledAsync(turn, changes);
            await _engine.Policies.EnsureAsync(limits, exactly: true, turn.Lost);
            (_mustCompareAll, LimitsAreExact) = (mustCompareAll, true);
        });
    }

    /// <summary>
    /// Withdraws and announces again the paths that a policy keeps from some routers: a withdrawal passes every policy, and takes from a router what it
    /// got while the policies were others.
    /// </summary>
    /// <param name="turn">The right to do so.</param>
    /// <param name="isHeldBack">The fence keeps the path from all routers.</param>
    public async Task SendAnewAsync(EngineTurn turn, Func<BgpPathKey, bool> isHeldBack)
    {
        var changes = new List<PathChange>();
        foreach (var (key, path) in RouteFamilies.All.SelectMany(f => _wanted.Of(turn, f)).ToList())
        {
            if (path.Leaving || !(path.Attributes.IsRestricted || path.Attributes.Markers.Count > 0 || isHeldBack(PathMapper.ToBgpPath(key, path).Key))) continue;
            changes.Add(new(key, path, IsWithdraw: true));
            changes.Add(new(key, _wanted.Numbers.Renew(turn, key, path), IsWithdraw: false));
        }
        if (changes.Count > 0) await SendSettledAsync(turn, changes);
    }

    /// <inheritdoc cref="IBgpSpeaker.ChangePathsAsync"/>
    /// <param name="hadPeers">This run has had peers.</param>
    public Task<IReadOnlyList<RefusedPath>> ChangeAsync(EngineTurn turn, IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, bool mayWithdraw, bool hadPeers) =>
        SendAsync(turn, _wanted.Change(turn, add, remove, mayWithdraw && turn.IsConnected, _isFilledHere && !hadPeers), mayWithdraw);

    /// <summary>Gives everything to an engine that was just started.</summary>
    /// <param name="hadPeers">This run has had peers.</param>
    public async Task ReplayAsync(EngineTurn turn, bool hadPeers)
    {
        RoutersMayKeep = hadPeers || HasExpected;
        if (!RoutersMayKeep) _wanted.ForgetKept(turn);
        var known = _adopted || _wanted.Expect(turn, _expected);
        KeptNumbers = known && _wanted.Numbers.UnusedNumbers(turn) <= MostFillers;
        if (!KeptNumbers)
        {
            // The routers drop what they kept, so nothing has to be withdrawn from them.
            _wanted.ForgetKept(turn);
            _logger.NumbersLost(_engine.Address);
        }
        // Also when there are none: the engine begins to number anew, and which numbers are used up must be forgotten.
        var sent = await _sender.SendAsync(turn, _wanted.Numbers.AllForEmptyEngine(turn, mayRenumber: !KeptNumbers), mayWithdraw: !KeptNumbers);
        while (sent.Refused.Any(r => !r.IsWithdrawal))
        {
            // To find what the engine refuses, parts were sent more than once, which used up numbers. It begins anew without what it refuses.
            await _engine.StopAsync(turn.Lost);
            await _engine.StartAsync(Limits, turn.Lost);
            sent = await _sender.SendAsync(turn, _wanted.Numbers.AllForEmptyEngine(turn, mayRenumber: !KeptNumbers), mayWithdraw: !KeptNumbers);
        }

        Interlocked.Add(ref _added, sent.Added - sent.Withdrawn);
        _isFilledHere = true;
        (_adopted, _mustCompareAll, _callIsOut) = (true, false, false);
    }

    /// <summary>Every router has been sent everything since the engine was started: the withdrawals that had to wait are sent.</summary>
    /// <returns>True when something was withdrawn.</returns>
    public async Task<bool> WithdrawLeavingAsync(EngineTurn turn)
    {
        if (_refusedAt is { } at && _time.GetElapsedTime(at) < RefusalRest) return false;
        _refusedAt = null;
        var narrowed = _wanted.Narrow(turn);
        var changes = _wanted.RemoveLeaving(turn);
        if (changes.Count + narrowed.Count == 0) return false;
        try
        {
            _audit.NoteChange();
            var sent = await _sender.SendAsync(turn, [.. changes, .. narrowed]);
            Interlocked.Add(ref _withdrawn, sent.Withdrawn);
            if (sent.Refused.Count > 0) _refusedAt = _time.GetTimestamp();
            return sent.Withdrawn > 0;
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            // Which of them were withdrawn is not known. An engine that was restarted must have them again, with their numbers.
            foreach (var change in changes) _wanted.PutBack(turn, change.Key, change.Path, "");
            foreach (var change in narrowed.Where(c => c.IsWithdraw)) _wanted.PutBackIfGone(turn, change.Key, change.Path);
            _mustCompareAll = _callIsOut = true;
            throw;
        }
        finally
        {
            _audit.NoteChange();
        }
    }

    /// <summary>Makes a running engine hold what is wanted. The first time, that is what it holds already. What is leaving stays: it is withdrawn when it is known whom that reaches.</summary>
    public async Task CompareAsync(EngineTurn turn)
    {
        RoutersMayKeep |= HasExpected;
        if (_callIsOut) await Task.Delay(LateCalls, _time, turn.Lost);
        _callIsOut = true; // until everything has been answered
        if (!_adopted) await AdoptAsync(turn);
        else if (_mustCompareAll || !await _audit.CountsAgreeAsync(turn)) await _audit.CompareAllAsync(turn);
        (_adopted, _mustCompareAll, _callIsOut) = (true, false, false);
    }

    /// <inheritdoc cref="PathAudit.CheckAsync"/>
    public async Task<bool> CheckAsync(EngineTurn turn, bool always)
    {
        var settled = _wanted.Limited.Settle(turn);
        if (settled.Count > 0) await SendSettledAsync(turn, settled);
        await _audit.AskNumbersAsync(turn);
        return await _audit.CheckAsync(turn, always);
    }

    /// <inheritdoc cref="TableWatch.RunAsync"/>
    public Task WatchAsync(CancellationToken cancellationToken) => _watch.RunAsync(cancellationToken);

    private async Task SendSettledAsync(EngineTurn turn, IReadOnlyList<PathChange> changes)
    {
        var isBulk = BeginSending(changes.Count);
        try
        {
            await _sender.SendAsync(turn, changes);
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            _mustCompareAll = _callIsOut = true;
            throw;
        }
        finally
        {
            EndSending(isBulk);
        }
    }

    /// <summary>Events of many changes are not looked at one by one; after them everything is compared. True: there are so many.</summary>
    private bool BeginSending(int count)
    {
        _audit.NoteChange();
        var isBulk = count >= Bulk;
        if (isBulk) _watch.Suspend();
        return isBulk;
    }

    private void EndSending(bool isBulk)
    {
        _audit.NoteChange();
        if (!isBulk) return;
        _watch.Resume();
        _audit.Invalidate();
    }

    private async Task<IReadOnlyList<RefusedPath>> SendAsync(EngineTurn turn, WantedChange change, bool mayWithdraw)
    {
        if (!turn.IsConnected)
        {
            NoteUnsent(turn, change);
            throw new BgpEngineException("The BGP engine does not answer; the change is applied when it is back.", isTransient: true);
        }
        if (change.Changes.Count == 0) return change.Refused;

        var isBulk = BeginSending(change.Changes.Count);
        try
        {
            // The token is not the caller's: a stream that breaks off half way leaves the engine in an unknown state.
            var sent = await _sender.SendAsync(turn, change.Changes, mayWithdraw);
            await _audit.AskNumbersAsync(turn);
            Interlocked.Add(ref _withdrawn, sent.Withdrawn);
            Interlocked.Add(ref _added, sent.Added);
            if (sent.Refused.Any(r => r.IsWithdrawal)) _refusedAt = _time.GetTimestamp();
            return [.. change.Refused, .. sent.Refused];
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            NoteUnsent(turn, change);
            _callIsOut = true;
            turn.Break();
            throw new BgpEngineException("The BGP engine was lost during the change; it is applied when it is back.", isTransient: true, e);
        }
        finally
        {
            EndSending(isBulk);
        }
    }

    /// <summary>
    /// Nobody knows which withdrawals have reached the routers. The engine may also have been lost after the change was made to what is wanted, and
    /// before it was sent.
    /// </summary>
    private void NoteUnsent(EngineTurn turn, WantedChange change)
    {
        foreach (var withdrawn in change.Changes.Where(c => c.IsWithdraw)) _wanted.PutBackIfGone(turn, withdrawn.Key, withdrawn.Path);
        _mustCompareAll |= change.Changes.Count > 0;
    }

    private async Task AdoptAsync(EngineTurn turn)
    {
        _wanted.Numbers.DoubtNumbers(turn);
        var foreign = new List<Wire.Path>();
        var adopted = new Dictionary<(EngineRouteKey Key, System.Net.IPAddress NextHop), uint>();
        foreach (var family in RouteFamilies.All)
        {
            await foreach (var path in _engine.ListPathsAsync(family.ToWire(), null, turn.Lost))
            {
                if (_mapper.Decode(path) is not { } found) continue;
                if (found is { Key: { } key, NextHop: { } nextHop, Attributes: { } attributes, Identifier: not 0 }
                    && adopted.TryAdd((key, nextHop), path.LocalIdentifier))
                {
                    // A path that is wanted already is from an earlier attempt, or the caller set it meanwhile.
                    if (_wanted.Contains(turn, key, nextHop)) _mustCompareAll = true;
                    else if (!_wanted.Adopt(turn, key, nextHop, attributes, found.Identifier, path.LocalIdentifier)) _mustCompareAll = true;
                    continue;
                }
                foreign.Add(PathMapper.EncodeWithdraw(path));
            }
        }
        if (foreign.Count > 0) await _engine.SendAsync(foreign, turn.Lost);
        HasUnconfirmedWithdrawals = _expected.Any(e => EngineRouteKey.From(e.Path) is { } key
            && !(adopted.TryGetValue((key, e.Path.Path.NextHop), out var number) && (e.Identifier == 0 || e.Identifier == number)));
        if (_mustCompareAll || _wanted.Count > adopted.Count) await _audit.CompareAllAsync(turn);
        _logger.EngineAdopted(_engine.Address, _wanted.Count, foreign.Count);
    }
}
