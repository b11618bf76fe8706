using CN2.Api.Threading;

namespace CN2.Api.Data;

/// <summary>What one reader of <see cref="ChangeSignal"/> waits on.</summary>
public sealed class ChangeWaiter : IDisposable
{
    private readonly ChangeSignal _signal;
    private readonly AsyncSignal _one = new();
    private int _hasGrown;

    internal ChangeWaiter(ChangeSignal signal, bool localOnly, bool takesStatuses)
    {
        _signal = signal;
        LocalOnly = localOnly;
        TakesStatuses = takesStatuses;
    }

    internal bool LocalOnly { get; }

    internal bool TakesStatuses { get; }

    internal void Set()
    {
        // First: who is woken looks at it.
        Interlocked.Exchange(ref _hasGrown, 1);
        _one.Set();
    }

    /// <summary>Wakes the reader for something else than the feed.</summary>
    internal void Wake() => _one.Set();

    /// <summary>Whether the feed may have grown since the last call. What was committed before it was told is in a snapshot that is taken after this call.</summary>
    internal bool TakeHasGrown() => Interlocked.Exchange(ref _hasGrown, 0) != 0;

    /// <summary>Waits for the next signal, at most <paramref name="atMost"/>. False: the time is over; read the feed anyway.</summary>
    public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => WaitAsync(atMost, TimeProvider.System, cancellationToken);

    /// <inheritdoc cref="WaitAsync(TimeSpan, CancellationToken)"/>
    public Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken) => _one.WaitAsync(atMost, time, cancellationToken);

    public void Dispose() => _signal.Remove(this);
}
