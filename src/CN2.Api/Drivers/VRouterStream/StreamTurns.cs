namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// Lets streams write what they hold a few at a time: <see cref="OfTick"/> every <see cref="Tick"/>, so a thousand in 200 ms, and more at a time when <see cref="Longest"/>
/// would not be enough for those that wait (above 2,500). The messages and answers of a thousand take tens of milliseconds of processors, whatever is in them. All at once
/// they would keep from the processors for that long what somebody waits for. May be called from any thread.
/// </summary>
internal sealed class StreamTurns : IDisposable
{
    public const int OfTick = 25;

    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    /// <summary>A stream waits so long at most: then the next change for all may be there (<c>CommonPace</c>).</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    private readonly Queue<VRouterSession> _waiting = new();
    private readonly ITimer _timer;
    private bool _ticks;

    /// <summary>How many have their turn in a tick. Until none waits it only grows, so that each has its turn in time.</summary>
    private int _ofTick = OfTick;

    public StreamTurns(TimeProvider time) => _timer = time.CreateTimer(static turns => ((StreamTurns)turns!).TakeTurns(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>The session asks for a turn (<see cref="VRouterSession.Hold"/>).</summary>
    public void Add(VRouterSession session)
    {
        lock (_waiting)
        {
            _waiting.Enqueue(session);
            _ofTick = Math.Max(_ofTick, (int)Math.Ceiling(_waiting.Count * (Tick / Longest)));
            if (_ticks) return;
            _ticks = true;
            _timer.Change(Tick, Tick);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void TakeTurns()
    {
        int ofTick;
        lock (_waiting) ofTick = _ofTick;
        for (var taken = 0; taken < ofTick && Next() is { } session;)
        {
            if (session.TakeTurn()) taken++;
        }
    }

    /// <summary>Null: all have had their turn.</summary>
    private VRouterSession? Next()
    {
        lock (_waiting)
        {
            if (_waiting.TryDequeue(out var session)) return session;
            if (_ticks) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _ticks = false;
            _ofTick = OfTick;
            return null;
        }
    }
}
