using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>Logs what fails in the loop: a database that is away once, in one line; any other exception is a bug and is logged with its stack.</summary>
internal sealed partial class FailureLog(ILogger<Reconciler> logger)
{
    private bool _isDatabaseAway;

    public void Report(Exception e)
    {
        var isAway = PostgresErrors.IsAway(e);
        if (!isAway) LogRoundFailed(e);
        else if (!_isDatabaseAway) LogDatabaseAway(e.GetBaseException().Message);
        _isDatabaseAway = isAway;
    }

    public void Succeeded() => _isDatabaseAway = false;

    [LoggerMessage(Level = LogLevel.Error, Message = "A round of the reconciler failed; the next one starts again from what is known")]
    private partial void LogRoundFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database is away; agents and speaker are served from what is known: {Reason}")]
    private partial void LogDatabaseAway(string reason);
}
