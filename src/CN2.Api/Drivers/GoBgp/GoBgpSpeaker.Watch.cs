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
}
