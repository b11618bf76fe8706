namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The peers that may have missed a withdrawal, because their session was down or was lost soon after. FRR 8.4 keeps such paths for ever when they
/// come by ADD-PATH: its sweep ends at the first path of a prefix (FRR#17372). A NOTIFICATION makes any router drop all, so such a session is opened
/// twice; by the next run of this server when this one ends before. For the holder of the turn.
/// </summary>
internal sealed class MissedWithdrawals(ISessionTurns turns, SessionTable sessions, TimeProvider time)
{
    private readonly HashSet<string> _peers = [];

    /// <summary>
    /// Peers of an engine that ran before this server, whose sessions were down when it came: they may have been up before, so their routers may keep
    /// paths. Until they are in session.
    /// </summary>
    private readonly HashSet<string> _foundAway = [];

    /// <summary>When this server closed a session itself last, and whether the router dropped everything then; by address.</summary>
    private readonly Dictionary<string, (long At, bool Drops)> _closed = [];

    /// <summary>When something was withdrawn last.</summary>
    private long? _withdrewAt;

    /// <summary>Paths were withdrawn before the wanted peers were known.</summary>
    private bool _withdrewEarly;

    private bool _hasBegun;
    private bool _coversLostRows;

    /// <summary>Takes over what an earlier run owed; called before anything is withdrawn or any peer is given.</summary>
    public void Begin()
    {
        if (!_hasBegun) _peers.UnionWith(turns.Owed);
        _hasBegun = true;
    }

    public bool Contains(string address) => _peers.Contains(address);

    public bool Add(string address) => _peers.Add(address);

    public void AddAll(IEnumerable<string> addresses) => _peers.UnionWith(addresses);

    /// <summary>A router of this engine that may keep paths which a lost row named.</summary>
    public void AddWhereKept(string address, BgpPeer peer)
    {
        if (MayKeep(peer)) _peers.Add(address);
    }

    /// <summary>All routers that may keep what a lost row named were added (<see cref="ISessionTurns.RowsLost"/>).</summary>
    public void CoverLostRows() => _coversLostRows = true;

    /// <summary>The router has dropped everything, or has nothing that it could keep.</summary>
    public void Remove(string address) => _peers.Remove(address);

    public void FoundAway(string address) => _foundAway.Add(address);

    /// <summary>Paths are about to be withdrawn. Completes when those who come after this server know whom that does not reach.</summary>
    /// <param name="wanted">By address; null: they are not known yet.</param>
    public Task WithdrawsAsync(IReadOnlyDictionary<string, BgpPeer>? wanted)
    {
        _withdrewAt = time.GetTimestamp();
        if (wanted is null) _withdrewEarly = true;
        else _peers.UnionWith(wanted.Where(p => MayKeep(p.Value) && (WasLost(p.Key) || IsFoundAway(p.Key))).Select(p => p.Key));
        return KeepAsync();
    }

    /// <summary>The wanted peers are known.</summary>
    public void Know(IReadOnlyDictionary<string, BgpPeer> wanted)
    {
        if (_withdrewEarly) _peers.UnionWith(wanted.Where(p => MayKeep(p.Value) && _foundAway.Contains(p.Key)).Select(p => p.Key));
        _withdrewEarly = false;
    }

    /// <summary>Forgets the peers that are not wanted any more.</summary>
    public void Retain(IReadOnlyDictionary<string, BgpPeer> wanted)
    {
        _foundAway.RemoveWhere(a => !wanted.ContainsKey(a) || sessions.IsEstablished(a));
        _peers.IntersectWith(wanted.Keys);
        foreach (var address in _closed.Keys.Except(wanted.Keys).ToList()) _closed.Remove(address);
    }

    /// <summary>Those who come after this server must know it before the engine does what these peers miss.</summary>
    public Task KeepAsync() => turns.OweAsync(_withdrewEarly ? [.. _peers.Union(_foundAway)] : _peers, _coversLostRows);

    /// <summary>This server has closed the session.</summary>
    /// <param name="address">The peer's.</param>
    /// <param name="routerDrops">By a NOTIFICATION, after which the router keeps nothing.</param>
    public void Closed(string address, bool routerDrops) => _closed[address] = (time.GetTimestamp(), routerDrops);

    /// <summary>
    /// A session that was lost soon after something was withdrawn: the withdrawal may not have arrived. TCP sends what the router has not acknowledged
    /// again until the hold time is over.
    /// </summary>
    public void NoteLoss(string address, BgpPeer peer)
    {
        if (sessions.TakeLoss(address) is not { } loss || !MayKeep(peer) || _withdrewAt is not { } withdrew) return;
        if (_closed.TryGetValue(address, out var closed) && loss.Began <= closed.At) return;
        if (time.GetElapsedTime(withdrew, loss.LostAt) < TimeSpan.FromSeconds(peer.HoldTime)) _peers.Add(address);
    }

    private static bool MayKeep(BgpPeer peer) => peer is { GracefulRestart: true, AddPath: true, AdminDown: false };

    private bool IsFoundAway(string address) => _foundAway.Contains(address) && !sessions.IsEstablished(address);

    /// <summary>The session is down, and the router may keep what it was sent in it.</summary>
    private bool WasLost(string address) =>
        sessions.LostBegan(address) is { } began && !(_closed.TryGetValue(address, out var closed) && closed.Drops && began <= closed.At);
}
