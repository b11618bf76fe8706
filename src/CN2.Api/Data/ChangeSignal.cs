using System.Collections.Concurrent;

namespace CN2.Api.Data;

/// <summary>
/// The signal "the change feed may have grown", without payload. A writer that commits changes calls <see cref="Set"/>. Each reader has a
/// waiter that holds at most one signal, so a thousand commits wake a busy reader once. The signal is a hint: it may come without a change,
/// and a reader must also read the feed every second or two without one.
/// </summary>
public sealed class ChangeSignal
{
    private readonly ConcurrentDictionary<ChangeWaiter, byte> _waiters = new();

    /// <summary>This process committed a change: wakes its own readers and, through <see cref="ChangeNotifier"/>, the other replicas'.</summary>
    public void Set()
    {
        foreach (var waiter in _waiters.Keys) waiter.Set();
    }

    /// <summary>This process committed statuses of Services and FloatingIPs, and nothing else: they are for watchers, and its own loop does not read them.</summary>
    public void SetOfStatuses()
    {
        foreach (var waiter in _waiters.Keys)
        {
            if (waiter.TakesStatuses) waiter.Set();
        }
    }

    /// <summary>This process committed what only the other replicas look at.</summary>
    public void SetOfOthers()
    {
        foreach (var waiter in _waiters.Keys)
        {
            if (waiter.LocalOnly) waiter.Set();
        }
    }

    /// <summary>Another replica committed a change: wakes the readers of this one only.</summary>
    internal void SetFromElsewhere()
    {
        foreach (var waiter in _waiters.Keys)
        {
            if (!waiter.LocalOnly) waiter.Set();
        }
    }

    /// <summary>A waiter for one reader, which disposes it when it stops.</summary>
    public ChangeWaiter Subscribe() => Subscribe(localOnly: false);

    /// <param name="localOnly">What other replicas committed is no news to the reader.</param>
    /// <param name="takesStatuses">Statuses that this process wrote are.</param>
    internal ChangeWaiter Subscribe(bool localOnly, bool takesStatuses = true)
    {
        var waiter = new ChangeWaiter(this, localOnly, takesStatuses);
        _waiters.TryAdd(waiter, 0);
        return waiter;
    }

    internal void Remove(ChangeWaiter waiter) => _waiters.TryRemove(waiter, out _);
}
