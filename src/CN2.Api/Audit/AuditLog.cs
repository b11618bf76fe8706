using CN2.Api.Json;

namespace CN2.Api.Audit;

/// <summary>Each entry as a line of JSON in the log, category <c>CN2.Api.Audit</c>: <c>--Logging:LogLevel:CN2.Api.Audit=Warning</c> switches it off.</summary>
public sealed partial class AuditLog(ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger("CN2.Api.Audit");

    /// <summary>Entries that are in the database now.</summary>
    public void Write(IReadOnlyList<AuditEntry> entries)
    {
        if (entries.Count == 0 || !_logger.IsEnabled(LogLevel.Information)) return;
        foreach (var entry in entries)
        {
            var line = ApiJson.Text(AuditEntryBody.Of(entry));
            Entry(_logger, line);
        }
    }

    [LoggerMessage(EventId = 140, Level = LogLevel.Information, Message = "{Entry}", SkipEnabledCheck = true)]
    private static partial void Entry(ILogger logger, string entry);
}
