using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The background task: connects, replays or compares, watches until the engine is lost, starts over.</summary>
public sealed partial class GoBgpSpeaker
{
    private async Task RunAsync(CancellationToken stop)
    {
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
                    _importWatch.Connected();
                    Healthy = true;
                }
                finally
                {
                    _gate.Release();
                }
                if (_started.Task.IsCompleted)
                    _logger.EngineBack(_options.GoBgpAddress.OriginalString, _time.GetElapsedTime(lostAt), _paths.Count, _peers?.Count ?? 0);
                _started.TrySetResult(Held());
                told = false;
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
            _importWatch.Lost();
            _imports.Expire();
            if (stop.IsCancellationRequested) break;
            if (told) OnImportsChanged();
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
                var away = _time.GetElapsedTime(lostAt);
                await Task.Delay(TimeSpan.FromTicks(Math.Clamp(away.Ticks / 4, ShortestRetry.Ticks, LongestRetry.Ticks)), _time, stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }
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
                lock (_pathsLock) _paths.Arrange();
                var all = _paths.All.SelectMany(p => p.Value, (p, path) => new PathChange(p.Key, path, IsWithdraw: false)).ToList();
                var refusals = await _engine.SendAsync(all, PathMapper.Encode, cancellationToken);
                await LeaveOutAsync(refusals, cancellationToken);
                lock (_pathsLock) _paths.Renumber();
                Interlocked.Add(ref _added, _paths.Count);
            }
            await SynchronizeMembershipsAsync(cancellationToken);
        }
        else
        {
            if (await _engine.EnsurePoliciesAsync(cancellationToken)) await _engine.ResetInAsync(cancellationToken);
            if (!_adopted) await AdoptAsync(cancellationToken);
            else if (_uncertain || !await CountsAgreeAsync(cancellationToken)) await CompareAllAsync(cancellationToken);
            await SynchronizeMembershipsAsync(cancellationToken);
        }
        (_adopted, _uncertain) = (true, false);
        if (_peers is not null) await SynchronizePeersAsync(cancellationToken);
    }

    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        var foreign = new List<Wire.Path>();
        foreach (var family in RouteFamilies.All)
        {
            await foreach (var path in _engine.ListPathsAsync(family.ToWire(), null, cancellationToken))
            {
                if (_mapper.Decode(path) is not { } found) continue;
                if (found is { Key: { } key, NextHop: { } nextHop, Attributes: { } attributes, Identifier: not 0 }
                    && !_paths.Contains(key, nextHop))
                {
                    lock (_pathsLock) _paths.Set(key, _mapper.NextHopOf(nextHop), attributes, found.Identifier, out _, out _, path.LocalIdentifier);
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
        Task[] watches = [WatchPeersAsync(token), WatchTableAsync(token), PatrolAsync(token), _importWatch.RunAsync(token)];
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
}
