namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Finds and restores policies of the engine that another program has changed: its policies and their order, the default actions, statements and sets.
/// Of such a change there is no event, so they are compared again and again.
/// </summary>
internal sealed class PolicyAudit(GoBgpEngine engine, PathSync paths, PeerSync peers, HeldPaths held, TimeProvider time, ILogger logger)
{
    /// <summary>Comparing large grants takes time: after it a pause of this many times what it took.</summary>
    private const int Share = 20;

    /// <summary>The engine does not take what it is given, for example because a policy of somebody else uses a set. It is tried again after this time.</summary>
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    private long? _comparedAt;
    private TimeSpan _pause;
    private long _repairs;

    /// <summary>How many assignments of somebody else were reported.</summary>
    private int _reported;

    /// <summary>What the last attempt could not restore.</summary>
    private IReadOnlyList<string> _left = [];

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
        if (engine.Policies.Fence is not null) ReportReplaced();
        var isRepaired = differences.Count == 0 || await RestoreAsync(turn, differences);
        if (differences.Count == 0) _left = [];
        if (engine.Policies is { Fence: not null, OwesResend: true }) await ResendAsync(turn);
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

    /// <summary>A change that was found and replaced before the policies were compared, so that the comparison does not show it.</summary>
    private void ReportReplaced()
    {
        if (engine.Policies.ReplacedAssignments == _reported) return;
        _reported = engine.Policies.ReplacedAssignments;
        if (!engine.Policies.OwesResend) return;
        logger.PoliciesChanged(engine.Address, "assignment");
        Interlocked.Increment(ref _repairs);
    }

    private async Task<bool> RestoreAsync(EngineTurn turn, IReadOnlyList<string> differences)
    {
        // What could not be restored the last time, and nothing else: only whether it can be now is tried.
        var isOld = !engine.Policies.OwesResend && differences.SequenceEqual(_left);
        if (!isOld) logger.PoliciesChanged(engine.Address, string.Join(", ", differences));
        await engine.Policies.RestoreAsync(paths.Limits, await ExternalPeersAsync(turn), turn.Lost);
        var left = await DifferencesAsync(turn);
        if (isOld && left.SequenceEqual(_left)) engine.Policies.OwesResend = false;
        else Interlocked.Increment(ref _repairs);
        _left = left;
        if (left.Count > 0) logger.PoliciesNotRestored(engine.Address, string.Join(", ", left));
        return left.Count == 0;
    }

    /// <summary>
    /// The engine takes nothing back that the policies reject now. What was changed on the way out is sent as it should be, as soon as the withdrawals reach every
    /// router that may have the paths.
    /// </summary>
    private async Task ResendAsync(EngineTurn turn)
    {
        if (!peers.IsSettled(turn)) return;
        await peers.NoteWithdrawalsAsync(turn);
        await paths.SendAnewAsync(turn, held.Contains);
        await engine.ResetOutAsync(turn.Lost);
        await engine.ResetInAsync(turn.Lost);
        engine.Policies.OwesResend = false;
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
