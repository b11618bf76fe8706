namespace CN2.Api.Threading;

/// <summary>
/// Holds at most one signal: many calls of <see cref="Set"/> wake a busy task once. One waiter takes it, the first one first. Thread-safe. Unlike
/// a <see cref="SemaphoreSlim"/> it waits by the given clock, and a waiter goes on where it began to wait (its synchronization context), so that a
/// test with a clock and a scheduler of its own decides everything.
/// </summary>
internal sealed class AsyncSignal
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource<bool>> _waiting = new();
    private bool _isSet;

    public AsyncSignal(bool isSet = false) => _isSet = isSet;

    public void Set()
    {
        lock (_lock)
        {
            while (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                if (first.Value.TrySetResult(true)) return;
            }

            _isSet = true;
        }
    }

    /// <exception cref="OperationCanceledException">The wait was cancelled; the signal was not taken.</exception>
    public Task WaitAsync(CancellationToken cancellationToken) => WaitAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <summary>
    /// True when the signal was taken; false when <paramref name="atMost"/> is over. That is how a quiet loop's waits end, so it is not an exception
    /// inside either: one costs more than all the rest of a quiet round.
    /// </summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the signal was not taken.</exception>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Enter() is not { } place) return true;
        try
        {
            using var limit = atMost == Timeout.InfiniteTimeSpan ? null
                : time.CreateTimer(static waiter => ((TaskCompletionSource<bool>)waiter!).TrySetResult(false), place.Value, atMost, Timeout.InfiniteTimeSpan);
            using var cancelled = cancellationToken.UnsafeRegister(static (waiter, token) => ((TaskCompletionSource<bool>)waiter!).TrySetCanceled(token), place.Value);
            return await place.Value.Task;
        }
        finally
        {
            lock (_lock)
            {
                if (place.List is not null) _waiting.Remove(place);
            }
        }
    }

    /// <summary>Null: the signal was set, and is taken.</summary>
    private LinkedListNode<TaskCompletionSource<bool>>? Enter()
    {
        lock (_lock)
        {
            if (!_isSet) return _waiting.AddLast(new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
            _isSet = false;
            return null;
        }
    }
}
