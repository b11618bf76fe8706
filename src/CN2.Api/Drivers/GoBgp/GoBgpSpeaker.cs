using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Fencing;
using CN2.Network.Overlay;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Drives one gobgpd 3.10 over gRPC. What is wanted is kept in memory, and the engine is kept equal to it: <see cref="EngineConnection"/>
/// holds the connection, <see cref="PathSync"/>, <see cref="PeerSync"/> and <see cref="ImportSync"/> each know what is wanted, what the
/// engine holds, and how to repair it. This class composes them.
/// <para>
/// Threads. What is wanted and what the engine holds is changed by the holder of the <see cref="EngineTurn"/> alone: the callers of
/// <c>Set…Async</c> and <c>ChangePathsAsync</c>, the connection's task while it connects, and its patrol. A method that needs the turn has
/// it as a parameter. Everything without that parameter may be called from any thread, and its class keeps its state by a lock or by
/// single words: the watches note what is to be checked and ask for a patrol, they never repair. Events are raised on any thread, without
/// the turn or with it; a handler must not wait for a turn.
/// </para>
/// </summary>
public sealed class GoBgpSpeaker : IBgpSpeaker, IAsyncDisposable
{
    private readonly GoBgpEngine _engine;
    private readonly HeldPaths _held = new();
    private readonly IDisposable? _channel;
    private readonly SessionTable _sessions;
    private readonly PeerMapper _mapper;
    private readonly PathSync _paths;
    private readonly PolicyAudit _policies;
    private readonly PeerSync _peers;
    private readonly ISessionTurns _turns;
    private readonly ImportSync _imports;
    private readonly Patrol _patrol;
    private readonly BmpStation? _station;
    private readonly EngineConnection _connection;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _startLock = new();
    private volatile IReadOnlyCollection<BgpPeer> _expectedPeers = [];
    private Task? _run;

    public GoBgpSpeaker(BgpOptions options, ISessionTurns turns, TimeProvider time, ILogger<GoBgpSpeaker> logger)
        : this(options, turns, time, logger, BmpStation.Listen)
    {
    }

    /// <param name="listen">For an engine in another network namespace: a listening socket there.</param>
    internal GoBgpSpeaker(
        BgpOptions options, ISessionTurns turns, TimeProvider time, ILogger<GoBgpSpeaker> logger, Func<System.Net.IPAddress, System.Net.Sockets.Socket> listen)
        : this(GoBgpChannel.Open((options ?? throw new ArgumentNullException(nameof(options))).GoBgpAddress), options, turns, time, logger, listen)
    {
    }

    /// <summary>The simulation answers the calls by a model of gobgpd, which has no BMP.</summary>
    internal GoBgpSpeaker(CallInvoker calls, BgpOptions options, ISessionTurns turns, TimeProvider time, ILogger<GoBgpSpeaker> logger)
        : this(new Wire.GobgpApi.GobgpApiClient(calls), null, options, turns, time, logger, null)
    {
    }

    private GoBgpSpeaker(
        GrpcChannel channel, BgpOptions options, ISessionTurns turns, TimeProvider time, ILogger<GoBgpSpeaker> logger,
        Func<System.Net.IPAddress, System.Net.Sockets.Socket> listen)
        : this(new Wire.GobgpApi.GobgpApiClient(channel), channel, options, turns, time, logger, listen)
    {
    }

    private GoBgpSpeaker(
        Wire.GobgpApi.GobgpApiClient client, IDisposable? channel, BgpOptions options, ISessionTurns turns, TimeProvider time, ILogger<GoBgpSpeaker> logger,
        Func<System.Net.IPAddress, System.Net.Sockets.Socket>? listen)
    {
        _channel = channel;
        var engine = _engine = new GoBgpEngine(client, options, time);
        _sessions = new(time, options.ListenPort > 0);
        _patrol = new(time);
        var tableWatch = new TableWatch(engine, time);
        _paths = new(engine, tableWatch, _sessions.AnyWithoutAddPath, _patrol, time, logger);
        _mapper = new(options);
        _peers = new(engine, _mapper, _sessions, turns, _patrol, time, logger);
        _turns = turns;
        turns.Taken += _peers.MayChange;
        _imports = new(engine, tableWatch, _sessions, options, time, logger);
        if (listen is not null && (options.StationHost is not null || BmpStation.IsBeside(options.GoBgpAddress)))
        {
            _station = new(options.StationHost, listen, _sessions, logger);
            _station.Changed += RaiseChanged;
        }
        _policies = new(engine, _paths, _peers, _held, time, logger);
        _connection = new(engine, _station, _paths, _policies, _imports, _peers, _patrol, time, logger);
        _peers.Changed += RaiseChanged;
        _imports.Changed += RaiseChanged;
        _connection.Changed += RaiseChanged;
    }

    public bool Enabled => true;

    public bool Healthy => _connection.Healthy;

    public event Action? Changed;

    public IReadOnlyList<BgpSession> Sessions =>
        _sessions.List((peer, external, constrained) => _paths.CountsFor(peer, external, constrained ? _imports.MembershipsOf(peer.ToString()) : null));

    public BgpSpeakerCounters Counters => new(_paths.Added, _paths.Withdrawn, _paths.Repairs, _connection.Restarts) { PathsHeldBack = _held.Count, PolicyRepairs = _policies.Repairs };

    /// <inheritdoc/>
    public void Expect(IReadOnlyCollection<AnnouncedPath> paths) => _paths.Expect(paths);

    /// <inheritdoc/>
    public IReadOnlyList<uint> PathIdentifiersOf(IReadOnlyCollection<BgpPathKey> paths) => _paths.IdentifiersOf(paths, _connection.Healthy);

    /// <inheritdoc/>
    public Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken)
    {
        lock (_startLock) _run ??= RunAsync();
        return _connection.FirstConnected.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        using var turn = await _connection.TakeTurnAsync(cancellationToken);
        _held.Replace(paths);
        await _paths.ExpectLimitsAsync(turn, LimitsOf(await _peers.ResolveAsync(turn, _expectedPeers)));
        await _peers.NoteWithdrawalsAsync(turn);
        return await _paths.SetAsync(turn, paths, _peers.IsSettled(turn), _peers.HadPeers);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(remove);
        using var turn = await _connection.TakeTurnAsync(cancellationToken);
        _held.Change(add, remove.Count == 0 ? [] : [.. remove.Except(add.Select(p => p.Key))]);
        // What some routers must lose is withdrawn from them too.
        if (remove.Count > 0 || add.Any(p => PathAttributes.AreRestricting(p.Communities))) await _peers.NoteWithdrawalsAsync(turn);
        var answer = await _paths.ChangeAsync(turn, add, remove, _peers.IsSettled(turn), _peers.HadPeers);
        // An earlier version of what is refused was withdrawn.
        if (answer.Any(r => !r.IsWithdrawal)) await _peers.NoteWithdrawalsAsync(turn);
        if (answer.Any(r => r.IsWithdrawal)) _patrol.Request();
        return answer;
    }

    /// <inheritdoc/>
    public async Task SetFenceAsync(ExportFence fence, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(fence);
        using (var turn = await _connection.TakeTurnAsync(cancellationToken))
        {
            // What the fence of an earlier run held back is not known.
            var (isFirst, replaced) = (_engine.Policies.Fence is null, _engine.Policies.ReplacedFences);
            _engine.Policies.Fence = new FencePolicy(fence);
            var released = _held.Replace(fence, _paths.List());
            await turn.TryAsync(async () =>
            {
                await _engine.Policies.EnsureAsync(_paths.Limits, exactly: false, turn.Lost);
                // The engine decides about a path when it sends it: what it held back is sent only when it is asked to.
                if (released || (isFirst && _engine.Policies.ReplacedFences != replaced)) await _engine.ResetOutAsync(turn.Lost);
            });
        }
        RaiseChanged();
    }

    /// <inheritdoc/>
    public async Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peers);
        using (var turn = await _connection.TakeTurnAsync(cancellationToken))
        {
            var byAddress = await _peers.SetAsync(turn, peers);
            _imports.SetPeers(turn, byAddress);
            await _paths.SetLimitsAsync(turn, LimitsOf(byAddress.Values));
            await turn.TryAsync(() => _peers.SynchronizeAsync(turn, _paths.KeptNumbers));
        }
        RaiseChanged();
    }

    /// <inheritdoc/>
    /// <remarks>Completes when the routes that peers have sent already are known, or the engine is away.</remarks>
    public async Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(routeTargets);
        foreach (var target in routeTargets) _ = VpnCodec.Encode(target);
        Task known;
        using (var turn = await _connection.TakeTurnAsync(cancellationToken)) known = await _imports.SetTargetsAsync(turn, routeTargets);
        if (_imports.HasChanges) RaiseChanged();
        await known.WaitAsync(cancellationToken);
    }

    public IReadOnlyCollection<ImportedRouteChange> TakeImported() => _imports.Take();

    /// <inheritdoc/>
    public void ExpectPeers(IReadOnlyCollection<BgpPeer> peers) => _expectedPeers = peers;

    /// <inheritdoc/>
    public IReadOnlyList<string> WithheldFrom(BgpPathKey path) => _paths.WithheldFrom(path);

    /// <inheritdoc/>
    public bool IsHeldBack(BgpPathKey path) => _held.Contains(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> KeptFrom(BgpPathKey path) => _held.Contains(path) ? [.. Sessions.Select(s => s.Peer)]
        : _paths.AttributesOf(path) is { IsRestricted: true } attributes ? _sessions.PeersKeptFrom(attributes) : [];

    /// <inheritdoc/>
    public bool IsBest(BgpPathKey path) => _paths.IsBest(path);

    /// <inheritdoc/>
    public IReadOnlyCollection<BgpPath> TakeMoved() => _paths.TakeMoved();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _turns.Taken -= _peers.MayChange;
        if (_run is not null) await _run;
        _connection.Dispose();
        _station?.Dispose();
        _channel?.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield(); // the connection has a task of its own from its first step on
        await Task.WhenAll(_connection.RunAsync(_stop.Token), _station?.RunAsync(_stop.Token) ?? Task.CompletedTask);
    }

    private IReadOnlyList<LimitedPeer> LimitsOf(IEnumerable<BgpPeer> peers) =>
        [.. from peer in peers where peer.MaxAdvertised is not null
            orderby peer.Address.ToString()
            select new LimitedPeer(peer.Name, peer.Address, _mapper.IsExternal(peer), peer.AddressFamilies, peer.MaxAdvertised!.Value)];

    private void RaiseChanged() => Changed?.Invoke();
}
