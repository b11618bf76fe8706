using CN2.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Kubernetes.Versions;

/// <summary>
/// Versions of objects and lists, and where in the feed a version is (docs/adr/0011-the-kubernetes-front.md). Read versions before the objects, or
/// in the same snapshot: an object that is newer than its version is only refused or sent once more, an older one would hide a change.
/// </summary>
public sealed class ObjectVersions(NpgsqlDataSource source, ChangeFeedReader feed)
{
    /// <summary>Uids of one statement: the planner compiles one (JIT) that it takes for much larger.</summary>
    private const int Step = 1000;

    // Each table has one row that is meant; LIMIT says so to the planner (FeedEpochs.HeadSql).
    private const string Epoch = "(SELECT begun_at FROM feed_epoch LIMIT 1)";

    // One of the future is an old one: the database's clock was set back since.
    private const string MomentSql = $"SELECT pg_current_snapshot()::text, {Epoch}, (SELECT snapshot FROM feed_snapshot WHERE at <= now() ORDER BY at DESC LIMIT 1)";

    /// <summary>
    /// For each uid the newest transaction that changed it, and how many older ones may have committed after that one: those that were running when it
    /// wrote, and one that was running has an id from its horizon on.
    /// </summary>
    private static readonly string NewestSql =
        $"""
         SELECT u.uid, n.xid, {Epoch}, (SELECT count(*)::int FROM (SELECT DISTINCT o.xid FROM change o WHERE o.uid = u.uid AND o.xid >= n.horizon AND o.xid < n.xid LIMIT {ResourceVersion.MostLate}) l)
         FROM unnest($1) u (uid) LEFT JOIN LATERAL (SELECT c.xid, c.horizon FROM change c WHERE c.uid = u.uid ORDER BY c.xid DESC LIMIT 1) n ON true
         """;

    /// <summary>What the connection's transaction sees.</summary>
    public async Task<VersionMoment> MomentAsync(NpgsqlConnection connection, CancellationToken ct) =>
        (await Sql.ReadAllAsync(connection, MomentSql, row => new VersionMoment(
            row.GetFieldValue<DateTimeOffset>(1), FeedSnapshot.Parse(row.GetString(0)), row.GetStringOrNull(2) is { } kept ? FeedSnapshot.Parse(kept) : null), ct))[0];

    /// <inheritdoc cref="MomentAsync(NpgsqlConnection, CancellationToken)"/>
    public async Task<VersionMoment> MomentAsync(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await MomentAsync(connection, ct);
    }

    /// <summary>The versions of objects by uid. One whose last change was removed by retention has the first version of the epoch.</summary>
    public async Task<Dictionary<Guid, ResourceVersion>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var versions = new Dictionary<Guid, ResourceVersion>(uids.Count);
        if (uids.Count == 0) return versions;
        await using var batch = new NpgsqlBatch(connection);
        foreach (var some in uids.Chunk(Step)) batch.BatchCommands.Add(Sql.Command(NewestSql, Sql.Value(some)));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        do
        {
            while (await reader.ReadAsync(ct))
            {
                var began = reader.GetFieldValue<DateTimeOffset>(2);
                versions[reader.GetGuid(0)] = reader.IsDBNull(1) ? First(began) : ResourceVersion.Of(began, reader.GetFieldValue<ulong>(1), reader.GetInt32(3));
            }
        }
        while (await reader.NextResultAsync(ct));
        return versions;
    }

    /// <summary>
    /// The object was changed after the version that a client names for its update (409 Conflict), or was never of that version. Lock the object before.
    /// </summary>
    public async Task<bool> IsStaleAsync(NpgsqlConnection connection, Guid uid, ResourceVersion named, CancellationToken ct)
    {
        var current = (await ReadAsync(connection, [uid], ct))[uid];
        if (current == named) return false;
        var moment = await MomentAsync(connection, ct);
        if (!named.IsOf(moment.EpochBegan) || named.IsList || current.CompareTo(named) > 0) return true;
        // Retention may have removed what the named version counted: the change itself, or older ones beside it.
        return current == First(moment.EpochBegan) ? named.Transaction >= moment.Seen.Xmax : named.Transaction != current.Transaction;
    }

    /// <summary>
    /// Where a watch from this version begins. Null: the changes since then are no longer kept, or it is a version of elsewhere (410 Expired).
    /// </summary>
    public async Task<FeedPosition?> FindAsync(ResourceVersion version, CancellationToken ct)
    {
        var end = await feed.EndAsync(ct);
        VersionMoment moment;
        FeedSnapshot seen;
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            moment = await MomentAsync(connection, ct);
            if (!version.IsOf(moment.EpochBegan) || version.Transaction >= moment.Seen.Xmax) return null;
            if (version == First(moment.EpochBegan))
            {
                seen = FeedSnapshot.Nothing;
            }
            else
            {
                var kept = await KeptAsync(connection, version.Transaction, ct);
                if (version.IsList) seen = VersionMoment.SeenByList(version, kept);
                else if (await HorizonAsync(connection, version.Transaction, ct) is { } horizon) seen = VersionMoment.SeenByObject(horizon, kept);
                else return null;
            }
        }

        var position = new FeedPosition(end.Epoch, seen);
        return await feed.IsKnownAsync(position, ct) ? position : null;
    }

    /// <summary>The version of an object that has no change row.</summary>
    private static ResourceVersion First(DateTimeOffset epochBegan) => ResourceVersion.Of(epochBegan, 1);

    /// <summary>The newest kept snapshot that is certainly earlier than what has seen this transaction.</summary>
    private static async Task<FeedSnapshot?> KeptAsync(NpgsqlConnection connection, ulong transaction, CancellationToken ct) =>
        (await Sql.ReadAllAsync(connection, "SELECT snapshot FROM feed_snapshot WHERE at <= now() AND pg_snapshot_xmax(snapshot::pg_snapshot) <= $1 ORDER BY at DESC LIMIT 1",
            row => FeedSnapshot.Parse(row.GetString(0)), ct, Xid(transaction))).FirstOrDefault();

    private static async Task<ulong?> HorizonAsync(NpgsqlConnection connection, ulong transaction, CancellationToken ct) =>
        (await Sql.ReadAllAsync(connection, "SELECT horizon FROM change WHERE xid = $1 ORDER BY id DESC LIMIT 1",
            row => row.IsDBNull(0) ? (ulong?)null : row.GetFieldValue<ulong>(0), ct, Xid(transaction))).FirstOrDefault();

    private static NpgsqlParameter Xid(ulong xid) => new() { Value = xid, NpgsqlDbType = NpgsqlDbType.Xid8 };
}
