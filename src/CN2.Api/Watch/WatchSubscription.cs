using System.Threading.Channels;
using CN2.Api.Data;

namespace CN2.Api.Watch;

/// <summary>What <see cref="WatchHub"/> delivers to one client: events in order. Dispose it at the end.</summary>
public sealed class WatchSubscription : IDisposable
{
    /// <summary>How many events a client may be behind.</summary>
    private const int Bound = 10_000;

    private readonly WatchHub _hub;
    private readonly Channel<WatchEvent> _events = Channel.CreateBounded<WatchEvent>(new BoundedChannelOptions(Bound) { SingleReader = true, SingleWriter = true });

    internal WatchSubscription(WatchHub hub, WatchFilter filter, FeedPosition start)
    {
        _hub = hub;
        Filter = filter;
        Start = start;
    }

    public WatchFilter Filter { get; }

    /// <summary>Every change after this position comes through <see cref="Events"/>.</summary>
    public FeedPosition Start { get; }

    /// <summary>Ends early when the client was too slow; it can resume with the id of the last event it got.</summary>
    public ChannelReader<WatchEvent> Events => _events.Reader;

    /// <summary>The feed does not go on for the client.</summary>
    internal void End() => _events.Writer.TryComplete();

    internal void Deliver(WatchEvent e)
    {
        if (!_events.Writer.TryWrite(e)) _events.Writer.TryComplete();
    }

    public void Dispose() => _hub.Remove(this);
}
