namespace CN2.Api.Data;

/// <summary>Moments as PostgreSQL keeps them: <c>timestamptz</c> counts microseconds, .NET tenths of them.</summary>
internal static class DatabaseTime
{
    /// <summary>Now, cut to whole microseconds, so that a row that is read back equals the one that was written.</summary>
    public static DateTimeOffset GetStorableNow(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }
}
