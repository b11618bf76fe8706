using CN2.Api.Threading;

namespace CN2.Api.Data;

/// <summary>What one reader of <see cref="ChangeSignal"/> waits on.</summary>
public sealed class ChangeWaiter : IDisposable
{
    private readonly ChangeSignal _signal;
    private readonly AsyncSignal _one = new();

    internal ChangeWaiter(ChangeSignal signal, bool localOnly)
    {
        _signal = signal;
        LocalOnly = localOnly;
    }

    internal bool LocalOnly { get; }

    internal void Set() => _one.Set();

    /// <summary>Waits for the next signal, at most <paramref name="atMost"/>. False: the time is over; read the feed anyway.</summary>
    public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => WaitAsync(atMost, TimeProvider.System, cancellationToken);

    /// <inheritdoc cref="WaitAsync(TimeSpan, CancellationToken)"/>
    public Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken) => _one.WaitAsync(atMost, time, cancellationToken);

    public void Dispose() => _signal.Remove(this);
}
