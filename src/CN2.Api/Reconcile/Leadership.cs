using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>
/// One replica leads: it writes statuses, serves pending Services, finishes deletions. The lock lives in a database session, so it is
/// free the moment its holder is gone; everything the leader does is safe to be done twice.
/// </summary>
public sealed partial class Leadership(DedicatedConnection dedicated, TimeProvider time, Action changed, ILogger<Leadership> logger)
{
    /// <summary>The advisory lock that the leader holds: "CN2" in ASCII.</summary>
    public const int LockKey = 0x434E32;

    /// <summary>Since when this replica leads; null while another does.</summary>
    public DateTimeOffset? Since { get; private set; }

    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await dedicated.OpenAsync(ct);
                await using var acquire = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = (long)LockKey } } };
                while (!(bool)(await acquire.ExecuteScalarAsync(ct))!) await Task.Delay(TimeSpan.FromSeconds(1), time, ct);
                Since = time.GetUtcNow();
                LogLeading(logger);
                changed();
                await using var alive = new NpgsqlCommand("SELECT 1", connection);
                while (true)
                {
                    await Task.Delay(TimeSpan.FromSeconds(2), time, ct);
                    await alive.ExecuteScalarAsync(ct);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                Since = null;
                LogLost(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, ct);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This replica leads: it writes statuses and finishes deletions")]
    private static partial void LogLeading(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Leadership is open: {Reason}")]
    private static partial void LogLost(ILogger logger, string reason);
}
