using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Notices when the routes of this replica reach other peers than before, because the statuses name the peers.</summary>
internal sealed class SessionWatch(IBgpSpeaker speaker, TimeProvider time)
{
    /// <summary>
    /// A lost peer counts after this time. A BGP engine that restarts has its sessions back sooner, and writing every status twice
    /// meanwhile would only slow down what brings them back.
    /// </summary>
    public static readonly TimeSpan LossSettleTime = TimeSpan.FromSeconds(5);

    private HashSet<(string Peer, bool AddPath, string Families)> _reach = [];
    private long? _lostSince;

    /// <summary>True when routes reach other peers than when this was last true. If peers are only missing, it waits for them.</summary>
    public bool TakeReachChanged()
    {
        var reach = ReachOf(speaker.Sessions);
        var isLoss = reach.IsProperSubsetOf(_reach);
        _lostSince = isLoss ? _lostSince ?? time.GetTimestamp() : null;
        if (reach.SetEquals(_reach) || (_lostSince is { } since && time.GetElapsedTime(since) < LossSettleTime)) return false;
        _reach = reach;
        _lostSince = null;
        return true;
    }

    /// <summary>The engine answers, and routes reach the peers that they reached when <see cref="TakeReachChanged"/> was last true.</summary>
    public bool IsAsBefore => (speaker.Healthy || !speaker.Enabled) && _reach.SetEquals(ReachOf(speaker.Sessions));

    private static HashSet<(string Peer, bool AddPath, string Families)> ReachOf(IEnumerable<BgpSession> sessions) =>
        [.. sessions.Where(s => s.IsEstablished).Select(s => (s.Peer, s.AddPath, string.Join(',', s.Families)))];
}
