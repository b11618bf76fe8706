using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Notices that the database is not what it was, and begins a new epoch (docs/adr/0009-feed-positions-are-snapshots.md). Transaction ids,
/// and so positions in the feed, mean something only within one life of a database: a fail-over may lose the last commits, and a restore
/// goes back. The row <c>feed_epoch</c> proves itself: it names the server that wrote it (system identifier and timeline) and its
/// transaction, and the row's own <c>xmin</c> must be that transaction. A restored copy fails one of the two.
/// </summary>
public sealed partial class FeedEpochs([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, ILogger<FeedEpochs> logger)
{
    /// <summary>SQL that is true while the epoch is that of this server and of these contents.</summary>
    internal const string IsProven = "EXISTS (SELECT FROM feed_epoch WHERE xmin = xid(written_by) AND server = feed_server())";

    /// <summary>
    /// SQL that is true when rows may be missing by which a control node could know what routers keep of it: a fail-over or a restore has not been noticed yet, or a new epoch began with it and a router may
    /// still keep what it had then (the longest restart time, 12 bits of seconds, RFC 4724 §3).
    /// </summary>
    internal const string MayLackRows = $"EXISTS (SELECT FROM feed_epoch WHERE (number > 1 AND begun_at > now() - interval '4095 seconds') OR NOT {IsProven})";

    /// <summary>
    /// One row for the current snapshot: snapshot, epoch, start of the server, standby?, proven?, what retention removed. $1: the start of the
    /// server for which system identifier and timeline were compared already; they cannot change while it runs as a primary. Each table has one row:
    /// LIMIT says so to the planner, which takes a table that was never analyzed for hundreds of rows and then compiles the statement (JIT, 6 ms each time).
    /// </summary>
    internal const string HeadSql =
        """
        SELECT pg_current_snapshot()::text, e.epoch, pg_postmaster_start_time(), pg_is_in_recovery(),
            e.writer = xid(e.written_by) AND (pg_postmaster_start_time() = $1 OR e.server = feed_server()), h.snapshot, h.xid
        FROM (SELECT 1) one
            LEFT JOIN (SELECT epoch, server, written_by, xmin AS writer FROM feed_epoch LIMIT 1) e ON true
            LEFT JOIN (SELECT snapshot, xid FROM change_horizon LIMIT 1) h ON true
        """;

    /// <summary>The whole feed is deleted: longer than the control loop's connections wait for a statement.</summary>
    private const int RenewSeconds = 60;

    /// <summary>
    /// Begins a new epoch, unless another replica has done so since <paramref name="known"/>: nothing that was counted in transaction ids
    /// is valid any more, and what is judged by age (replicas, agents) gets its time to report.
    /// </summary>
    /// <param name="known">The epoch that is over.</param>
    /// <param name="wentBack">It is over although its row proves itself: transaction ids went back.</param>
    /// <param name="ct">Ends it.</param>
    internal async Task RenewAsync(Guid? known, bool wentBack, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var check = new NpgsqlCommand(
            "SELECT epoch, xmin = xid(written_by) AND server = feed_server() FROM feed_epoch FOR UPDATE", connection, transaction))
        {
            await using var reader = await check.ExecuteReaderAsync(ct);
            if (await reader.ReadAsync(ct) && reader.GetBoolean(1) && (reader.GetGuid(0) != known || !wentBack)) return;
        }

        await using var batch = new NpgsqlBatch(connection, transaction)
        {
            Timeout = RenewSeconds,
            BatchCommands =
            {
                new("""
                    INSERT INTO feed_epoch (epoch, server, written_by, begun_at) VALUES (gen_random_uuid(), feed_server(), pg_current_xact_id(), now())
                    ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch, server = excluded.server, written_by = excluded.written_by, begun_at = now(), number = feed_epoch.number + 1
                    """),
                new("DELETE FROM change"),
                new("DELETE FROM feed_snapshot"),
                new("INSERT INTO change_horizon (xid, id) VALUES ('0', 0) ON CONFLICT (singleton) DO UPDATE SET xid = '0', id = 0, snapshot = NULL"),
                // In the order in which all others lock these rows (AgentReportStore).
                new("""
                    WITH locked AS MATERIALIZED (SELECT uid FROM virtual_router_status ORDER BY uid FOR NO KEY UPDATE)
                    UPDATE virtual_router_status s SET applied_position = 0, applied_snapshot = NULL, last_seen_at = now() FROM locked l WHERE l.uid = s.uid
                    """),
                new("UPDATE control_node SET last_seen_at = now(), rows_lost = true"),
                // Copies of the catalog in memory may have this version with other contents.
                new("UPDATE catalog SET version = greatest(version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"),
            },
        };
        await batch.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
        Renewed(logger, wentBack ? "its transaction ids went back" : "system identifier, timeline or contents are another server's");
    }

    [LoggerMessage(EventId = 106, Level = LogLevel.Warning,
        Message = "The database is not the one it was ({Reason}): after a fail-over or a restore everything is read anew, and resume tokens of before are refused")]
    private static partial void Renewed(ILogger logger, string reason);
}
