using System.Threading.Channels;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Lists;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>What <see cref="ObjectHub"/> delivers to one watcher. Dispose it at the end.</summary>
internal sealed class ObjectSubscription(ObjectHub hub, IObjectReader reader, NamespaceScope scope, FeedPosition start) : IDisposable
{
    private readonly Channel<ObjectEvent> _events =
        Channel.CreateBounded<ObjectEvent>(new BoundedChannelOptions(Limits.WatchEvents) { SingleReader = true, SingleWriter = true });

    private volatile FeedPosition _reached = start;
    private long _waiting;

    public IObjectReader Reader => reader;

    /// <summary>Where the objects are.</summary>
    public NamespaceScope Scope => scope;

    /// <summary>Every change after this position comes.</summary>
    public FeedPosition Start { get; } = start;

    /// <summary>All changes up to here were queued before it was set.</summary>
    public FeedPosition Reached => _reached;

    /// <summary>False: there is no event at the moment.</summary>
    public bool TryRead(out ObjectEvent e)
    {
        if (!_events.Reader.TryRead(out e!)) return false;
        Interlocked.Add(ref _waiting, -e.Size);
        return true;
    }

    /// <summary>False: the watcher was too slow, or the feed does not go on.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken ct) => _events.Reader.WaitToReadAsync(ct);

    public void Deliver(ObjectEvent e)
    {
        if (Interlocked.Add(ref _waiting, e.Size) > Limits.WatchBytes || !_events.Writer.TryWrite(e)) End();
    }

    public void Advance(FeedPosition position) => _reached = position;

    public void End()
    {
        IsEnded = true;
        _events.Writer.TryComplete();
    }

    public bool IsEnded { get; private set; }

    public void Dispose() => hub.Remove(this);
}
