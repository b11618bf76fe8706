using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Watching the engine and comparing what it holds with what is wanted.</summary>
public sealed partial class GoBgpSpeaker
{
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
            lock (_suspendLock)
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
                lock (_suspendLock) _tableWatch = null;
            }
        }
    }

    /// <summary>Our own changes come back here as well and match what is wanted; what does not match is looked at.</summary>
    private void ObserveTable(IReadOnlyCollection<Wire.Path> paths)
    {
        var suspicious = false;
        foreach (var path in paths)
        {
            if (path.IsWithdraw && RouteFamilies.RouteTarget.Equals(path.Family)) _membershipsSuspect = true;
            if (_mapper.Decode(path) is not { } found) continue;
            if (found.Key is { } key && IsAsWanted(key, found, path.IsWithdraw))
            {
                _suspects.Clear(key);
                continue;
            }
            suspicious = true;
            if (found.Key is not null) _suspects.Add(found);
        }
        // Not named, or named as it should be: another path of the prefix may be what changed. Unless we are changing things ourselves.
        if (!suspicious && (_time.GetElapsedTime(Interlocked.Read(ref _lastChange)) < Quiet || _time.GetElapsedTime(Interlocked.Read(ref _lastCount)) < Quiet))
            return;
        _pathsSuspect = true;
        Patrol();
    }

    private bool IsAsWanted(EngineRouteKey key, FoundPath found, bool withdrawn)
    {
        lock (_pathsLock)
        {
            var held = _paths[key];
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
                if (_membershipsSuspect) await SynchronizeMembershipsAsync(cancellationToken);
                if (_peersSuspect || round % PeersEvery == 0) await SynchronizePeersAsync(cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
            // Advertised counts follow the table; told once a round, not with every path.
            if (Interlocked.Exchange(ref _announced, _paths.Version) != _paths.Version) Changed?.Invoke();
        }
    }

    private async Task CheckPathsAsync(CancellationToken cancellationToken)
    {
        _pathsSuspect = false;
        Interlocked.Exchange(ref _lastCount, _time.GetTimestamp());
        var suspects = _suspects.Take();
        if (suspects.Count is > 0 and <= 100)
        {
            var difference = new Difference();
            foreach (var (key, found) in suspects)
            {
                if (key.Family.IsVpn()) CompareNamed(key, found, difference);
                else await CompareListedAsync(key.Family, key, difference, cancellationToken);
            }
            await RepairAsync(difference, cancellationToken);
        }
        if (suspects.Count > 100 || !await CountsAgreeAsync(cancellationToken)) await CompareAllAsync(cancellationToken);
    }

    private async Task<bool> CountsAgreeAsync(CancellationToken cancellationToken)
    {
        foreach (var family in RouteFamilies.All)
            if (await _engine.CountPathsAsync(family.ToWire(), cancellationToken) != _paths[family].Paths) return false;
        return true;
    }

    /// <summary>Compares everything. Under the gate.</summary>
    private async Task CompareAllAsync(CancellationToken cancellationToken)
    {
        var difference = new Difference();
        foreach (var family in RouteFamilies.All) await CompareListedAsync(family, null, difference, cancellationToken);
        await RepairAsync(difference, cancellationToken);
        _membershipsSuspect = true;
    }

    /// <summary>Compares one key, or a whole family, with what is wanted, as the engine lists it. Under the gate.</summary>
    private async Task CompareListedAsync(RouteFamily family, EngineRouteKey? only, Difference difference, CancellationToken cancellationToken)
    {
        var seen = new HashSet<(EngineRouteKey, uint)>();
        try
        {
            await foreach (var path in _engine.ListPathsAsync(family.ToWire(), only?.Prefix, cancellationToken))
            {
                if (_mapper.Decode(path) is not { } found) continue;
                if (found.Key is { } key && Find(key, found.Identifier) is { } held)
                {
                    seen.Add((key, found.Identifier));
                    if (!held.NextHop.Address.Equals(found.NextHop) || !held.Attributes.Equals(found.Attributes)) difference.Add(key, held);
                    continue;
                }
                difference.Remove(path);
            }
        }
        catch (RpcException e) when (only is not null && e.StatusCode == StatusCode.Unknown)
        {
            // The prefix is not in the table at all.
        }

        var wanted = only is { } one ? [new(one, _paths[one].ToArray())] : _paths.All.Where(p => p.Key.Family == family);
        foreach (var (key, held) in wanted)
            foreach (var path in held)
                if (!seen.Contains((key, path.Identifier))) difference.Add(key, path);
    }

    /// <summary>
    /// The engine cannot list one prefix of a VPN family. What the event named is enough: telling it again, or taking back what is not
    /// ours, is right whatever has happened since.
    /// </summary>
    private void CompareNamed(EngineRouteKey key, FoundPath found, Difference difference)
    {
        if (IsAsWanted(key, found, found.Path.IsWithdraw)) return;
        if (!found.Path.IsWithdraw && Find(key, found.Identifier) is null) difference.Remove(found.Path);
        foreach (var path in _paths[key]) difference.Add(key, path);
    }

    private async Task RepairAsync(Difference difference, CancellationToken cancellationToken)
    {
        if (difference.IsEmpty) return;
        var refusals = await _engine.SendAsync(difference.Missing, PathMapper.Encode, cancellationToken);
        await _engine.SendAsync(difference.Foreign, cancellationToken);
        await LeaveOutAsync(refusals, cancellationToken);
        Interlocked.Add(ref _repairs, difference.Missing.Count + difference.Foreign.Count);
        _logger.PathsRepaired(difference.Missing.Count, difference.Foreign.Count);
    }

    private HeldPath? Find(EngineRouteKey key, uint identifier)
    {
        foreach (var path in _paths[key])
            if (path.Identifier == identifier) return path;
        return null;
    }

    private void SuspendTableWatch()
    {
        lock (_suspendLock)
        {
            _tableWatchSuspended = true;
            _tableWatch?.Cancel();
        }
    }

    private void ResumeTableWatch()
    {
        lock (_suspendLock) _tableWatchSuspended = false;
        _pathsSuspect = true;
        Patrol();
    }
}
