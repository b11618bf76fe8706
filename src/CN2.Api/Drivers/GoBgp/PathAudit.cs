using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Finds and repairs what differs between the engine and what is wanted: by the engine's events, by its counts, and where these do not
/// agree by comparing everything.
/// </summary>
internal sealed class PathAudit(
    GoBgpEngine engine, PathMapper mapper, WantedPaths wanted, PathSender sender, Patrol patrol, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// Minimum time between two counts, and between a change and a count. Counting makes gobgpd walk its table, so events that
    /// match what is wanted do not ask for a count within this time.
    /// </summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    /// <summary>From this many paths on, comparing everything costs less than asking for each.</summary>
    private const int MostSingleChecks = 100;

    /// <summary>One prefix of a VPN family cannot be listed, and listing all costs much: so often at most.</summary>
    private static readonly TimeSpan VpnInterval = TimeSpan.FromSeconds(30);

    private readonly PathsToRecheck _toRecheck = new();
    private long? _vpnAskedAt;
    private volatile bool _invalid;
    private long _lastChange;
    private long _lastCount;
    private long _repairs;

    public long Repairs => Interlocked.Read(ref _repairs);

    /// <summary>A change is being sent, or was sent: its own events follow.</summary>
    public void NoteChange() => Interlocked.Exchange(ref _lastChange, time.GetTimestamp());

    /// <summary>The engine may hold something else than is wanted: check at once.</summary>
    public void Invalidate()
    {
        _invalid = true;
        patrol.Request();
    }

    /// <summary>An event of the engine. The speaker's own changes are reported too, and match what is wanted; any other path is checked.</summary>
    public void Observe(IReadOnlyCollection<Wire.Path> paths)
    {
        var differs = false;
        foreach (var path in paths)
        {
            if (mapper.Decode(path) is not { } found) continue;
            if (found.Key is { } key)
            {
                if (wanted.Matches(key, found))
                {
                    if (!path.IsWithdraw) wanted.Numbers.Learn(key, found.NextHop!, path.LocalIdentifier);
                    if (!path.IsWithdraw) wanted.Best.LearnBest(key, found.NextHop!);
                    _toRecheck.Remove(key);
                    continue;
                }
                _toRecheck.Add(key, found);
            }
            differs = true;
        }
        // An event without a path, or with one that matches, may come from a change of another path of the prefix.
        if (!differs && (IsRecent(ref _lastChange) || IsRecent(ref _lastCount))) return;
        Invalidate();
    }

    /// <summary>Checks the paths that events named, then the counts; true when everything had to be compared.</summary>
    /// <param name="always">False: only if something called for it since the last check.</param>
    public async Task<bool> CheckAsync(EngineTurn turn, bool always)
    {
        if (!always && !_invalid) return false;
        _invalid = false;
        Interlocked.Exchange(ref _lastCount, time.GetTimestamp());
        var toRecheck = _toRecheck.TakeAll();
        if (toRecheck.Count is > 0 and <= MostSingleChecks)
        {
            var difference = new PathDifference();
            foreach (var (key, found) in toRecheck)
            {
                if (key.Family.IsVpn()) CompareNamed(turn, key, found, difference);
                else await CompareListedAsync(turn, key.Family, key, difference);
            }
            await RepairAsync(turn, difference);
        }
        if (toRecheck.Count <= MostSingleChecks && await CountsAgreeAsync(turn)) return false;
        await CompareAllAsync(turn);
        return true;
    }

    public async Task<bool> CountsAgreeAsync(EngineTurn turn)
    {
        foreach (var family in RouteFamilies.All)
            if (await engine.CountPathsAsync(family.ToWire(), turn.Lost) != wanted.CountOf(turn, family)) return false;
        return true;
    }

    /// <summary>Asks the engine which path of a prefix is the best one, where that may have changed.</summary>
    public async Task AskBestAsync(EngineTurn turn)
    {
        await foreach (var path in ListAsync(turn, wanted.Best.ToAskBest(turn)))
            if (path.Best && mapper.Decode(path) is { Key: { } key, NextHop: { } nextHop }) wanted.Best.LearnBest(key, nextHop);
    }

    /// <summary>Asks the engine by which numbers routers know paths, where that is not known.</summary>
    public async Task AskNumbersAsync(EngineTurn turn)
    {
        var keys = wanted.Numbers.ToAskNumber(turn);
        if (_vpnAskedAt is { } at && time.GetElapsedTime(at) < VpnInterval) keys.RemoveAll(k => k.Family.IsVpn());
        if (keys.Count == 0) return;
        if (keys.Exists(k => k.Family.IsVpn())) _vpnAskedAt = time.GetTimestamp();
        await foreach (var path in ListAsync(turn, keys))
            if (mapper.Decode(path) is { Key: { } key, NextHop: { } nextHop }) wanted.Numbers.Learn(key, nextHop, path.LocalIdentifier);
        wanted.Numbers.Numbered(turn, keys);
    }

    public async Task CompareAllAsync(EngineTurn turn)
    {
        var difference = new PathDifference();
        foreach (var family in RouteFamilies.All) await CompareListedAsync(turn, family, null, difference);
        await RepairAsync(turn, difference);
    }

    /// <summary>What the engine holds of these prefixes, or of their whole families where that costs less or one prefix of it cannot be listed.</summary>
    private async IAsyncEnumerable<Wire.Path> ListAsync(EngineTurn turn, List<EngineRouteKey> keys)
    {
        var isFew = keys.Count <= MostSingleChecks;
        foreach (var (family, prefix) in keys.Select(k => (k.Family, Prefix: isFew && !k.Family.IsVpn() ? k.Prefix : (HostPrefix?)null)).Distinct().ToList())
            await foreach (var path in engine.ListPathsAsync(family.ToWire(), prefix, turn.Lost)) yield return path;
    }

    private bool IsRecent(ref long timestamp) => time.GetElapsedTime(Interlocked.Read(ref timestamp)) < Quiet;

    /// <summary>Compares one key, or a whole family, as the engine lists it.</summary>
    private async Task CompareListedAsync(EngineTurn turn, RouteFamily family, EngineRouteKey? only, PathDifference difference)
    {
        var seen = new HashSet<(EngineRouteKey, uint)>();
        try
        {
            await foreach (var path in engine.ListPathsAsync(family.ToWire(), only?.Prefix, turn.Lost))
            {
                if (mapper.Decode(path) is not { } found) continue;
                if (found.Key is { } key && wanted.Find(turn, key, found.Identifier) is { } held)
                {
                    seen.Add((key, found.Identifier));
                    wanted.Numbers.Learn(key, held.NextHop.Address, path.LocalIdentifier);
                    if (!held.NextHop.Address.Equals(found.NextHop) || !held.Attributes.Equals(found.Attributes)) difference.AddMissing(key, held);
                    continue;
                }
                difference.AddForeign(path);
            }
        }
        catch (RpcException e) when (only is not null && e.StatusCode == StatusCode.Unknown)
        {
            // The prefix is not in the table.
        }

        if (only is { } one)
        {
            foreach (var path in wanted.Of(turn, one).ToArray())
                if (!seen.Contains((one, path.Identifier))) difference.AddMissing(one, wanted.Numbers.Renew(turn, one, path));
            return;
        }
        foreach (var (key, path) in wanted.Of(turn, family).Where(p => !seen.Contains((p.Key, p.Path.Identifier))).ToList())
            difference.AddMissing(key, wanted.Numbers.Renew(turn, key, path));
    }

    /// <summary>
    /// The engine cannot list one prefix of a VPN family, so the path of the event is used. Sending the wanted path again, and withdrawing one that
    /// is not wanted, is right whatever has happened since.
    /// </summary>
    private void CompareNamed(EngineTurn turn, EngineRouteKey key, FoundPath found, PathDifference difference)
    {
        if (wanted.Matches(key, found)) return;
        if (!found.Path.IsWithdraw && wanted.Find(turn, key, found.Identifier) is null) difference.AddForeign(found.Path);
        foreach (var path in wanted.Of(turn, key)) difference.AddMissing(key, path);
    }

    private async Task RepairAsync(EngineTurn turn, PathDifference difference)
    {
        if (difference.IsEmpty) return;
        await sender.SendAsync(turn, difference.Missing);
        if (difference.Foreign.Count > 0) await engine.SendAsync(difference.Foreign, turn.Lost);
        Interlocked.Add(ref _repairs, difference.Missing.Count + difference.Foreign.Count);
        logger.PathsRepaired(difference.Missing.Count, difference.Foreign.Count);
    }
}
