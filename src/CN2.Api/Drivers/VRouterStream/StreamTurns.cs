namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// Lets streams write what they hold a few at a time: <see cref="OfTick"/> every <see cref="Tick"/>, so a thousand in 200 ms. The messages and answers of a
/// thousand take tens of milliseconds of processors, whatever is in them. All at once they would keep from the processors for that long what somebody waits for. May be
/// called from any thread.
/// </summary>
internal sealed class StreamTurns : IDisposable
{
    public const int OfTick = 25;

    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private readonly Queue<VRouterSession> _waiting = new();
    private readonly ITimer _timer;
    private bool _ticks;

    public StreamTurns(TimeProvider time) => _timer = time.CreateTimer(static turns => ((StreamTurns)turns!).TakeTurns(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>The session holds something.</summary>
    public void Add(VRouterSession session)
    {
        lock (_waiting)
        {
            _waiting.Enqueue(session);
            if (_ticks) return;
            _ticks = true;
            _timer.Change(Tick, Tick);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void TakeTurns()
    {
        for (var i = 0; i < OfTick && Next() is { } session; i++) session.Release();
    }

    /// <summary>Null: all have had their turn.</summary>
    private VRouterSession? Next()
    {
        lock (_waiting)
        {
            if (_waiting.TryDequeue(out var session)) return session;
            if (_ticks) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _ticks = false;
            return null;
        }
    }
}
