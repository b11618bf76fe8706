namespace CN2.Api.Reconcile;

/// <summary>When the loop must run again by itself: the earliest time that a step of the round has asked for.</summary>
internal sealed class NextTick
{
    /// <summary>The loop looks at least this often: the feed is the truth, wake-ups are hints.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    /// <summary>Null: no step has asked for a time.</summary>
    public DateTimeOffset? At { get; private set; }

    /// <summary>The loop must run at <paramref name="time"/> at the latest; null asks for nothing.</summary>
    public void NoLaterThan(DateTimeOffset? time)
    {
        if (time < (At ?? DateTimeOffset.MaxValue)) At = time;
    }

    public TimeSpan WaitFrom(DateTimeOffset now)
    {
        if (At is not { } at || at - now >= LongestWait) return LongestWait;
        return at - now > ShortestWait ? at - now : ShortestWait;
    }
}
