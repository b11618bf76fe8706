using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CN2.Api.Data;

/// <summary>
/// "The change feed may have grown", without payload. Whoever commits change rows calls <see cref="Set"/>; readers wait on a waiter
/// of their own that holds at most one signal, so a thousand commits wake a busy reader once. A signal may come too often, and a
/// reader must also look by itself every second or two: it is a hint, the feed is the truth.
/// </summary>
public sealed class ChangeSignal
{
    private readonly ConcurrentDictionary<ChangeWaiter, byte> _waiters = new();

    /// <summary>This process committed a change: wakes its own readers and, through <see cref="ChangeNotifier"/>, the other replicas'.</summary>
    public void Set()
    {
        foreach (var waiter in _waiters.Keys) waiter.Set();
    }

    /// <summary>Another replica committed a change: wakes the readers of this one only.</summary>
    internal void SetFromElsewhere()
    {
        foreach (var waiter in _waiters.Keys)
        {
            if (!waiter.LocalOnly) waiter.Set();
        }
    }

    /// <summary>A reader's own waiter; dispose it when the reader stops.</summary>
    public ChangeWaiter Subscribe() => Subscribe(localOnly: false);

    internal ChangeWaiter Subscribe(bool localOnly)
    {
        var waiter = new ChangeWaiter(this, localOnly);
        _waiters.TryAdd(waiter, 0);
        return waiter;
    }

    internal void Remove(ChangeWaiter waiter) => _waiters.TryRemove(waiter, out _);
}

/// <summary>One reader's end of <see cref="ChangeSignal"/>.</summary>
public sealed class ChangeWaiter : IDisposable
{
    private readonly ChangeSignal _signal;
    private readonly Channel<bool> _one = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    internal ChangeWaiter(ChangeSignal signal, bool localOnly)
    {
        _signal = signal;
        LocalOnly = localOnly;
    }

    internal bool LocalOnly { get; }

    internal void Set() => _one.Writer.TryWrite(true);

    /// <summary>Waits for the next signal, at most <paramref name="atMost"/>. True: signalled; false: time is up, look anyway.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (_one.Reader.TryRead(out _)) return true;
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(atMost);
        try
        {
            return await _one.Reader.ReadAsync(limited.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _signal.Remove(this);
}
