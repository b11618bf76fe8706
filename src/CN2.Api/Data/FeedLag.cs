using System.Diagnostics.Metrics;

namespace CN2.Api.Data;

/// <summary>
/// Names the transaction that has been open for longest, when it has been open for long. It does not hold back the feed
/// (docs/adr/0009-feed-positions-are-snapshots.md), but its own changes, and vacuum on the whole server. <see cref="Follow"/> is for one thread.
/// </summary>
public sealed partial class FeedLag
{
    /// <summary>A transaction that has been open for this long is named.</summary>
    public static readonly TimeSpan Threshold = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time;
    private readonly ILogger<FeedLag> _logger;

    /// <summary>The transaction that was the oldest one when it was last asked, since when, and whether the log has it.</summary>
    private (string? Xid, long Since, bool Told) _oldest;
    private volatile HeldFeed? _current;

    public FeedLag(IMeterFactory meters, TimeProvider time, ILogger<FeedLag> logger)
    {
        (_time, _logger) = (time, logger);
        meters.Create("CN2.Reconcile").CreateObservableGauge(
            "cn2.feed.behind", () => _current?.Seconds ?? 0, "s", "How long the oldest open transaction of the database server holds back its changes; 0: none is older than 30 s");
    }

    /// <summary>What holds back changes; null: nothing. May be read from any thread.</summary>
    public HeldFeed? Current => _current;

    /// <param name="oldest">The transaction with the oldest id; null: there is none.</param>
    public void Follow(OpenTransaction? oldest)
    {
        if (oldest?.Xid != _oldest.Xid) _oldest = (oldest?.Xid, _time.GetTimestamp(), false);
        var open = oldest is null ? TimeSpan.Zero : oldest.Open ?? _time.GetElapsedTime(_oldest.Since);
        _current = open < Threshold ? null : new HeldFeed(oldest!.Name, Math.Round(open.TotalSeconds));
        if (_current is not { } held || _oldest.Told) return;
        _oldest.Told = true;
        LogHeld(_logger, held.By, held.Seconds);
    }

    [LoggerMessage(EventId = 107, Level = LogLevel.Warning,
        Message = "A transaction ({Name}) has been open for {Seconds} s. Its own changes take effect when it ends, and vacuum waits for it on the whole server: end it")]
    private static partial void LogHeld(ILogger logger, string name, double seconds);
}
