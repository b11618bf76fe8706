using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Deletes events, change rows and idempotency keys after their retention time. Every replica does it; it is repeatable.</summary>
public sealed partial class Retention(NpgsqlDataSource source, RetentionOptions options, TimeProvider time, ILogger<Retention> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>One pass.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await DeleteAsync("DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT ctid FROM event WHERE at < $1 LIMIT 5000))", now - options.Events, cancellationToken);
        await DeleteAsync(
            "DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_key WHERE created_at < $1 LIMIT 5000))",
            now - options.IdempotencyKeys, cancellationToken);
        await DeleteAsync(
            """
            WITH gone AS (DELETE FROM change WHERE ctid = ANY (ARRAY(SELECT ctid FROM change WHERE at < $1 ORDER BY xid, id LIMIT 5000)) RETURNING xid, id),
            last AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
            moved AS (UPDATE change_horizon h SET xid = l.xid, id = l.id FROM last l WHERE (h.xid, h.id) < (l.xid, l.id))
            SELECT count(*) FROM gone
            """, now - options.Changes, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await RunOnceAsync(stoppingToken);
                }
                catch (Exception e) when (PostgresErrors.IsAway(e))
                {
                    Postponed(logger, e.GetBaseException().Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private async Task DeleteAsync(string sql, DateTimeOffset before, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var command = source.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var count = await reader.ReadAsync(cancellationToken) ? reader.GetInt64(0) : reader.RecordsAffected;
            if (count < 5000) return;
        }
    }

    [LoggerMessage(EventId = 103, Level = LogLevel.Warning, Message = "Removing old events and changes is put off: {Reason}")]
    private static partial void Postponed(ILogger logger, string reason);
}
