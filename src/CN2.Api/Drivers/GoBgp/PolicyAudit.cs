namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Finds and restores policies of the engine that another program has changed: its policies and their order, the default actions, statements and sets.
/// Of such a change there is no event, so they are compared again and again.
/// </summary>
internal sealed class PolicyAudit(GoBgpEngine engine, PathSync paths, HeldPaths held, TimeProvider time, ILogger logger)
{
    /// <summary>Comparing large grants takes time: after it a pause of this many times what it took.</summary>
    private const int Share = 20;

    /// <summary>The engine does not take what it is given, for example because a policy of somebody else uses a set. It is tried again after this time.</summary>
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    private long? _comparedAt;
    private TimeSpan _pause;
    private long _repairs;

    /// <summary>How often policies were restored.</summary>
    public long Repairs => Interlocked.Read(ref _repairs);

    /// <summary>Another connection with the engine begins: they are compared at once.</summary>
    public void Begin() => _comparedAt = null;

    /// <summary>Compares the policies, if that is due, and restores them.</summary>
    public async Task CheckAsync(EngineTurn turn)
    {
        if (_comparedAt is { } at && time.GetElapsedTime(at) < _pause) return;
        var began = time.GetTimestamp();
        var differences = await DifferencesAsync(turn);
        var isRepaired = differences.Count == 0 || await RestoreAsync(turn, differences);
        _comparedAt = time.GetTimestamp();
        _pause = isRepaired ? Longer(Patrol.Interval, time.GetElapsedTime(began) * Share) : AfterFailure;
    }

    private async Task<IReadOnlyList<string>> DifferencesAsync(EngineTurn turn) =>
        await engine.Policies.DifferencesAsync(paths.Limits, paths.LimitsAreExact, await ExternalPeersAsync(turn), turn.Lost);

    private async Task<List<System.Net.IPAddress>> ExternalPeersAsync(EngineTurn turn) =>
    [
        .. from peer in await engine.ListPeersAsync(null, turn.Lost)
           where peer.Conf.Type == Wire.PeerType.External
           select System.Net.IPAddress.Parse(peer.Conf.NeighborAddress),
    ];

    private async Task<bool> RestoreAsync(EngineTurn turn, IReadOnlyList<string> differences)
    {
        logger.PoliciesChanged(engine.Address, string.Join(", ", differences));
        await engine.Policies.RestoreAsync(paths.Limits, await ExternalPeersAsync(turn), turn.Lost);
        Interlocked.Increment(ref _repairs);
        // The engine takes nothing back that the policies reject now. What was changed on the way out is sent as it should be.
        await paths.SendAnewAsync(turn, held.Contains);
        await engine.ResetOutAsync(turn.Lost);
        await engine.ResetInAsync(turn.Lost);
        var left = await DifferencesAsync(turn);
        if (left.Count > 0) logger.PoliciesNotRestored(engine.Address, string.Join(", ", left));
        return left.Count == 0;
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
