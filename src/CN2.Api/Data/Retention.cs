using CN2.Api.Options;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Deletes events, change rows, idempotency keys and entries of the audit log after their retention time, by the database's clock, and events that are too many. Every replica
/// does it; it is repeatable.
/// <para>
/// A change row goes when a snapshot that is older than the retention time sees it. So what a long transaction commits at its end stays for
/// the whole time, and <c>change_horizon</c> says exactly which positions have missed nothing: those that include that snapshot.
/// </para>
/// </summary>
public sealed partial class Retention(NpgsqlDataSource source, RetentionOptions options, TimeProvider time, ILogger<Retention> logger) : BackgroundService
{
    private const int Batch = 5000;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>One pass.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await DeleteAsync("DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT ctid FROM event WHERE at < now() - $1 LIMIT 5000))", options.EventsAge, cancellationToken);
        // All together first: it bounds what the next statement must sort.
        await DeleteAsync(
            """
            DELETE FROM event WHERE id = ANY (ARRAY(
                SELECT id FROM event WHERE id <= (SELECT id FROM event ORDER BY id DESC OFFSET $1 LIMIT 1) ORDER BY id LIMIT 5000))
            """, options.Events, cancellationToken);
        await DeleteAsync(
            """
            DELETE FROM event WHERE id = ANY (ARRAY(
                SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY kind, namespace, name ORDER BY id DESC) AS n FROM event) e WHERE n > $1 LIMIT 5000))
            """, Limits.EventsOfResource, cancellationToken);
        await DeleteAsync(
            "DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_key WHERE created_at < now() - $1 LIMIT 5000))",
            options.IdempotencyKeys, cancellationToken);
        await DeleteAsync("DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit WHERE at < now() - $1 ORDER BY at, id LIMIT 5000)", options.Audit, cancellationToken);
        await KeepSnapshotAsync(cancellationToken);
        await DeleteAsync(
            """
            WITH old AS (SELECT snapshot FROM feed_snapshot WHERE at < now() - $1 ORDER BY at DESC LIMIT 1),
            gone AS (
                DELETE FROM change WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM change
                    WHERE xid < (SELECT pg_snapshot_xmax(snapshot::pg_snapshot) FROM old) AND pg_visible_in_snapshot(xid, (SELECT snapshot::pg_snapshot FROM old))
                    ORDER BY xid, id LIMIT 5000))
                RETURNING xid, id),
            last AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
            moved AS (
                UPDATE change_horizon h SET snapshot = o.snapshot, xid = greatest(h.xid, l.xid), id = CASE WHEN l.xid >= h.xid THEN l.id ELSE h.id END FROM last l, old o)
            SELECT count(*) FROM gone
            """, options.Changes, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                try
                {
                    await RunOnceAsync(stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    // Whatever it is, the server goes on: rows that stay longer harm nobody.
                    Postponed(logger, e.GetBaseException().Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    /// <summary>Notes which transactions are visible now; the newest note that is older than the retention time decides what goes.</summary>
    private async Task KeepSnapshotAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            WITH gone AS (
                DELETE FROM feed_snapshot WHERE at < (SELECT max(at) FROM feed_snapshot WHERE at < now() - $1))
            INSERT INTO feed_snapshot (at, snapshot) SELECT now(), pg_current_snapshot()::text
            WHERE NOT EXISTS (SELECT FROM feed_snapshot WHERE at BETWEEN now() - $2 AND now())
            """);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = options.Changes });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Interval / 2 });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <param name="bound">$1 of the statement.</param>
    private async Task DeleteAsync<T>(string sql, T bound, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var command = source.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = bound });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var count = await reader.ReadAsync(cancellationToken) ? reader.GetInt64(0) : reader.RecordsAffected;
            await reader.FinishAsync(cancellationToken);
            if (count < Batch) return;
        }
    }

    [LoggerMessage(EventId = 103, Level = LogLevel.Warning, Message = "Removing old events and changes is put off: {Reason}")]
    private static partial void Postponed(ILogger logger, string reason);
}
