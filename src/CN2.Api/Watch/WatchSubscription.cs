using System.Threading.Channels;
using CN2.Api.Data;
using CN2.Network.Resources;

namespace CN2.Api.Watch;

/// <summary>What <see cref="WatchHub"/> delivers to one client: events in order. Dispose it at the end.</summary>
public sealed class WatchSubscription : IDisposable
{
    private readonly WatchHub _hub;
    private readonly Channel<WatchEvent> _events = Channel.CreateBounded<WatchEvent>(new BoundedChannelOptions(Limits.WatchEvents) { SingleReader = true, SingleWriter = true });

    private long _waiting;

    internal WatchSubscription(WatchHub hub, WatchFilter filter, FeedPosition start)
    {
        _hub = hub;
        Filter = filter;
        Start = start;
    }

    public WatchFilter Filter { get; }

    /// <summary>Every change after this position comes through <see cref="Events"/>.</summary>
    public FeedPosition Start { get; }

    /// <summary>False: there is no event at the moment.</summary>
    public bool TryRead(out WatchEvent e)
    {
        if (!_events.Reader.TryRead(out e!)) return false;
        Interlocked.Add(ref _waiting, -e.Data.Length);
        return true;
    }

    /// <summary>False: the client was too slow, and it has got what was queued. It can resume with the id of the last event it got.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) => _events.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>The feed does not go on for the client.</summary>
    internal void End() => _events.Writer.TryComplete();

    internal void Deliver(WatchEvent e)
    {
        if (Interlocked.Add(ref _waiting, e.Data.Length) > Limits.WatchBytes || !_events.Writer.TryWrite(e)) _events.Writer.TryComplete();
    }

    public void Dispose() => _hub.Remove(this);
}
