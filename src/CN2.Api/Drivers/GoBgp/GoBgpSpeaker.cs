using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Drives one gobgpd 3.10 over gRPC. The wanted paths and peers are kept in memory; one background task keeps the engine equal to
/// them: it connects, replays or compares, then watches until the engine is lost, and starts over. Changes are sent by the caller's
/// own call, one at a time. While <see cref="Healthy"/> is true, the engine holds what it was told.
/// </summary>
public sealed class GoBgpSpeaker : IBgpSpeaker, IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(1);

    /// <summary>How often counts are compared when no event calls for it sooner.</summary>
    private static readonly TimeSpan PatrolInterval = TimeSpan.FromSeconds(2);

    /// <summary>Events come in bursts; one look answers all.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// For so long after a change of ours, or after the last count, an event that says nothing wrong calls for no count: that costs the
    /// engine a walk through its table, and under steady change (ours, or what routers send us in vain) the interval does.
    /// </summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    /// <summary>Every how many patrols the peers are listed (received counts, a peer deleted by hand whose event was missed).</summary>
    private const int PeersEvery = 5;

    /// <summary>From this many changes on the engine is spared telling each of them back; counts are compared afterwards.</summary>
    private const int Bulk = 1000;

    private readonly BgpOptions _options;
    private readonly ILogger<GoBgpSpeaker> _logger;
    private readonly GrpcChannel _channel;
    private readonly GoBgpEngine _engine;
    private readonly PathMapper _mapper = new();
    private readonly PeerMapper _peerMapper;
    private readonly SessionTable _sessions;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<IReadOnlyCollection<BgpPath>> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One operation on the engine at a time; who holds it may change <see cref="_paths"/> and the peers.</summary>
    private readonly SemaphoreSlim _gate = new(1);

    /// <summary>Guards the contents of <see cref="_paths"/> for those who read without the gate.</summary>
    private readonly Lock _pathsLock = new();

    private PathTable _paths = new();
    private Dictionary<string, BgpPeer>? _peers;
    private bool _restarting;
    private bool _adopted;

    /// <summary>An operation broke off half way: compare everything before the engine counts as healthy again.</summary>
    private bool _uncertain;

    private CancellationTokenSource? _connection;
    private CancellationTokenSource? _tableWatch;
    private bool _tableWatchSuspended;
    private readonly HashSet<HostPrefix> _suspects = [];
    private readonly SemaphoreSlim _patrolNow = new(0, 1);
    private volatile bool _peersSuspect;
    private volatile bool _pathsSuspect;
    private Task? _run;
    private long _added;
    private long _withdrawn;
    private long _repairs;
    private long _engineRestarts;
    private int _announced;
    private long _lastChange;
    private long _lastCount;

    public GoBgpSpeaker(BgpOptions options, TimeProvider time, ILogger<GoBgpSpeaker> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _logger = logger;
        _time = time;
        _channel = GoBgpChannel.Open(_options.GoBgpAddress);
        _engine = new(new(_channel), _options);
        _peerMapper = new(_options);
        _sessions = new(time, _options.ListenPort > 0);
    }

    public bool Enabled => true;

    public bool Healthy { get; private set; }

    public event Action? Changed;

    public IReadOnlyList<BgpSession> Sessions => _sessions.List(CountsFor);

    public BgpSpeakerCounters Counters => new(
        Interlocked.Read(ref _added), Interlocked.Read(ref _withdrawn), Interlocked.Read(ref _repairs), Interlocked.Read(ref _engineRestarts));

    /// <inheritdoc/>
    /// <remarks>Waits as long as the engine is away; <see cref="Healthy"/> tells.</remarks>
    public Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken)
    {
        _run ??= Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
        return _started.Task.WaitAsync(cancellationToken);
    }

    public async Task SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var wanted = new PathTable();
            wanted.EnsureCapacity(paths.Count);
            var changes = new List<PathChange>();
            foreach (var path in paths)
            {
                var (prefix, nextHop, attributes) = _mapper.Check(path);
                uint? identifier = null;
                PathAttributes? before = null;
                foreach (var held in _paths[prefix])
                {
                    if (!held.NextHop.Address.Equals(nextHop.Address)) continue;
                    (identifier, before) = (held.Identifier, held.Attributes);
                }
                wanted.Set(prefix, nextHop, attributes, identifier, out _, out var after);
                if (identifier is { } had && had != after.Identifier)
                    changes.Add(new(prefix, new(nextHop, before!, had), IsWithdraw: true));
                if (!attributes.Equals(before) || identifier != after.Identifier) Announce(changes, prefix, before, after);
            }
            foreach (var (prefix, held) in _paths.All)
                foreach (var path in held)
                    if (!wanted.Contains(prefix, path.NextHop.Address)) changes.Add(new(prefix, path, IsWithdraw: true));

            lock (_pathsLock) _paths = wanted;
            await SendAsync(changes);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(remove);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // All are checked before the first one counts.
            var adds = add.Select(_mapper.Check).ToList();
            var added = remove.Count == 0 || add.Count == 0 ? null : adds.Select(a => (a.Prefix, a.NextHop)).ToHashSet();
            var changes = new List<PathChange>(add.Count + remove.Count);
            lock (_pathsLock)
            {
                // Adds first: where a path replaces another, the routers always have one.
                foreach (var (prefix, nextHop, attributes) in adds)
                    if (_paths.Set(prefix, nextHop, attributes, null, out var before, out var after))
                        Announce(changes, prefix, before.Attributes, after);
                foreach (var key in remove)
                {
                    var prefix = HostPrefix.From(key.Prefix);
                    if (added?.Contains((prefix, _mapper.NextHopOf(key.Path.NextHop))) == true) continue;
                    if (_paths.Remove(prefix, key.Path.NextHop, out var removed)) changes.Add(new(prefix, removed, IsWithdraw: true));
                }
            }
            await SendAsync(changes);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    /// <remarks>While the engine is away the peers are remembered and given to it when it is back; this does not throw.</remarks>
    public async Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peers);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var faults = new Dictionary<string, string>();
            var byAddress = new Dictionary<string, BgpPeer>();
            foreach (var peer in peers.OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                var fault = _peerMapper.Fault(peer);
                if (fault is null && !byAddress.TryAdd(peer.Address.ToString(), peer))
                    fault = $"BgpRouter {byAddress[peer.Address.ToString()].Name} has the same address {peer.Address}.";
                if (fault is null) continue;
                faults[peer.Name] = fault;
                _logger.PeerRefused(peer.Name, fault);
            }
            _peers = byAddress;
            _sessions.SetPeers(peers, faults, _peerMapper.IsExternal);
            if (Healthy)
            {
                try
                {
                    await SynchronizePeersAsync(_stop.Token);
                }
                catch (Exception e) when (IsLoss(e))
                {
                    Lose();
                }
            }
        }
        finally
        {
            _gate.Release();
        }
        Changed?.Invoke();
    }

    public Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyCollection<ImportedRouteChange> TakeImported() => [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _started.TrySetCanceled(CancellationToken.None);
        if (_run is not null) await _run;
        _channel.Dispose();
        _stop.Dispose();
        _gate.Dispose();
        _patrolNow.Dispose();
    }

    private static void Announce(List<PathChange> changes, HostPrefix prefix, PathAttributes? before, HeldPath after)
    {
        // Without a withdraw the engine leaves with ADD-PATH peers what they may no longer have.
        if (before is not null && after.Attributes.IsRestricted && !before.IsRestricted)
            changes.Add(new(prefix, after with { Attributes = before }, IsWithdraw: true));
        changes.Add(new(prefix, after, IsWithdraw: false));
    }

    private async Task SendAsync(List<PathChange> changes)
    {
        if (!Healthy || _connection is not { } connection)
            throw new BgpEngineException("The BGP engine does not answer; the change is applied when it is back.", isTransient: true);
        if (changes.Count == 0) return;

        Interlocked.Exchange(ref _lastChange, _time.GetTimestamp());
        if (changes.Count >= Bulk) SuspendTableWatch();
        try
        {
            // Not the caller's token: half a stream would leave the engine in a state nobody knows.
            await _engine.SendAsync(changes.Select(PathMapper.Encode), connection.Token);
            var withdrawn = changes.Count(c => c.IsWithdraw);
            Interlocked.Add(ref _withdrawn, withdrawn);
            Interlocked.Add(ref _added, changes.Count - withdrawn);
        }
        catch (Exception e) when (IsLoss(e))
        {
            _uncertain = true;
            Lose();
            throw new BgpEngineException("The BGP engine was lost during the change; it is applied when it is back.", isTransient: true, e);
        }
        finally
        {
            Interlocked.Exchange(ref _lastChange, _time.GetTimestamp());
            if (changes.Count >= Bulk) ResumeTableWatch();
        }
    }

    private async Task RunAsync(CancellationToken stop)
    {
        var retry = FirstRetry;
        var lostAt = _time.GetTimestamp();
        var told = false;
        while (!stop.IsCancellationRequested)
        {
            // Not disposed: a caller's change may still be holding it. It has no timer and no link.
            var connection = new CancellationTokenSource();
            await using var stopping = stop.UnsafeRegister(c => ((CancellationTokenSource)c!).Cancel(), connection);
            var reason = "the connection ended";
            try
            {
                await _gate.WaitAsync(stop);
                try
                {
                    await SynchronizeAsync(connection.Token);
                    _connection = connection;
                    _sessions.EngineAway(false);
                    Healthy = true;
                }
                finally
                {
                    _gate.Release();
                }
                if (_started.Task.IsCompleted)
                    _logger.EngineBack(_options.GoBgpAddress.OriginalString, _time.GetElapsedTime(lostAt), _paths.Count, _peers?.Count ?? 0);
                _started.TrySetResult(Held());
                (retry, told) = (FirstRetry, false);
                Changed?.Invoke();
                await WatchAsync(connection);
            }
            catch (Exception e) when (IsLoss(e))
            {
                reason = e is RpcException rpc ? rpc.Status.Detail : e.Message;
            }
            catch (Exception e)
            {
                reason = e.Message;
                _logger.DriverFailed(e);
            }

            await connection.CancelAsync();
            if (stop.IsCancellationRequested) break;
            if (!told) _logger.EngineLost(_options.GoBgpAddress.OriginalString, reason);
            if (Healthy || !told)
            {
                lostAt = _time.GetTimestamp();
                Healthy = false;
                _sessions.EngineAway(true);
                Changed?.Invoke();
            }
            told = true;
            try
            {
                await Task.Delay(retry, _time, stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            retry = retry * 2 < LongestRetry ? retry * 2 : LongestRetry;
        }
        Healthy = false;
    }

    /// <summary>Makes the engine hold what is wanted: by replay when it is empty, by comparison when it runs. Under the gate.</summary>
    private async Task SynchronizeAsync(CancellationToken cancellationToken)
    {
        var global = await _engine.GetAsync(cancellationToken);
        if (global.Asn != 0 && !_engine.IsWanted(global))
        {
            _logger.EngineReplaced(_options.GoBgpAddress.OriginalString, global.Asn, global.RouterId);
            await _engine.StopAsync(cancellationToken);
            global = new();
        }

        if (global.Asn == 0)
        {
            // This order, and the restart flag on the peers: the routers then keep forwarding by the old routes until the new are there.
            _restarting = true;
            await _engine.StartAsync(cancellationToken);
            _logger.EngineStarted(_options.GoBgpAddress.OriginalString, _options.AutonomousSystem, _options.RouterId!.ToString());
            if (_adopted) Interlocked.Increment(ref _engineRestarts);
            if (_paths.Count > 0)
            {
                await _engine.SendAsync(
                    _paths.All.SelectMany(p => p.Value, (p, path) => PathMapper.Encode(new(p.Key, path, IsWithdraw: false))), cancellationToken);
                Interlocked.Add(ref _added, _paths.Count);
            }
        }
        else
        {
            if (await _engine.EnsurePoliciesAsync(cancellationToken)) await _engine.ResetInAsync(cancellationToken);
            if (!_adopted) await AdoptAsync(cancellationToken);
            else if (_uncertain || !await CountsAgreeAsync(cancellationToken)) await CompareAllAsync(cancellationToken);
        }
        (_adopted, _uncertain) = (true, false);
        if (_peers is not null) await SynchronizePeersAsync(cancellationToken);
    }

    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        var foreign = new List<Wire.Path>();
        foreach (var family in new[] { PathMapper.Inet, PathMapper.Inet6 })
        {
            await foreach (var path in _engine.ListPathsAsync(family, null, cancellationToken))
            {
                if (_mapper.Decode(path) is not { } found) continue;
                if (found is { Prefix: { } prefix, NextHop: { } nextHop, Attributes: { } attributes, Identifier: not 0 }
                    && !_paths.Contains(prefix, nextHop))
                {
                    lock (_pathsLock) _paths.Set(prefix, _mapper.NextHopOf(nextHop), attributes, found.Identifier, out _, out _);
                    continue;
                }
                foreign.Add(PathMapper.EncodeWithdraw(path));
            }
        }
        if (foreign.Count > 0) await _engine.SendAsync(foreign, cancellationToken);
        _logger.EngineAdopted(_options.GoBgpAddress.OriginalString, _paths.Count, foreign.Count);
    }

    private async Task WatchAsync(CancellationTokenSource connection)
    {
        var token = connection.Token;
        Task[] watches = [WatchPeersAsync(token), WatchTableAsync(token), PatrolAsync(token)];
        var first = await Task.WhenAny(watches);
        await connection.CancelAsync();
        try
        {
            await Task.WhenAll(watches);
        }
        catch (Exception e) when (IsLoss(e))
        {
            // What ended first is the reason; the others were cancelled.
        }
        await first;
    }

    private async Task WatchPeersAsync(CancellationToken cancellationToken)
    {
        using var call = _engine.WatchPeers(cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            if (call.ResponseStream.Current.Peer is not { } e || e.Peer?.Conf is null) continue;
            if (_sessions.Observe(e.Peer.Conf.NeighborAddress, e.Peer.State?.SessionState ?? default)) Changed?.Invoke();
            // What was negotiated, and whether the peer is still there, only a listing tells.
            _peersSuspect = true;
            Patrol();
        }
    }

    private async Task WatchTableAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            lock (_suspects)
            {
                if (!_tableWatchSuspended) _tableWatch = watch;
            }
            if (_tableWatch != watch)
            {
                await Task.Delay(Settle, cancellationToken);
                continue;
            }
            try
            {
                using var call = _engine.WatchTable(watch.Token);
                while (await call.ResponseStream.MoveNext(watch.Token))
                {
                    if (call.ResponseStream.Current.Table is { } table) ObserveTable(table.Paths);
                }
                return;
            }
            catch (Exception e) when (IsLoss(e) && watch.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // Suspended: a bulk change is under way.
            }
            finally
            {
                lock (_suspects) _tableWatch = null;
            }
        }
    }

    /// <summary>Our own changes come back here as well and match what is wanted; what does not match is looked at.</summary>
    private void ObserveTable(IReadOnlyCollection<Wire.Path> paths)
    {
        var suspicious = false;
        foreach (var path in paths)
        {
            if (_mapper.Decode(path) is not { } found) continue;
            if (found.Prefix is not { } prefix || !IsAsWanted(prefix, found, path.IsWithdraw))
            {
                suspicious = true;
                if (found.Prefix is { } known)
                    lock (_suspects) _suspects.Add(known);
            }
        }
        // Not named, or named as it should be: another path of the prefix may be what changed. Unless we are changing things ourselves.
        if (!suspicious && (_time.GetElapsedTime(Interlocked.Read(ref _lastChange)) < Quiet || _time.GetElapsedTime(Interlocked.Read(ref _lastCount)) < Quiet))
            return;
        _pathsSuspect = true;
        Patrol();
    }

    private bool IsAsWanted(HostPrefix prefix, FoundPath found, bool withdrawn)
    {
        lock (_pathsLock)
        {
            var held = _paths[prefix];
            if (withdrawn) return held.Length == 0;
            foreach (var path in held)
                if (path.Identifier == found.Identifier && path.NextHop.Address.Equals(found.NextHop) && path.Attributes.Equals(found.Attributes))
                    return true;
            return false;
        }
    }

    private void Patrol()
    {
        try
        {
            if (_patrolNow.CurrentCount == 0) _patrolNow.Release();
        }
        catch (SemaphoreFullException)
        {
            // Called for already.
        }
    }

    private async Task PatrolAsync(CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            var called = await _patrolNow.WaitAsync(PatrolInterval, cancellationToken);
            if (called) await Task.Delay(Settle, cancellationToken);
            await _gate.WaitAsync(cancellationToken);
            try
            {
                if (!called || _pathsSuspect) await CheckPathsAsync(cancellationToken);
                if (_peersSuspect || round % PeersEvery == 0) await SynchronizePeersAsync(cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
            // Advertised counts follow the table; told once a round, not with every path.
            var announced = HashCode.Combine(_paths.Paths4, _paths.Paths6, _paths.Prefixes4, _paths.Prefixes6, _paths.Restricted);
            if (Interlocked.Exchange(ref _announced, announced) != announced) Changed?.Invoke();
        }
    }

    private async Task CheckPathsAsync(CancellationToken cancellationToken)
    {
        _pathsSuspect = false;
        Interlocked.Exchange(ref _lastCount, _time.GetTimestamp());
        HostPrefix[] suspects;
        lock (_suspects)
        {
            suspects = [.. _suspects];
            _suspects.Clear();
        }
        if (suspects.Length is > 0 and <= 100)
            await CompareAsync(suspects.Select(p => ((Wire.Family, HostPrefix?))(p.IsIPv4 ? PathMapper.Inet : PathMapper.Inet6, p)), cancellationToken);
        if (suspects.Length > 100 || !await CountsAgreeAsync(cancellationToken)) await CompareAllAsync(cancellationToken);
    }

    private async Task<bool> CountsAgreeAsync(CancellationToken cancellationToken) =>
        await _engine.CountPathsAsync(PathMapper.Inet, cancellationToken) == _paths.Paths4
        && await _engine.CountPathsAsync(PathMapper.Inet6, cancellationToken) == _paths.Paths6;

    private Task CompareAllAsync(CancellationToken cancellationToken) =>
        CompareAsync([(PathMapper.Inet, null), (PathMapper.Inet6, null)], cancellationToken);

    /// <summary>Compares prefixes, or whole families, with what is wanted, and sends the difference. Under the gate.</summary>
    private async Task CompareAsync(IEnumerable<(Wire.Family Family, HostPrefix? Prefix)> parts, CancellationToken cancellationToken)
    {
        var remove = new List<Wire.Path>();
        var add = new List<Wire.Path>();
        foreach (var (family, only) in parts)
        {
            var seen = new HashSet<(HostPrefix, uint)>();
            try
            {
                await foreach (var path in _engine.ListPathsAsync(family, only, cancellationToken))
                {
                    if (_mapper.Decode(path) is not { } found) continue;
                    if (found.Prefix is { } prefix && Find(prefix, found.Identifier) is { } held)
                    {
                        seen.Add((prefix, found.Identifier));
                        if (!held.NextHop.Address.Equals(found.NextHop) || !held.Attributes.Equals(found.Attributes))
                            add.Add(PathMapper.Encode(new(prefix, held, IsWithdraw: false)));
                        continue;
                    }
                    remove.Add(PathMapper.EncodeWithdraw(path));
                }
            }
            catch (RpcException e) when (only is not null && e.StatusCode == StatusCode.Unknown)
            {
                // The prefix is not in the table at all.
            }

            var isIPv4 = family == PathMapper.Inet;
            var wanted = only is { } one ? [new(one, _paths[one].ToArray())] : _paths.All.Where(p => p.Key.IsIPv4 == isIPv4);
            foreach (var (prefix, held) in wanted)
                foreach (var path in held)
                    if (!seen.Contains((prefix, path.Identifier))) add.Add(PathMapper.Encode(new(prefix, path, IsWithdraw: false)));
        }
        if (add.Count + remove.Count == 0) return;
        await _engine.SendAsync(add.Concat(remove), cancellationToken);
        Interlocked.Add(ref _repairs, add.Count + remove.Count);
        _logger.PathsRepaired(add.Count, remove.Count);
    }

    private HeldPath? Find(HostPrefix prefix, uint identifier)
    {
        foreach (var path in _paths[prefix])
            if (path.Identifier == identifier) return path;
        return null;
    }

    /// <summary>Adds, updates and deletes peers until the engine has the wanted ones, and takes over what it lists of each. Under the gate.</summary>
    private async Task SynchronizePeersAsync(CancellationToken cancellationToken)
    {
        _peersSuspect = false;
        if (_peers is not { } wanted) return;
        var changed = false;
        var missing = new Dictionary<string, BgpPeer>(wanted);
        foreach (var actual in await _engine.ListPeersAsync(null, cancellationToken))
        {
            if (!missing.Remove(actual.Conf.NeighborAddress, out var peer))
            {
                await _engine.DeletePeerAsync(actual, cancellationToken);
                _logger.PeerChanged(actual.Conf.NeighborAddress, "deleted");
                continue;
            }
            await OrRefusedAsync(peer, async () => changed |= await UpdatePeerAsync(peer, actual, cancellationToken));
        }
        foreach (var peer in missing.Values)
        {
            await OrRefusedAsync(peer, async () =>
            {
                await _engine.AddPeerAsync(_peerMapper.Encode(peer, _restarting), cancellationToken);
                _logger.PeerChanged(peer.Name, _restarting ? "added as after a restart" : "added");
            });
        }
        _restarting = false;
        if (changed) Changed?.Invoke();
    }

    private async Task<bool> UpdatePeerAsync(BgpPeer peer, Wire.Peer actual, CancellationToken cancellationToken)
    {
        var target = _peerMapper.Encode(peer, restarting: false);
        switch (PeerMapper.Compare(target, actual))
        {
            case PeerDifference.Timers:
                await _engine.UpdatePeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "timers changed, from the next session on");
                return false;
            case PeerDifference.Session:
                await _engine.UpdatePeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "changed, new session");
                return false;
            case PeerDifference.Replace:
                await _engine.DeletePeerAsync(actual, cancellationToken);
                await _engine.AddPeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "replaced, new session");
                return false;
            default:
                return _sessions.Observe(actual);
        }
    }

    /// <summary>A peer the engine refuses has the reason in its session and stops none of the others.</summary>
    private async Task OrRefusedAsync(BgpPeer peer, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            if (_sessions.Refuse(peer.Name, e.Status.Detail)) _logger.PeerRefused(peer.Name, e.Status.Detail);
        }
    }

    private void SuspendTableWatch()
    {
        lock (_suspects)
        {
            _tableWatchSuspended = true;
            _tableWatch?.Cancel();
        }
    }

    private void ResumeTableWatch()
    {
        lock (_suspects) _tableWatchSuspended = false;
        _pathsSuspect = true;
        Patrol();
    }

    /// <summary>A call failed: the background task finds out why.</summary>
    private void Lose()
    {
        Healthy = false;
        _connection?.Cancel();
    }

    private static bool IsLoss(Exception e) =>
        e is RpcException or IOException or OperationCanceledException or HttpRequestException or ObjectDisposedException;

    private List<BgpPath> Held()
    {
        lock (_pathsLock) return [.. _paths.All.SelectMany(p => p.Value, (p, path) => PathMapper.ToBgpPath(p.Key, path))];
    }

    private HeldCounts CountsFor(bool external)
    {
        lock (_pathsLock)
        {
            var paths = _paths;
            if (paths.Restricted == 0) return new(paths.Paths4, paths.Prefixes4, paths.Paths6, paths.Prefixes6);
            int paths4 = 0, prefixes4 = 0, paths6 = 0, prefixes6 = 0;
            foreach (var (prefix, held) in paths.All)
            {
                var sent = held.Count(p => !p.Attributes.IsKeptFrom(external));
                if (prefix.IsIPv4) (paths4, prefixes4) = (paths4 + sent, prefixes4 + Math.Min(sent, 1));
                else (paths6, prefixes6) = (paths6 + sent, prefixes6 + Math.Min(sent, 1));
            }
            return new(paths4, prefixes4, paths6, prefixes6);
        }
    }
}
