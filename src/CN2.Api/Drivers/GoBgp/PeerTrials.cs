using CN2.Network.Resources;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Finds the router whose bytes end the engine: gobgpd 3.10 ends at a message of an unknown type (osrg/gobgp#3325) and at a malformed
/// MP_UNREACH_NLRI of a VPN family, and says no address. When the engine has ended <see cref="Limits.EngineEnds"/> times within <see cref="Window"/>, a
/// search begins. The routers that were in session at one of these ends wait; all others are given to the engine at once. When it has stood for
/// <see cref="QuietTime"/>, those that wait are given to it one after another. The one during whose trial it ends again is left out, for a pause that
/// becomes longer each time, or until its BgpRouter is changed.
/// <para>
/// Every end without a router on trial narrows the search to the routers that the engine had then: they wait, and those that it did not have are
/// innocent. So a router that ends the engine before its session is up is found too, and one that behaves for a while: the trials become longer, and the times before
/// them.
/// </para>
/// <para>
/// Before a search, after each end: routers that were in session for <see cref="ProvenAfter"/> are given to the engine first. A router with graceful restart
/// drops what it has kept when the session is lost again before it was sent everything (RFC 4724 §4.2), which a router that ends the engine as soon as it
/// connects would cause.
/// </para>
/// Not thread-safe.
/// </summary>
internal sealed class PeerTrials(TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    public static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(30);

    /// <summary>How long the others wait for those at most.</summary>
    public static readonly TimeSpan ProvenFirst = TimeSpan.FromSeconds(10);

    /// <summary>So long at least the engine must stand before the first trial. Longer than its pause between two attempts to connect.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(20);

    /// <summary>A router that has no session after this time has stood its trial. Longer than the engine's pause between two attempts to connect.</summary>
    public static readonly TimeSpan TrialTime = TimeSpan.FromSeconds(20);

    /// <summary>So long a session must stand in the first trials; longer when searches were misled.</summary>
    public static readonly TimeSpan ShortestStanding = TimeSpan.FromSeconds(3);

    public static readonly TimeSpan LongestStanding = TimeSpan.FromMinutes(1);

    /// <summary>The first two pauses: the engine may have ended by chance, so the next trial comes soon.</summary>
    public static readonly TimeSpan LeftOutAtFirst = TimeSpan.FromSeconds(30);

    /// <summary>The third pause; each further one is twice as long.</summary>
    public static readonly TimeSpan LeftOutFor = TimeSpan.FromMinutes(10);

    public static readonly TimeSpan LongestLeftOut = TimeSpan.FromHours(2);

    /// <summary>A search is over so long after its last trial.</summary>
    public static readonly TimeSpan SearchEnds = TimeSpan.FromMinutes(1);

    private readonly List<(long At, IReadOnlyCollection<string> InSession)> _ends = [];

    /// <summary>Peers that were in session for long before the present series of ends.</summary>
    private readonly HashSet<string> _proven = [];

    /// <summary>Peers that the engine is given after the proven ones.</summary>
    private readonly HashSet<string> _second = [];

    /// <summary>Peers that the engine is not given yet, in the order of their trials.</summary>
    private readonly List<string> _waiting = [];

    /// <summary>Peers that are left out: since when, for how long, and what the BgpRouter said then.</summary>
    private readonly Dictionary<string, (long Since, TimeSpan Pause, BgpPeer Peer)> _leftOut = [];

    /// <summary>Peer → at how many trials in a row the engine ended.</summary>
    private readonly Dictionary<string, int> _endsAtTrial = [];

    /// <summary>The peers that the engine had at every end of this search; null: there is no search.</summary>
    private HashSet<string>? _candidates;
    private (string Address, long Since, long? UpSince)? _onTrial;

    /// <summary>How often the engine ended without a router on trial during this search, or with one while others had been left out.</summary>
    private int _misled;

    /// <summary>
    /// The engine ended at the trials of several routers in this search: there are several such routers, or one that was admitted ends it late, and each time another
    /// one is on trial.
    /// </summary>
    private bool _inDoubt;

    /// <summary>Routers that were left out for long in this search and got another trial, because the engine ended without anyone on trial: once in a search.</summary>
    private readonly HashSet<string> _freed = [];
    private long _searchedSince = time.GetTimestamp();

    /// <summary>The engine has peers that are not on trial: it must stand with them first.</summary>
    private bool _mustStand;
    private long _endedAt = time.GetTimestamp();
    private long _triedAt = time.GetTimestamp();

    /// <summary>The engine was found empty after it had been in use. Answers the peer that is left out for it, if there is one.</summary>
    /// <param name="wanted">All peers, by address.</param>
    /// <param name="given">Those that the engine had.</param>
    /// <param name="inSession">Those that were in session when it ended, as far as that was seen.</param>
    /// <param name="proven">Those of them that were so for <see cref="ProvenAfter"/>.</param>
    public string? EngineEnded(
        IReadOnlyDictionary<string, BgpPeer> wanted, IReadOnlyCollection<string> given, IReadOnlyCollection<string> inSession, IReadOnlyCollection<string> proven)
    {
        if (time.GetElapsedTime(_endedAt) > Window) _proven.Clear();
        _proven.UnionWith(proven);
        _second.Clear();
        _endedAt = time.GetTimestamp();
        var harmful = Judge(wanted, given, inSession);
        _mustStand = wanted.Keys.Any(Admits);
        if (_candidates is null && wanted.Keys.Any(a => _proven.Contains(a) && Admits(a))) _second.UnionWith(wanted.Keys.Where(a => !_proven.Contains(a)));
        return harmful;
    }

    /// <summary>These peers are wanted: the others are forgotten, and one that is left out and was changed gets its trial.</summary>
    public void Retain(IReadOnlyDictionary<string, BgpPeer> wanted)
    {
        _waiting.RemoveAll(a => !wanted.ContainsKey(a));
        _proven.IntersectWith(wanted.Keys);
        _second.IntersectWith(wanted.Keys);
        _candidates?.RemoveWhere(a => !wanted.ContainsKey(a));
        foreach (var gone in _endsAtTrial.Keys.Except(wanted.Keys).ToList()) _endsAtTrial.Remove(gone);
        if (_onTrial is { } tried && !wanted.ContainsKey(tried.Address)) _onTrial = null;
        foreach (var (address, (_, _, peer)) in _leftOut.ToList())
        {
            if (wanted.TryGetValue(address, out var now) && now.Equals(peer)) continue;
            _leftOut.Remove(address);
            _endsAtTrial.Remove(address);
            if (now is not null) _waiting.Add(address);
        }
    }

    /// <summary>While the engine answers: ends and begins trials; true when another peer is admitted.</summary>
    /// <param name="isInSession">The peer is in session and was sent everything.</param>
    public bool Advance(Func<string, bool> isInSession)
    {
        if (_second.Count > 0)
        {
            if (time.GetElapsedTime(_endedAt) < ProvenFirst && !_proven.Where(Admits).All(isInSession)) return false;
            _second.Clear();
            return true;
        }

        foreach (var (address, (since, pause, _)) in _leftOut.ToList())
            if (time.GetElapsedTime(since) >= pause && _leftOut.Remove(address)) _waiting.Add(address);
        if (_onTrial is { } tried)
        {
            var upSince = isInSession(tried.Address) ? tried.UpSince ?? time.GetTimestamp() : (long?)null;
            _onTrial = tried with { UpSince = upSince };
            if (upSince is { } up ? time.GetElapsedTime(up) < Standing : time.GetElapsedTime(tried.Since) < Longer(TrialTime, Standing)) return false;
            _endsAtTrial.Remove(tried.Address);
            (_onTrial, _triedAt) = (null, time.GetTimestamp());
        }

        if (_waiting.Count == 0)
        {
            if (_candidates is not null && time.GetElapsedTime(_triedAt) >= SearchEnds && time.GetElapsedTime(_endedAt) >= SearchEnds) _candidates = null;
            return false;
        }
        if (_mustStand && time.GetElapsedTime(_endedAt) < Quiet) return false;
        _onTrial = (_waiting[0], time.GetTimestamp(), null);
        _waiting.RemoveAt(0);
        return true;
    }

    /// <summary>The engine may be given this peer.</summary>
    public bool Admits(string address) => !_leftOut.ContainsKey(address) && !_waiting.Contains(address) && !_second.Contains(address);

    /// <summary>Why the engine is not given this peer now; null if it is.</summary>
    public string? FaultOf(string address) =>
        _leftOut.TryGetValue(address, out var leftOut)
            ? $"The BGP engine (gobgpd) ended when this router was connected: what it sends ends the engine. It is left out and tried again after {leftOut.Pause.TotalSeconds:0} s, or as soon as this BgpRouter is changed; correct or update the router first, and set authKey when another machine may have its address."
            : _waiting.Contains(address)
                ? $"The BGP engine (gobgpd) ended {Limits.EngineEnds} times within {Window.TotalMinutes:0} minutes: the routers that may be the cause are connected one after another, and this one waits for its turn."
                : _second.Contains(address)
                    ? "The BGP engine (gobgpd) has ended: the routers that were in session for long are connected first, and this one after a few seconds."
                    : null;

    private string? Judge(IReadOnlyDictionary<string, BgpPeer> wanted, IReadOnlyCollection<string> given, IReadOnlyCollection<string> inSession)
    {
        if (_onTrial is { } tried)
        {
            _onTrial = null;
            if (given.Contains(tried.Address))
            {
                // It, or one that stood its trial before: then the next pause without trials is long enough to see that.
                if (_candidates is not null && _endsAtTrial.Keys.Any(a => a != tried.Address))
                {
                    _misled++;
                    _inDoubt = true;
                }
                return LeaveOut(wanted[tried.Address], tried.Address);
            }
            _waiting.Insert(0, tried.Address);
        }

        // One that is down by its BgpRouter has no session, so nothing of it reaches the engine.
        var had = given.Where(a => wanted.TryGetValue(a, out var peer) && !peer.AdminDown).ToHashSet();
        if (had.Count == 0) return null;
        var again = ClearLeftOut();
        if (_candidates is not null) return Narrow(wanted, had, again);
        _waiting.AddRange(again.Except(_waiting));
        _ends.RemoveAll(e => time.GetElapsedTime(e.At) > Window);
        _ends.Add((_endedAt, inSession));
        if (_ends.Count < Limits.EngineEnds) return null;
        var suspects = _ends.SelectMany(e => e.InSession).Where(had.Contains).ToHashSet();
        _ends.Clear();
        _candidates = had;
        (_misled, _inDoubt, _searchedSince) = (0, false, _endedAt);
        _freed.Clear();
        Wait((suspects.Count > 0 ? suspects : had).Union(again));
        return null;
    }

    /// <summary>The engine ended with these peers and nobody on trial.</summary>
    private string? Narrow(IReadOnlyDictionary<string, BgpPeer> wanted, HashSet<string> had, IReadOnlyList<string> again)
    {
        _candidates!.IntersectWith(had);
        // There is more than one.
        if (_candidates.Count == 0) _candidates = [.. wanted.Where(p => !p.Value.AdminDown && !_leftOut.ContainsKey(p.Key)).Select(p => p.Key)];
        _misled++;
        if (_candidates.Count > 1)
        {
            Wait(_candidates.Union(again));
            return null;
        }
        Wait(again);
        return _candidates.FirstOrDefault() is { } only ? LeaveOut(wanted[only], only) : null;
    }

    /// <summary>
    /// The engine ended without those that are left out, too. Who did it once is admitted, and who did it twice gets another trial, which is answered. Who did it more
    /// often stays out: there may be two such routers. Only if that was for the third time, and in this search, it gets one more trial, too.
    /// </summary>
    private List<string> ClearLeftOut()
    {
        var again = new List<string>();
        foreach (var address in _leftOut.Keys.Where(a => _endsAtTrial[a] <= 2 || IsFreed(a)).ToList())
        {
            _leftOut.Remove(address);
            if (--_endsAtTrial[address] == 0) _endsAtTrial.Remove(address);
            else again.Add(address);
        }
        return again;
    }

    private bool IsFreed(string address) =>
        _candidates is not null && _endsAtTrial[address] == 3 && _leftOut[address].Since >= _searchedSince && _freed.Add(address);

    private string LeaveOut(BgpPeer peer, string address)
    {
        _endsAtTrial[address] = _endsAtTrial.GetValueOrDefault(address) + 1;
        _leftOut[address] = (time.GetTimestamp(), PauseAfter(_endsAtTrial[address]), peer);
        _candidates?.Remove(address);
        _triedAt = time.GetTimestamp();
        return address;
    }

    /// <summary>These wait, and of those that waited only the ones at whose trials the engine ended twice: the others are innocent.</summary>
    private void Wait(IEnumerable<string> peers)
    {
        var waiting = peers.Union(_waiting.Where(a => _endsAtTrial.GetValueOrDefault(a) >= 2)).Order(StringComparer.Ordinal).ToList();
        foreach (var address in _waiting.Except(waiting)) _endsAtTrial.Remove(address);
        _waiting.Clear();
        _waiting.AddRange(waiting);
    }

    /// <summary>So long the engine must stand before the next trial.</summary>
    private TimeSpan Quiet => Longer(_inDoubt ? LongestStanding : QuietTime, Standing * 2);

    /// <summary>
    /// 3, 6, 12 s; up to a minute only when that was tried several times: an engine that ends by chance again and again misleads searches too, and the routers must
    /// not wait for long because of that.
    /// </summary>
    private TimeSpan Standing => TimeSpan.FromTicks(Math.Min(ShortestStanding.Ticks << Math.Min(_misled <= 5 ? Math.Min(_misled, 2) : _misled - 3, 10), LongestStanding.Ticks));

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <summary>The first two are longer than the trials, so that an engine that ends by chance ends rather during a pause, which clears the router.</summary>
    private TimeSpan PauseAfter(int endsAtTrial) => endsAtTrial <= 2
        ? Longer(LeftOutAtFirst, Standing * 5)
        : TimeSpan.FromTicks(Math.Min(LeftOutFor.Ticks << Math.Min(endsAtTrial - 3, 10), LongestLeftOut.Ticks));
}
