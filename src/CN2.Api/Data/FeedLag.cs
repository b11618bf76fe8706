using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// What an open transaction holds back: not the feed (docs/adr/0009-feed-positions-are-snapshots.md), but its own changes, and vacuum on the whole
/// server. A role without <c>pg_read_all_stats</c> sees the process and its age, not the database user's query.
/// </summary>
public sealed class FeedLag(NpgsqlDataSource source)
{
    /// <summary>A transaction that writes and has been open for this long is named.</summary>
    public static readonly TimeSpan Threshold = TimeSpan.FromSeconds(30);

    /// <summary>The oldest open transaction that has a transaction id, prepared ones included; null: none is older than <see cref="Threshold"/>.</summary>
    public async Task<OpenTransaction?> OldestAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            SELECT who, seconds FROM (
                SELECT 'pid ' || pid || ' of database ' || coalesce(datname, '-') AS who, extract(epoch FROM clock_timestamp() - coalesce(xact_start, state_change))::int AS seconds
                FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                UNION ALL
                SELECT 'prepared transaction ' || gid || ' of database ' || database, extract(epoch FROM clock_timestamp() - prepared)::int FROM pg_prepared_xacts) t
            WHERE seconds >= $1 ORDER BY seconds DESC LIMIT 1
            """);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)Threshold.TotalSeconds });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new OpenTransaction(reader.GetString(0), reader.GetInt32(1)) : null;
    }
}
