using System.Threading.Channels;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Holds at most one signal; one waiter takes it. Thread-safe. Unlike a <see cref="SemaphoreSlim"/> it waits by the given clock, and a
/// waiter goes on where it began to wait (its synchronization context), so that a test with a clock and a scheduler of its own decides everything.
/// </summary>
internal sealed class AsyncSignal
{
    private readonly Channel<bool> _one = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public AsyncSignal(bool isSet = false)
    {
        if (isSet) Set();
    }

    public void Set() => _one.Writer.TryWrite(true);

    /// <exception cref="OperationCanceledException">The wait was cancelled; the signal was not taken.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _one.Reader.ReadAsync(cancellationToken);

    /// <summary>True when the signal was taken; false when <paramref name="atMost"/> is over.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the signal was not taken.</exception>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_one.Reader.TryRead(out _)) return true;
        using var limit = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await _one.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
