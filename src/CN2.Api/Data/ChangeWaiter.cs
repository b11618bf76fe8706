using System.Threading.Channels;

namespace CN2.Api.Data;

/// <summary>What one reader of <see cref="ChangeSignal"/> waits on.</summary>
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

    /// <summary>Waits for the next signal, at most <paramref name="atMost"/>. False: the time is over; read the feed anyway.</summary>
    public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => WaitAsync(atMost, TimeProvider.System, cancellationToken);

    /// <inheritdoc cref="WaitAsync(TimeSpan, CancellationToken)"/>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_one.Reader.TryRead(out _)) return true;
        using var limit = new CancellationTokenSource(atMost, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
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
