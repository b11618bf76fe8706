using CN2.Network.Resources;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Finds the router whose bytes end the engine: gobgpd before 4.4 ends when it gets a message of an unknown type (osrg/gobgp#3325), and says
/// no address. When the engine has ended <see cref="Limits.EngineEnds"/> times within <see cref="Window"/>, the routers that were in session
/// at none of these ends are given to it one after another. One during whose trial it ends again is left out for <see cref="LeftOutAtFirst"/>,
/// since the engine may have ended by chance, and when it ends at the next trial too, for <see cref="LeftOutFor"/> each time. Not thread-safe.
/// </summary>
internal sealed class PeerTrials(TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    public static readonly TimeSpan LeftOutAtFirst = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan LeftOutFor = TimeSpan.FromMinutes(10);

    /// <summary>A trial ends earlier when the router comes into session. Longer than the engine's pause between two attempts to connect.</summary>
    public static readonly TimeSpan TrialTime = TimeSpan.FromSeconds(20);

    private readonly List<(long At, IReadOnlyCollection<string> InSession)> _ends = [];
    private readonly List<string> _waiting = [];
    private readonly Dictionary<string, long> _leftOutSince = [];

    /// <summary>Peer → at how many trials in a row the engine ended.</summary>
    private readonly Dictionary<string, int> _endsAtTrial = [];
    private (string Address, long Since)? _onTrial;

    /// <summary>The engine was found empty after it had been in use. Answers the peer that is left out for it, if one was on trial.</summary>
    /// <param name="wanted">All peers, by address.</param>
    /// <param name="inSession">Those that were in session when it ended.</param>
    public string? EngineEnded(IReadOnlyCollection<string> wanted, IReadOnlyCollection<string> inSession)
    {
        var tried = _onTrial?.Address;
        _onTrial = null;
        if (tried is not null && !inSession.Contains(tried))
        {
            _leftOutSince[tried] = time.GetTimestamp();
            _endsAtTrial[tried] = _endsAtTrial.GetValueOrDefault(tried) + 1;
            return tried;
        }

        _ends.RemoveAll(e => time.GetElapsedTime(e.At) > Window);
        _ends.Add((time.GetTimestamp(), inSession));
        if (_ends.Count < Limits.EngineEnds) return null;
        var good = _ends.SelectMany(e => e.InSession).ToHashSet();
        _ends.Clear();
        _waiting.AddRange(wanted.Where(a => !good.Contains(a) && Admits(a)).Order(StringComparer.Ordinal));
        return null;
    }

    /// <summary>Forgets the peers that are not wanted any more.</summary>
    public void Retain(IReadOnlyCollection<string> wanted)
    {
        _waiting.RemoveAll(a => !wanted.Contains(a));
        foreach (var gone in _leftOutSince.Keys.Except(wanted).ToList()) _leftOutSince.Remove(gone);
        foreach (var gone in _endsAtTrial.Keys.Except(wanted).ToList()) _endsAtTrial.Remove(gone);
        if (_onTrial is { } tried && !wanted.Contains(tried.Address)) _onTrial = null;
    }

    /// <summary>While the engine answers: ends and begins trials; true when another peer is admitted.</summary>
    public bool Advance(Func<string, bool> isInSession)
    {
        foreach (var (address, since) in _leftOutSince.ToList())
            if (time.GetElapsedTime(since) >= PauseOf(address) && _leftOutSince.Remove(address)) _waiting.Add(address);
        if (_onTrial is { } tried && (time.GetElapsedTime(tried.Since) >= TrialTime || isInSession(tried.Address)))
        {
            _endsAtTrial.Remove(tried.Address);
            _onTrial = null;
        }

        if (_onTrial is not null || _waiting.Count == 0) return false;
        _onTrial = (_waiting[0], time.GetTimestamp());
        _waiting.RemoveAt(0);
        return true;
    }

    /// <summary>The engine may be given this peer.</summary>
    public bool Admits(string address) => FaultOf(address) is null;

    /// <summary>Why the engine is not given this peer now; null if it is.</summary>
    public string? FaultOf(string address) =>
        _leftOutSince.ContainsKey(address)
            ? $"The BGP engine ended when this router connected: what it sends is no BGP (gobgpd before 4.4 ends at that). It is left out and tried again after {PauseOf(address).TotalSeconds:0} s; set authKey, or correct the router and create the BgpRouter anew."
            : _waiting.Contains(address)
                ? $"The BGP engine ended {Limits.EngineEnds} times within {Window.TotalMinutes:0} minutes: the routers that were not in session then are connected one after another, and this one waits."
                : null;

    private TimeSpan PauseOf(string address) => _endsAtTrial.GetValueOrDefault(address) > 1 ? LeftOutFor : LeftOutAtFirst;
}
