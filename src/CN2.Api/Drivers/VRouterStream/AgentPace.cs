namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// How fast the messages of one agent are taken: <see cref="Burst"/> at once, then <see cref="PerSecond"/>; a message of more than 1 KiB counts
/// as one for each KiB. What is beyond waits in the agent's connection (HTTP/2 flow control), so a flood costs its sender alone. Not thread-safe.
/// </summary>
internal sealed class AgentPace(TimeProvider time)
{
    /// <summary>A node whose probes all change at once says so in a message each.</summary>
    public const int Burst = 10_000;

    public const int PerSecond = 1000;

    private double _left = Burst;
    private long _at = time.GetTimestamp();

    /// <summary>Waits until a message of this size may be taken.</summary>
    public Task TakeAsync(int bytes, CancellationToken cancellation)
    {
        var now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * PerSecond)) - Math.Max(1, bytes / 1024);
        _at = now;
        return _left >= 0 ? Task.CompletedTask : Task.Delay(TimeSpan.FromSeconds(-_left / PerSecond), time, cancellation);
    }
}
