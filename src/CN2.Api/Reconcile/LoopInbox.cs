using System.Diagnostics.CodeAnalysis;
using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// The only way from other threads into the reconciler's loop: they post events, or only wake the loop. Every method may be called
/// from any thread, but for <see cref="TryTake"/>, <see cref="TakeFeedHasGrown"/> and <see cref="WaitAsync"/>, which are the loop's. The change feed wakes the
/// loop too.
/// </summary>
internal sealed class LoopInbox(ChangeSignal signal, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();

    /// <summary>Under the lock.</summary>
    private readonly WaitingEvents _events = new();
    private readonly ChangeWaiter _waiter = signal.Subscribe(localOnly: false, takesStatuses: false);

    public void Post(LoopEvent loopEvent)
    {
        PostWithoutWaking(loopEvent);
        Wake();
    }

    /// <summary>For an event that nothing waits for: the loop handles it in its next round.</summary>
    public void PostWithoutWaking(LoopEvent loopEvent)
    {
        lock (_lock) _events.Add(loopEvent);
    }

    public void Wake() => _waiter.Wake();

    public bool TryTake([NotNullWhen(true)] out LoopEvent? loopEvent)
    {
        lock (_lock) return _events.TryTake(out loopEvent);
    }

    /// <inheritdoc cref="ChangeWaiter.TakeHasGrown"/>
    public bool TakeFeedHasGrown() => _waiter.TakeHasGrown();

    /// <summary>Waits until the loop is woken, at most <paramref name="atMost"/>.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _waiter.WaitAsync(atMost, time, ct);

    public void Dispose() => _waiter.Dispose();
}
