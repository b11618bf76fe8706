using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>Ages as kubectl users know them: two units at most, such as <c>5m21s</c> and <c>3d4h</c>.</summary>
internal static class Ages
{
    public const string Unknown = "<unknown>";

    private const int SecondsOfDay = 86_400;

    /// <summary>The age of an object.</summary>
    public static string Of(JsonObject source, TableContext context) => context.HasAgeMark ? TableContext.AgeMark : Since(source["metadata"].Member("creationTimestamp"), context.Now);

    /// <summary>How long ago a time was; <see cref="Unknown"/> when there is none.</summary>
    public static string Since(JsonNode? time, DateTimeOffset now) => time.Time() is { } from ? Words(now - from) : Unknown;

    /// <summary>
    /// Seconds up to two minutes, then minutes and seconds up to ten, minutes up to three hours, hours and minutes up to eight, hours up to two
    /// days, days and hours up to eight, days up to two years, years and days up to eight, then years. A second in the future is the clock of
    /// another machine and counts as now.
    /// </summary>
    public static string Words(TimeSpan age)
    {
        var seconds = (long)age.TotalSeconds;
        if (seconds < -1) return "<invalid>";
        if (seconds <= 0) return "0s";
        var (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / SecondsOfDay);
        return seconds switch
        {
            < 2 * 60 => $"{seconds}s",
            < 10 * 60 => Two(minutes, 'm', seconds % 60, 's'),
            < 3 * 3600 => $"{minutes}m",
            < 8 * 3600 => Two(hours, 'h', minutes % 60, 'm'),
            < 2 * SecondsOfDay => $"{hours}h",
            < 8 * SecondsOfDay => Two(days, 'd', hours % 24, 'h'),
            < 2 * 365 * SecondsOfDay => $"{days}d",
            < 8 * 365 * SecondsOfDay => Two(days / 365, 'y', days % 365, 'd'),
            _ => $"{days / 365}y",
        };
    }

    private static string Two(long first, char unit, long second, char smaller) => second == 0 ? $"{first}{unit}" : $"{first}{unit}{second}{smaller}";
}
