using System.Threading.Channels;

namespace CN2.Api.Reconcile;

/// <summary>A wake-up for one waiting task. It holds at most one: many calls of <see cref="Set"/> wake a busy task once.</summary>
internal sealed class WakeUp
{
    private readonly Channel<bool> _one = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>May be called from any thread.</summary>
    public void Set() => _one.Writer.TryWrite(true);

    /// <summary>Waits for the next <see cref="Set"/>, at most <paramref name="atMost"/> by the clock of <paramref name="time"/>.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        if (_one.Reader.TryRead(out _)) return;
        using var limit = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            await _one.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The time is over.
        }
    }
}
