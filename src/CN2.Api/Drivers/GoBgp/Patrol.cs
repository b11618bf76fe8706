using CN2.Api.Threading;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The signal that starts a round of checks before its interval is over. Thread-safe.</summary>
internal sealed class Patrol(TimeProvider time)
{
    /// <summary>Time between two rounds when no event asks for one earlier.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Events come in bursts; a round waits this long after the first one and so answers all of them.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan ShortInterval = TimeSpan.FromMilliseconds(200);

    private readonly AsyncSignal _requested = new();

    /// <summary>Asks for a round now.</summary>
    public void Request() => _requested.Set();

    /// <summary>Completes when a round is due; true when it was requested, false when the interval is over.</summary>
    /// <param name="soon">Something is awaited of which there is no event: the round counts as requested.</param>
    public async Task<bool> WaitAsync(bool soon, CancellationToken cancellationToken)
    {
        var requested = await _requested.WaitAsync(soon ? ShortInterval : Interval, time, cancellationToken) || soon;
        if (requested) await Task.Delay(Settle, time, cancellationToken);
        return requested;
    }
}
