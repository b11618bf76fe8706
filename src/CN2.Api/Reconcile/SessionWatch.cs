using System.Threading.Channels;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Notices that BGP sessions changed: at once for the beat, and as far as routes are concerned for the statuses.</summary>
public sealed class SessionWatch
{
    /// <summary>
    /// A peer that is lost counts after so long. A BGP engine that restarts has its sessions back before that, and writing every status
    /// twice meanwhile would only slow down what brings them back.
    /// </summary>
    private static readonly TimeSpan LossSettle = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly IBgpSpeaker _speaker;
    private readonly TimeProvider _time;
    private HashSet<(string, bool, string)> _reach = [];
    private long? _lostSince;

    public SessionWatch(IBgpSpeaker speaker, TimeProvider time)
    {
        _speaker = speaker;
        _time = time;
        speaker.Changed += () => _changed.Writer.TryWrite(true);
    }

    /// <summary>Waits until something about a session changed, or until time is up.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(atMost);
        try
        {
            await _changed.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Time is up.
        }
    }

    /// <summary>True when routes reach other peers than when it last was true; peers that are only missing are waited for.</summary>
    public bool TakeReachChanged()
    {
        var reach = _speaker.Sessions.Where(s => s.IsEstablished).Select(s => (s.Peer, s.AddPath, string.Join(',', s.Families))).ToHashSet();
        var missing = reach.IsProperSubsetOf(_reach);
        _lostSince = missing ? _lostSince ?? _time.GetTimestamp() : null;
        if (reach.SetEquals(_reach) || (_lostSince is { } since && _time.GetElapsedTime(since) < LossSettle)) return false;
        _reach = reach;
        _lostSince = null;
        return true;
    }
}
