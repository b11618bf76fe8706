namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The sessions that are closed and opened anew to change them, in turns with the other control nodes. Not thread-safe: its caller has the
/// engine's turn.
/// </summary>
internal sealed class SessionChanges(ISessionTurns turns, TimeProvider time)
{
    /// <summary>How long a turn is kept for a router that does not come back. Nobody else gets one while the session is down (<see cref="ISessionTurns.TryTake"/>).</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>The router has everything when it was sent nothing for this long: the engine does not say when it has sent the last route.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(600);

    /// <summary>The engine takes a while to make the first message of many routes; without graceful restart, no route is no message.</summary>
    private static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, Change> _running = [];
    private HashSet<string> _waiting = [];
    private HashSet<string> _waited = [];

    /// <summary>A session is not complete yet; of that there is no event.</summary>
    public bool AreRunning => _running.Count > 0;

    /// <summary>The session may be closed now. False: another control node has not completed its own yet; ask again in the next round.</summary>
    public bool MayBegin(string address)
    {
        if (_running.ContainsKey(address) || turns.TryTake(address)) return true;
        _waiting.Add(address);
        return false;
    }

    /// <summary>True once for each wait: it is worth a word in the log.</summary>
    public bool BeginsToWait(string address) => !_waited.Contains(address);

    /// <summary>The session was closed.</summary>
    public void Begin(string address) => _running[address] = new(time.GetTimestamp(), null, 0);

    /// <summary>What the engine lists about a peer.</summary>
    public void Observe(Wire.Peer actual)
    {
        var address = actual.Conf.NeighborAddress;
        if (!_running.TryGetValue(address, out var change)) return;
        var isUp = actual.State?.SessionState is Wire.PeerState.Types.SessionState.Established && actual.GracefulRestart?.LocalRestarting != true;
        var sent = actual.State?.Messages?.Sent?.Update ?? 0;
        if (!isUp) _running[address] = change with { QuietSince = null };
        else if (change.QuietSince is not { } since || sent != change.Sent) _running[address] = change with { QuietSince = time.GetTimestamp(), Sent = sent };
        else if (time.GetElapsedTime(since) >= (sent > 0 ? Quiet : FirstPatience)) End(address);
    }

    /// <summary>A round over all peers is over: changes that take too long, and those that nobody asked about any more, hold up nobody.</summary>
    public void EndRound()
    {
        foreach (var (address, change) in _running.ToList())
            if (time.GetElapsedTime(change.Since) >= Patience) End(address);
        foreach (var address in _waited.Where(a => !_waiting.Contains(a) && !_running.ContainsKey(a))) turns.GiveBack(address);
        (_waited, _waiting) = (_waiting, []);
    }

    private void End(string address)
    {
        _running.Remove(address);
        turns.GiveBack(address);
    }

    private readonly record struct Change(long Since, long? QuietSince, ulong Sent);
}
