using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// Logs what fails in the loop: a database that is away once, in one line, and when it is back; any other exception is a bug and is logged with
/// its stack.
/// </summary>
internal sealed partial class FailureLog(StateGauges gauges, TimeProvider time, ILogger<Reconciler> logger)
{
    /// <summary>Since when the database is away; null: it is not.</summary>
    private long? _databaseAwaySince;

    public void Report(Exception e)
    {
        if (!PostgresErrors.IsAway(e))
        {
            LogRoundFailed(e);
            return;
        }

        if (_databaseAwaySince is not null) return;
        _databaseAwaySince = time.GetTimestamp();
        gauges.DatabaseIsAway(true);
        LogDatabaseAway(e.GetBaseException().Message);
    }

    /// <summary>The database was read.</summary>
    public void Succeeded()
    {
        if (_databaseAwaySince is not { } since) return;
        _databaseAwaySince = null;
        gauges.DatabaseIsAway(false);
        var seconds = Math.Round(time.GetElapsedTime(since).TotalSeconds, 1);
        LogDatabaseBack(seconds);
    }

    [LoggerMessage(EventId = 211, Level = LogLevel.Error, Message = "A round of the reconciler failed; the next one starts again from what is known")]
    private partial void LogRoundFailed(Exception exception);

    [LoggerMessage(EventId = 212, Level = LogLevel.Warning, Message = "The database is away; agents and speaker are served from what is known: {Reason}")]
    private partial void LogDatabaseAway(string reason);

    [LoggerMessage(EventId = 213, Level = LogLevel.Information, Message = "The database answers again after {Seconds} s.")]
    private partial void LogDatabaseBack(double seconds);
}
