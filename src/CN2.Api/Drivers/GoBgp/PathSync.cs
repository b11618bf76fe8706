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
    private readonly PathMapper _mapper = new();
    private readonly TableWatch _watch;
    private readonly WantedPaths _wanted;
    private readonly PathSender _sender;
    private readonly PathAudit _audit;

    /// <summary>What the engine held when this server started is known.</summary>
    private bool _adopted;

    /// <summary>A change broke off half way: counts that agree prove nothing, everything must be compared.</summary>
    private bool _mustCompareAll;

    private long _added;
    private long _withdrawn;

    public PathSync(GoBgpEngine engine, TableWatch watch, Patrol patrol, TimeProvider time, ILogger logger)
    {
        (_engine, _watch, _logger) = (engine, watch, logger);
        _wanted = new(_mapper);
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

    /// <inheritdoc cref="WantedPaths.CountsFor"/>
    public HeldCounts CountsFor(bool external, Memberships? memberships) => _wanted.CountsFor(external, memberships);

    /// <inheritdoc cref="IBgpSpeaker.SetPathsAsync"/>
    public Task<IReadOnlyList<RefusedPath>> SetAsync(EngineTurn turn, IReadOnlyCollection<BgpPath> paths) =>
        SendAsync(turn, _wanted.Replace(turn, paths));

    /// <inheritdoc cref="IBgpSpeaker.ChangePathsAsync"/>
    public Task<IReadOnlyList<RefusedPath>> ChangeAsync(EngineTurn turn, IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove) =>
        SendAsync(turn, _wanted.Change(turn, add, remove));

    /// <summary>Gives everything to an engine that was just started.</summary>
    public async Task ReplayAsync(EngineTurn turn)
    {
        if (_wanted.Count > 0)
        {
            var sent = await _sender.SendAsync(turn, _wanted.AllForEmptyEngine(turn));
            _wanted.Renumber(turn);
            Interlocked.Add(ref _added, sent.Added);
        }
        (_adopted, _mustCompareAll) = (true, false);
    }

    /// <summary>Makes a running engine hold what is wanted. The first time, that is what it holds already.</summary>
    public async Task CompareAsync(EngineTurn turn)
    {
        if (!_adopted) await AdoptAsync(turn);
        else if (_mustCompareAll || !await _audit.CountsAgreeAsync(turn)) await _audit.CompareAllAsync(turn);
        (_adopted, _mustCompareAll) = (true, false);
    }

    /// <inheritdoc cref="PathAudit.CheckAsync"/>
    public Task<bool> CheckAsync(EngineTurn turn, bool always) => _audit.CheckAsync(turn, always);

    /// <inheritdoc cref="TableWatch.RunAsync"/>
    public Task WatchAsync(CancellationToken cancellationToken) => _watch.RunAsync(cancellationToken);

    private async Task<IReadOnlyList<RefusedPath>> SendAsync(EngineTurn turn, WantedChange change)
    {
        if (!turn.IsConnected)
            throw new BgpEngineException("The BGP engine does not answer; the change is applied when it is back.", isTransient: true);
        if (change.Changes.Count == 0) return change.Refused;

        var isBulk = change.Changes.Count >= Bulk;
        _audit.NoteChange();
        if (isBulk) _watch.Suspend();
        try
        {
            // The token is not the caller's: a stream that breaks off half way leaves the engine in an unknown state.
            var sent = await _sender.SendAsync(turn, change.Changes);
            Interlocked.Add(ref _withdrawn, sent.Withdrawn);
            Interlocked.Add(ref _added, sent.Added);
            if (sent.RefusedWithdrawal is { } reason)
                throw new BgpEngineException($"The BGP engine refuses to withdraw a path: {reason}.", isTransient: false);
            return [.. change.Refused, .. sent.Refused];
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            _mustCompareAll = true;
            turn.Break();
            throw new BgpEngineException("The BGP engine was lost during the change; it is applied when it is back.", isTransient: true, e);
        }
        finally
        {
            _audit.NoteChange();
            if (isBulk)
            {
                _watch.Resume();
                _audit.Invalidate();
            }
        }
    }

    private async Task AdoptAsync(EngineTurn turn)
    {
        var foreign = new List<Wire.Path>();
        var adopted = new HashSet<(EngineRouteKey, System.Net.IPAddress)>();
        foreach (var family in RouteFamilies.All)
        {
            await foreach (var path in _engine.ListPathsAsync(family.ToWire(), null, turn.Lost))
            {
                if (_mapper.Decode(path) is not { } found) continue;
                if (found is { Key: { } key, NextHop: { } nextHop, Attributes: { } attributes, Identifier: not 0 }
                    && adopted.Add((key, nextHop)))
                {
                    // A path that is wanted already is from an earlier attempt, or the caller set it meanwhile.
                    if (_wanted.Contains(turn, key, nextHop)) _mustCompareAll = true;
                    else _wanted.Adopt(turn, key, nextHop, attributes, found.Identifier, path.LocalIdentifier);
                    continue;
                }
                foreign.Add(PathMapper.EncodeWithdraw(path));
            }
        }
        if (foreign.Count > 0) await _engine.SendAsync(foreign, turn.Lost);
        if (_mustCompareAll || _wanted.Count > adopted.Count) await _audit.CompareAllAsync(turn);
        _logger.EngineAdopted(_engine.Address, _wanted.Count, foreign.Count);
    }
}
