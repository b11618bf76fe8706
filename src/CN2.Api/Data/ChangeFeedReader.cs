using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>
/// Reads the change feed (docs/adr/0009-feed-positions-are-snapshots.md): the rows that are visible now and were not at a position. So a
/// transaction that commits late is not skipped, and one that stays open holds nothing back but its own rows. Each reading looks whether the
/// database is still the one that the position belongs to.
/// </summary>
public sealed class ChangeFeedReader(NpgsqlDataSource source, FeedEpochs epochs) : IChangeFeedReader
{
    private readonly Lock _lock = new();

    /// <summary>The start of the server whose identity was compared.</summary>
    private DateTimeOffset _provenStart = DateTimeOffset.MinValue;

    /// <summary>The newest end of the feed that was seen, and its epoch: transaction ids never go back within one life of a database.</summary>
    private (Guid Epoch, ulong Xmax) _newest;

    /// <summary>The current end of the feed on a connection of its own.</summary>
    public async Task<FeedPosition> EndAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var reading = await DatabaseReading.OpenAsync(source, cancellationToken);
            if (await EndAsync(reading, cancellationToken) is { } end) return end;
        }
    }

    /// <summary>The end of the feed in this reading. Null: a new epoch has just begun, and this snapshot is from before it.</summary>
    public async Task<FeedPosition?> EndAsync(IDatabaseReading reading, CancellationToken cancellationToken)
    {
        var newest = Newest();
        await using var batch = new NpgsqlBatch(DatabaseReading.ConnectionOf(reading));
        batch.BatchCommands.Add(HeadCommand());
        Head head;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken)) head = await ReadHeadAsync(reader, cancellationToken);
        return await IsValidAsync(head, newest, cancellationToken) ? new FeedPosition(head.Epoch!.Value, head.Snapshot) : null;
    }

    /// <summary>False when changes after the token may have been removed, or when it belongs to another life of the database.</summary>
    public async Task<bool> IsKnownAsync(FeedPosition token, CancellationToken cancellationToken) =>
        (await ReadAsync(token, 0, cancellationToken)).Gap == FeedGap.None;

    /// <summary>Up to <paramref name="count"/> rows after a position, in a reading of its own.</summary>
    public async Task<FeedPage> ReadAsync(FeedPosition after, int count, CancellationToken cancellationToken)
    {
        await using var reading = await DatabaseReading.OpenAsync(source, cancellationToken);
        return await ReadAsync(reading, after, count, cancellationToken);
    }

    /// <summary>Up to <paramref name="count"/> rows after a position that this reading sees.</summary>
    public async Task<FeedPage> ReadAsync(IDatabaseReading reading, FeedPosition after, int count, CancellationToken cancellationToken)
    {
        var newest = Newest();
        await using var batch = new NpgsqlBatch(DatabaseReading.ConnectionOf(reading));
        batch.BatchCommands.Add(HeadCommand());
        batch.BatchCommands.Add(PageCommand(after, count));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var head = await ReadHeadAsync(reader, cancellationToken);
        if (!await IsValidAsync(head, newest, cancellationToken) || head.Epoch != after.Epoch || after.Seen.Xmax > head.Snapshot.Xmax)
            return new FeedPage(FeedGap.Epoch, after, head.Snapshot, [], More: false);
        if ((head.Horizon is { } horizon && !after.Seen.Includes(horizon)) || !(head.HorizonXid == 0 || after.Seen.Sees(head.HorizonXid)))
            return new FeedPage(FeedGap.Removed, after, head.Snapshot, [], More: false);

        await reader.NextResultAsync(cancellationToken);
        var rows = new List<ChangeRow>();
        while (await reader.ReadAsync(cancellationToken)) rows.Add(ReadRow(reader));
        return new FeedPage(FeedGap.None, after, head.Snapshot, rows, More: count > 0 && rows.Count == count);
    }

    private (Guid Epoch, ulong Xmax) Newest()
    {
        lock (_lock) return _newest;
    }

    private NpgsqlBatchCommand HeadCommand()
    {
        DateTimeOffset proven;
        lock (_lock) proven = _provenStart;
        return Sql.Command(FeedEpochs.HeadSql, Sql.Time(proven));
    }

    /// <summary>
    /// Two index scans: what had not begun at the position, and what was running then. In READ COMMITTED and above a statement sees a row only
    /// when its transaction is in the snapshot, so the upper end needs no condition.
    /// </summary>
    private static NpgsqlBatchCommand PageCommand(FeedPosition after, int count)
    {
        const string Columns = "id, xid, kind, namespace, name, uid, verb, status_only, document, at";
        // A transaction that was read in part and is the first unseen one: begin behind its last row instead of filtering.
        var (xid, id) = after.Seen.Xmax == 0 ? (0, 0) : after.Xid == after.Seen.Xmax ? (after.Xid, after.Id) : (after.Seen.Xmax - 1, long.MaxValue);
        return Sql.Command(
            $"""
             SELECT {Columns} FROM (
                 (SELECT {Columns} FROM change WHERE (xid, id) > ($1, $2) ORDER BY xid, id LIMIT $6)
                 UNION ALL
                 (SELECT {Columns} FROM change WHERE xid = ANY($3) AND NOT (xid = $4 AND id <= $5) ORDER BY xid, id LIMIT $6)) c
             ORDER BY xid, id LIMIT $6
             """,
            Xid(xid), Sql.Value(id),
            new NpgsqlParameter { Value = after.Seen.Running.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Xid8 },
            Xid(after.Xid), Sql.Value(after.Id), Sql.Value(count));
    }

    private static NpgsqlParameter Xid(ulong xid) => new() { Value = xid, NpgsqlDbType = NpgsqlDbType.Xid8 };

    private static async Task<Head> ReadHeadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        // A standby is behind by what it has not replayed. Its position must never be compared with the primary's.
        if (reader.GetBoolean(3)) throw new NpgsqlException("The server is a standby; the change feed is read at the primary.");
        return new Head(
            FeedSnapshot.Parse(reader.GetString(0)),
            reader.GetGuidOrNull(1),
            reader.GetFieldValue<DateTimeOffset>(2),
            !reader.IsDBNull(4) && reader.GetBoolean(4),
            reader.GetStringOrNull(5) is { } horizon ? FeedSnapshot.Parse(horizon) : null,
            reader.IsDBNull(6) ? 0 : reader.GetFieldValue<ulong>(6));
    }

    /// <param name="newest">What was known before the reading was sent: only of that it must be the later one.</param>
    private async Task<bool> IsValidAsync(Head head, (Guid Epoch, ulong Xmax) newest, CancellationToken cancellationToken)
    {
        var wentBack = head.Epoch == newest.Epoch && head.Snapshot.Xmax < newest.Xmax;
        if (!head.IsProven || head.Epoch is not { } epoch || wentBack)
        {
            await epochs.RenewAsync(head.Epoch, wentBack, cancellationToken);
            return false;
        }

        lock (_lock)
        {
            _provenStart = head.ServerStart;
            if (_newest.Epoch != epoch || _newest.Xmax < head.Snapshot.Xmax) _newest = (epoch, head.Snapshot.Xmax);
        }

        return true;
    }

    private static ChangeRow ReadRow(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetInt64(0),
        Xid = reader.GetFieldValue<ulong>(1),
        Kind = (ResourceKind)reader.GetInt16(2),
        Namespace = reader.GetStringOrNull(3),
        Name = reader.GetString(4),
        Uid = reader.GetGuid(5),
        Verb = (ChangeVerb)reader.GetInt16(6),
        StatusOnly = reader.GetBoolean(7),
        Document = reader.GetStringOrNull(8),
        At = reader.GetFieldValue<DateTimeOffset>(9),
    };

    /// <param name="IsProven">The epoch was written by this server in this history.</param>
    /// <param name="Horizon">Retention has removed rows that this snapshot sees, and no others.</param>
    /// <param name="HorizonXid">The newest transaction of which it removed rows; a replica of an earlier version writes this alone.</param>
    private sealed record Head(FeedSnapshot Snapshot, Guid? Epoch, DateTimeOffset ServerStart, bool IsProven, FeedSnapshot? Horizon, ulong HorizonXid);
}
