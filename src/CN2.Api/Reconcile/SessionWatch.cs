using System.Threading.Channels;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Notices that BGP sessions changed: at once for the beat, and as far as routes are concerned for the statuses.</summary>
public sealed class SessionWatch
{
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly IBgpSpeaker _speaker;
    private HashSet<(string, bool, string)> _reach = [];

    public SessionWatch(IBgpSpeaker speaker)
    {
        _speaker = speaker;
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

    /// <summary>True when routes reach other peers than at the last call.</summary>
    public bool TakeReachChanged()
    {
        var reach = _speaker.Sessions.Where(s => s.IsEstablished).Select(s => (s.Peer, s.AddPath, string.Join(',', s.Families))).ToHashSet();
        if (reach.SetEquals(_reach)) return false;
        _reach = reach;
        return true;
    }
}
