using System.Globalization;

namespace CN2.Api.Observability;

/// <summary>Where systemd listens for what a service says of itself (sd_notify(3)).</summary>
/// <param name="Path">The path of a datagram socket; <c>@name</c> is one without a file. Null: no service manager listens.</param>
/// <param name="Watchdog">How long it waits for a sign of life before it restarts the service; null: for ever.</param>
internal sealed record ServiceManagerSocket(string? Path, TimeSpan? Watchdog)
{
    /// <summary>As the environment says (<c>NOTIFY_SOCKET</c>, <c>WATCHDOG_USEC</c>, <c>WATCHDOG_PID</c>).</summary>
    public static ServiceManagerSocket OfEnvironment()
    {
        var isForThis = Environment.GetEnvironmentVariable("WATCHDOG_PID") is not { Length: > 0 } pid || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var watchdog = isForThis && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds) : (TimeSpan?)null;
        return new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } path ? path : null, watchdog);
    }
}
