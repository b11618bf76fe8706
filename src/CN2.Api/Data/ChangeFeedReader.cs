using CN2.Api.Data.Rows;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Reads the change feed in its only safe order: below the oldest running transaction, by (xid, id).</summary>
public sealed class ChangeFeedReader(NpgsqlDataSource source) : IChangeFeedReader
{
    /// <summary>The current end of the feed: every later row comes after this position.</summary>
    public async Task<FeedPosition> EndAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT pg_snapshot_xmin(pg_current_snapshot())");
        return new FeedPosition((ulong)(await command.ExecuteScalarAsync(cancellationToken))! - 1, long.MaxValue);
    }

    /// <summary>The last row that retention has removed: a token before it is too old.</summary>
    public async Task<FeedPosition> HorizonAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT xid, id FROM change_horizon");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new FeedPosition(reader.GetFieldValue<ulong>(0), reader.GetInt64(1)) : default;
    }

    /// <summary>Up to <paramref name="count"/> rows after a position, in order.</summary>
    public async Task<List<ChangeRow>> ReadAsync(FeedPosition after, int count, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            SELECT id, xid, kind, namespace, name, uid, verb, status_only, document, at FROM change
            WHERE (xid, id) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY xid, id LIMIT $3
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = after.Xid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after.Id });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ChangeRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new ChangeRow
            {
                Id = reader.GetInt64(0),
                Xid = reader.GetFieldValue<ulong>(1),
                Kind = (ResourceKind)reader.GetInt16(2),
                Namespace = await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                Name = reader.GetString(4),
                Uid = reader.GetGuid(5),
                Verb = (ChangeVerb)reader.GetInt16(6),
                StatusOnly = reader.GetBoolean(7),
                Document = await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetString(8),
                At = reader.GetFieldValue<DateTimeOffset>(9),
            });
        }

        return rows;
    }
}
