using CN2.Api.Options;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Drives one gobgpd 3.10 over gRPC. The wanted paths and peers are kept in memory; one background task keeps the engine equal to
/// them: it connects, replays or compares, then watches until the engine is lost, and starts over. Changes are sent by the caller's
/// own call, one at a time. While <see cref="Healthy"/> is true, the engine holds what it was told.
/// </summary>
public sealed partial class GoBgpSpeaker : IBgpSpeaker, IAsyncDisposable
{
    // An engine that is away is called again after a quarter of the time that it has been: its coming back is seen that late at most.
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromMilliseconds(10);
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
    private readonly ImportTable _imports;
    private readonly ImportWatch _importWatch;
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
    private readonly Lock _suspendLock = new();
    private readonly Suspects _suspects = new();
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
        _imports = new(time, _options.ImportedRoutesPerPeer);
        _importWatch = new(_engine, _imports, new(_options.AutonomousSystem, _options.RouterId), time, logger);
        _importWatch.Changed += OnImportsChanged;
    }

    public bool Enabled => true;

    public bool Healthy { get; private set; }

    public event Action? Changed;

    public IReadOnlyList<BgpSession> Sessions =>
        _sessions.List((external, constrained) => CountsFor(external, constrained is null ? null : _imports.MembershipsOf(constrained)));

    public BgpSpeakerCounters Counters => new(
        Interlocked.Read(ref _added), Interlocked.Read(ref _withdrawn), Interlocked.Read(ref _repairs), Interlocked.Read(ref _engineRestarts));

    /// <inheritdoc/>
    /// <remarks>Waits as long as the engine is away; <see cref="Healthy"/> tells.</remarks>
    public Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken)
    {
        _run ??= Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
        return _started.Task.WaitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var wanted = new PathTable(_paths);
            wanted.EnsureCapacity(paths.Count);
            var changes = new List<PathChange>();
            var refused = new List<RefusedPath>();
            foreach (var path in paths)
            {
                if (PathLimits.Fault(path) is { } fault)
                {
                    refused.Add(new(path.Key, fault));
                    continue;
                }
                var (key, nextHop, attributes) = _mapper.Map(path);
                var (identifier, wireIdentifier) = ((uint?)null, Math.Max(_paths.NextWireIdentifier(key), wanted.NextWireIdentifier(key)));
                PathAttributes? before = null;
                foreach (var held in _paths[key])
                {
                    if (!held.NextHop.Address.Equals(nextHop.Address)) continue;
                    (identifier, before, wireIdentifier) = (held.Identifier, held.Attributes, held.WireIdentifier);
                }
                wanted.Set(key, nextHop, attributes, identifier, out _, out var after, wireIdentifier);
                if (identifier is { } had && had != after.Identifier)
                    changes.Add(new(key, new(nextHop, before!, had), IsWithdraw: true));
                if (!attributes.Equals(before) || identifier != after.Identifier) Announce(changes, key, before, after);
            }
            foreach (var (key, held) in _paths.All)
            {
                foreach (var path in held)
                {
                    if (wanted.Contains(key, path.NextHop.Address)) continue;
                    wanted.Use(key, path);
                    changes.Add(new(key, path, IsWithdraw: true));
                }
            }

            lock (_pathsLock) _paths = wanted;
            return [.. refused, .. await SendAsync(changes)];
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(remove);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var adds = new List<(EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes)>(add.Count);
            var refused = new List<RefusedPath>();
            foreach (var path in add)
            {
                if (PathLimits.Fault(path) is { } fault) refused.Add(new(path.Key, fault));
                else adds.Add(_mapper.Map(path));
            }
            var added = remove.Count + refused.Count == 0 || adds.Count == 0 ? null : adds.Select(a => (a.Key, a.NextHop)).ToHashSet();
            var changes = new List<PathChange>(add.Count + remove.Count);
            lock (_pathsLock)
            {
                // Adds first: where a path replaces another, the routers always have one.
                foreach (var (key, nextHop, attributes) in adds)
                    if (_paths.Set(key, nextHop, attributes, null, out var before, out var after))
                        Announce(changes, key, before.Attributes, after);
                foreach (var named in remove.Concat(refused.Select(r => r.Key)))
                {
                    if (EngineRouteKey.From(named) is not { } key || added?.Contains((key, _mapper.NextHopOf(named.Path.NextHop))) == true) continue;
                    if (_paths.Remove(key, named.Path.NextHop, out var removed)) changes.Add(new(key, removed, IsWithdraw: true));
                }
            }
            return [.. refused, .. await SendAsync(changes)];
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
            _imports.SetPeers(byAddress);
            _ = _importWatch.ChangedAsync(WantsImports);
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

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _started.TrySetCanceled(CancellationToken.None);
        if (_run is not null) await _run;
        _channel.Dispose();
        _stop.Dispose();
        _gate.Dispose();
        _patrolNow.Dispose();
        _importWatch.Dispose();
    }

    private static void Announce(List<PathChange> changes, EngineRouteKey key, PathAttributes? before, HeldPath after)
    {
        // Without a withdraw the engine leaves with ADD-PATH peers what they may no longer have.
        if (before is not null && after.Attributes.IsRestricted && !before.IsRestricted)
            changes.Add(new(key, after with { Attributes = before }, IsWithdraw: true));
        changes.Add(new(key, after, IsWithdraw: false));
    }

    /// <summary>Sends the changes and answers the paths that the engine itself refuses; these are no longer in the table.</summary>
    private async Task<IReadOnlyList<RefusedPath>> SendAsync(List<PathChange> changes)
    {
        if (!Healthy || _connection is not { } connection)
            throw new BgpEngineException("The BGP engine does not answer; the change is applied when it is back.", isTransient: true);
        if (changes.Count == 0) return [];

        Interlocked.Exchange(ref _lastChange, _time.GetTimestamp());
        if (changes.Count >= Bulk) SuspendTableWatch();
        try
        {
            // Not the caller's token: half a stream would leave the engine in a state nobody knows.
            var refusals = await _engine.SendAsync(changes, PathMapper.Encode, connection.Token);
            var withdrawn = changes.Count(c => c.IsWithdraw) - refusals.Count(r => r.Item.IsWithdraw);
            Interlocked.Add(ref _withdrawn, withdrawn);
            Interlocked.Add(ref _added, changes.Count - refusals.Count - withdrawn);
            if (refusals.Count == 0) return [];
            var refused = await LeaveOutAsync(refusals, connection.Token);
            if (refusals.FirstOrDefault(r => r.Item.IsWithdraw) is { Reason: { } reason })
                throw new BgpEngineException($"The BGP engine refuses to withdraw a path: {reason}.", isTransient: false);
            return refused;
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

    /// <summary>Takes paths that the engine refuses out of the table, and earlier versions of them out of the engine. Under the gate.</summary>
    private async Task<IReadOnlyList<RefusedPath>> LeaveOutAsync(IReadOnlyList<EngineRefusal<PathChange>> refusals, CancellationToken cancellationToken)
    {
        var refused = new List<RefusedPath>();
        var withdraw = new List<PathChange>();
        foreach (var ((key, path, isWithdraw), reason) in refusals)
        {
            _logger.PathRefused(key.ToString(), path.NextHop.Address.ToString(), isWithdraw ? "to withdraw" : "to add", reason);
            if (isWithdraw) continue;
            lock (_pathsLock)
                if (_paths.Remove(key, path.NextHop.Address, out var removed)) withdraw.Add(new(key, removed, IsWithdraw: true));
            refused.Add(new(PathMapper.ToBgpPath(key, path).Key, $"The BGP engine refuses this path: {reason}."));
        }
        await _engine.SendAsync(withdraw, PathMapper.Encode, cancellationToken);
        return refused;
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

    /// <summary>What a peer gets; <paramref name="memberships"/> are those of a peer that negotiated route-target (RFC 4684), else null.</summary>
    private HeldCounts CountsFor(bool external, Memberships? memberships)
    {
        lock (_pathsLock)
        {
            var counts = new HeldCounts();
            if (memberships is null) CountUnicast(_paths, external, counts);
            foreach (var ((family, attributes), paths) in _paths.Vpn)
                if (!attributes.IsKeptFrom(external) && memberships?.Want(attributes.Vpn!.RouteTargets) != false)
                    counts[family] = new(counts[family].Paths + paths, counts[family].Prefixes + paths);
            return counts;
        }
    }

    private static void CountUnicast(PathTable paths, bool external, HeldCounts counts)
    {
        if (paths.Restricted == 0)
        {
            (counts[RouteFamily.Inet], counts[RouteFamily.Inet6]) = (paths[RouteFamily.Inet], paths[RouteFamily.Inet6]);
            return;
        }
        foreach (var (key, held) in paths.All)
        {
            if (key.Family.IsVpn()) continue;
            var sent = held.Count(p => !p.Attributes.IsKeptFrom(external));
            counts[key.Family] = new(counts[key.Family].Paths + sent, counts[key.Family].Prefixes + Math.Min(sent, 1));
        }
    }
}
