using System.Threading.Channels;

namespace CN2.VRouter;

/// <summary>The queue of the task that applies configurations. Any thread may post; one task takes.</summary>
internal sealed class UpdaterInbox : IDisposable
{
    // The first one in the queue causes the repair; the others only fill the log.
    private const int MaximumQueuedDrifts = 16;

    private readonly Channel<UpdaterEvent> _events = Channel.CreateUnbounded<UpdaterEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ITimer _retry;
    private int _queuedDrifts;

    public UpdaterInbox(TimeProvider time) =>
        _retry = time.CreateTimer(_ => Post(new UpdaterEvent.Retry()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Post(UpdaterEvent item)
    {
        if (item is UpdaterEvent.Drift && Interlocked.Increment(ref _queuedDrifts) > MaximumQueuedDrifts) Interlocked.Decrement(ref _queuedDrifts);
        else _events.Writer.TryWrite(item);
    }

    /// <summary>Posts one <see cref="UpdaterEvent.Retry"/> after this time, in place of one that is still to come.</summary>
    public void RetryAfter(TimeSpan delay) => _retry.Change(delay, Timeout.InfiniteTimeSpan);

    /// <summary>Posts every drift of a data plane, until <paramref name="cancellation"/> or the end of the channel.</summary>
    public async Task WatchAsync(ChannelReader<string> drift, CancellationToken cancellation)
    {
        await foreach (var what in drift.ReadAllAsync(cancellation)) Post(new UpdaterEvent.Drift(what));
    }

    /// <summary>Waits for an event, and returns it with all that are queued behind it: they go into one transaction.</summary>
    public async Task<IReadOnlyList<UpdaterEvent>> TakeAllAsync(CancellationToken cancellation)
    {
        await _events.Reader.WaitToReadAsync(cancellation);
        var taken = new List<UpdaterEvent>();
        while (_events.Reader.TryRead(out var item))
        {
            if (item is UpdaterEvent.Drift) Interlocked.Decrement(ref _queuedDrifts);
            taken.Add(item);
        }

        return taken;
    }

    public void Dispose() => _retry.Dispose();
}
