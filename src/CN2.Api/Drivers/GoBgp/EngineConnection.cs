using CN2.Api.Threading;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The life of the connection with the engine. One task (<see cref="RunAsync"/>) connects, starts the engine where it is empty, makes it
/// hold what is wanted, watches it until it is lost, and starts over.
/// </summary>
internal sealed class EngineConnection(
    GoBgpEngine engine, BmpStation? station, PathSync paths, PolicyAudit policies, ImportSync imports, PeerSync peers, Patrol patrol, TimeProvider time, ILogger logger) : IDisposable
{
    // An engine that is away is called again after a quarter of the time that it has been away: its return is noticed that late at most.
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(1);

    /// <summary>The peers are listed every so many rounds of the patrol: received counts, and a peer deleted by hand whose event was missed.</summary>
    private const int PeersEvery = 5;

    private readonly AsyncSignal _gate = new(isSet: true);
    private readonly TaskCompletionSource<IReadOnlyCollection<BgpPath>> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineLink? _link;
    private long _restarts;
    private int _reportedVersion;

    /// <summary><see cref="Healthy"/> or the number of announced paths changed.</summary>
    public event Action? Changed;

    /// <summary>The engine answers, and holds what is wanted.</summary>
    public bool Healthy => _link is { IsLost: false };

    /// <summary>How often the engine was found empty after it had been in use.</summary>
    public long Restarts => Interlocked.Read(ref _restarts);

    /// <summary>Completes when the engine has answered for the first time, with the paths that it held.</summary>
    public Task<IReadOnlyCollection<BgpPath>> FirstConnected => _connected.Task;

    /// <summary>Waits for the right to change what is wanted and what the engine holds. Dispose the turn soon: all others wait for it.</summary>
    public async Task<EngineTurn> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        return new(_gate, _link);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        var awaySince = time.GetTimestamp();
        var isAway = false;
        while (!stop.IsCancellationRequested)
        {
            var link = new EngineLink();
            var reason = "the connection ended";
            await using (stop.UnsafeRegister(l => ((EngineLink)l!).Break(), link))
            {
                try
                {
                    await ConnectAsync(link, stop);
                    if (_connected.Task.IsCompleted)
                        logger.EngineBack(engine.Address, time.GetElapsedTime(awaySince), paths.Count, peers.Count);
                    _connected.TrySetResult(paths.List());
                    isAway = false;
                    Changed?.Invoke();
                    await WatchAsync(link);
                }
                catch (Exception e) when (GoBgpEngine.IsLoss(e))
                {
                    reason = e is RpcException rpc ? rpc.Status.Detail : e.Message;
                }
                catch (Exception e)
                {
                    reason = e.Message;
                    logger.DriverFailed(e);
                }
            }

            // Again, after everything that observes sessions has ended.
            Lose(link);
            imports.EngineAway();
            if (stop.IsCancellationRequested) return;
            if (!isAway)
            {
                (isAway, awaySince) = (true, time.GetTimestamp());
                logger.EngineLost(engine.Address, reason);
                Changed?.Invoke();
            }
            var away = time.GetElapsedTime(awaySince);
            try
            {
                await Task.Delay(TimeSpan.FromTicks(Math.Clamp(away.Ticks / 4, ShortestRetry.Ticks, LongestRetry.Ticks)), time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    public void Dispose() => _connected.TrySetCanceled(CancellationToken.None);

    private async Task ConnectAsync(EngineLink link, CancellationToken stop)
    {
        await _gate.WaitAsync(stop);
        using var turn = new EngineTurn(_gate, link);
        peers.Begin(turn);
        // This order, and the restart flag on the peers: the routers go on forwarding by the old routes until they have the new ones.
        if (await StartIfEmptyAsync(turn)) await paths.ReplayAsync(turn, peers.HadPeers);
        else await paths.CompareAsync(turn);
        peers.RoutersMayKeep = paths.RoutersMayKeep;
        peers.HasUnconfirmedWithdrawals = paths.HasUnconfirmedWithdrawals;
        if (station is not null) await station.SynchronizeAsync(engine, turn);
        await imports.SynchronizeMembershipsAsync(turn);
        await peers.SynchronizeAsync(turn, paths.KeptNumbers);
        peers.EngineAway(false);
        imports.Connected();
        policies.Begin();
        _link = link;
    }

    /// <summary>True when the engine was empty and was started; false when it runs as it should.</summary>
    private async Task<bool> StartIfEmptyAsync(EngineTurn turn)
    {
        var global = await engine.GetAsync(turn.Lost);
        // An engine without peers has told no router anything: what an earlier run announced is still to be withdrawn by its old numbers.
        var isHalfStarted = global.Asn != 0 && !_connected.Task.IsCompleted && paths.HasExpected && await peers.HasNoPeersAsync(turn);
        if (global.Asn != 0 && engine.IsWanted(global) && !isHalfStarted)
        {
            if (await engine.Policies.EnsureAsync(paths.Limits, exactly: false, turn.Lost)) await engine.ResetInAsync(turn.Lost);
            return false;
        }
        if (global.Asn != 0)
        {
            if (!isHalfStarted) logger.EngineReplaced(engine.Address, global.Asn, global.RouterId);
            await engine.StopAsync(turn.Lost);
        }
        peers.EngineStarting(turn);
        await engine.StartAsync(paths.Limits, turn.Lost);
        logger.EngineStarted(engine.Address, engine.AutonomousSystem, engine.RouterId);
        if (_connected.Task.IsCompleted) Interlocked.Increment(ref _restarts);
        return true;
    }

    /// <summary>Runs everything that follows the engine, until the first of it ends; throws what ended it.</summary>
    private async Task WatchAsync(EngineLink link)
    {
        Task[] watches = [peers.WatchAsync(link.Lost), paths.WatchAsync(link.Lost), PatrolAsync(link.Lost), HeartbeatAsync(link.Lost), imports.WatchAsync(link.Lost)];
        var first = await Task.WhenAny(watches);
        Lose(link);
        try
        {
            await Task.WhenAll(watches);
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            // What ended first is the reason; the others were cancelled.
        }
        await first;
    }

    private void Lose(EngineLink link)
    {
        // Sessions first: a reader that sees the connection lost sees no session up.
        peers.EngineAway(true);
        link.Break();
    }

    /// <summary>
    /// Asks the engine whether it is there, without the turn: an engine that hangs is noticed also while a change waits for it. (Its gRPC server
    /// ends connections of clients that send HTTP/2 pings more often than every five minutes.)
    /// </summary>
    private async Task HeartbeatAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await engine.GetAsync(cancellationToken);
            await Task.Delay(Patrol.Interval, time, cancellationToken);
        }
    }

    private async Task PatrolAsync(CancellationToken cancellationToken)
    {
        var isSettling = true;
        for (var round = 1; ; round++)
        {
            var requested = await patrol.WaitAsync(isSettling, cancellationToken);
            var withdrew = false;
            using (var turn = await TakeTurnAsync(cancellationToken))
            {
                // What the policies changed on the way out is sent anew when all routers are settled, as withdrawals are.
                if (paths.HasLeaving || engine.Policies.OwesResend) peers.ForgetLate(turn);
                // Before the paths, because a path that is not wanted may leave as long as they are not restored.
                await policies.CheckAsync(turn);
                var comparedAll = await paths.CheckAsync(turn, always: !requested);
                await imports.CheckMembershipsAsync(turn, always: comparedAll);
                await peers.CheckAsync(turn, always: round % PeersEvery == 0);
                if (paths.HasLeaving)
                {
                    await peers.NoteWithdrawalsAsync(turn);
                    if (peers.IsSettled(turn)) withdrew = await paths.WithdrawLeavingAsync(turn);
                }
                if (peers.AnyWithoutAddPath) await paths.AskBestAsync(turn);
                isSettling = peers.IsSettling(turn);
            }
            // The sessions' advertised counts follow the paths. This is reported once a round, not for every path.
            if (Interlocked.Exchange(ref _reportedVersion, paths.Version) != paths.Version || withdrew) Changed?.Invoke();
        }
    }
}
