namespace CN2.Network.Resources;

/// <summary>
/// Damping of an endpoint whose health check goes up and down: down counts at once, up only when the endpoint has stayed up for a while. The
/// first <see cref="FreeDowns"/> times it goes down are free. From then on it must stay up for <see cref="FirstHold"/>, and twice as long for each
/// further time, <see cref="LongestHold"/> at most. When it has not gone down for <see cref="Memory"/>, the count begins anew. Pure.
/// </summary>
/// <param name="Downs">How many times it has gone down, each within <see cref="Memory"/> of the time before.</param>
/// <param name="LastDownAt">When it last went down; null: never.</param>
/// <param name="HeldUntil">Until when it is held back although it is up; null: it is not.</param>
public readonly record struct FlapDamping(int Downs, DateTimeOffset? LastDownAt, DateTimeOffset? HeldUntil)
{
    public const int FreeDowns = 3;

    public static readonly TimeSpan FirstHold = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(5);

    /// <summary>Longer than <see cref="LongestHold"/>: else an endpoint that goes down just after it was held back the longest would be free again.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    /// <summary>Doubled this many times, <see cref="FirstHold"/> is longer than <see cref="LongestHold"/>.</summary>
    private const int Doublings = 6;

    /// <summary>After a result of the health check that differs from the one before.</summary>
    /// <param name="before">The result before. An endpoint that was not up before does not go down.</param>
    /// <param name="now">A time of the same clock as those here.</param>
    public FlapDamping After(EndpointHealth before, EndpointHealth found, DateTimeOffset now)
    {
        var isRemembered = LastDownAt is { } last && now - last < Memory;
        var downs = isRemembered ? Downs : 0;
        if (found == EndpointHealth.Healthy) return new FlapDamping(downs, LastDownAt, downs > FreeDowns ? now + HoldOf(downs) : null);
        return before == EndpointHealth.Healthy ? new FlapDamping(downs == int.MaxValue ? downs : downs + 1, now, null) : new FlapDamping(downs, LastDownAt, null);
    }

    private static TimeSpan HoldOf(int downs)
    {
        var hold = FirstHold * (1 << Math.Min(downs - FreeDowns - 1, Doublings));
        return hold < LongestHold ? hold : LongestHold;
    }
}
