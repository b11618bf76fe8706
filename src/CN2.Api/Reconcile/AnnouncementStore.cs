using System.Net;
using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Compilation;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>
/// The FloatingIPs that a replica announces or may announce. A row stands before the first route is handed to the speaker, has no
/// paths once the last withdrawal is confirmed, and goes when the replica's vRouters have dropped the entries. While the row stands, the
/// address is not free.
/// </summary>
public sealed partial class AnnouncementStore(
    [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal, ILogger<AnnouncementStore> logger) : IAnnouncementStore
{
    /// <summary>The rows of all FloatingIPs may take longer than the control loop's connections wait for a statement.</summary>
    private const int AllSeconds = 60;

    /// <summary>
    /// The number of the last write: the upper half counts the calls of <see cref="LoadAsync"/>, over all runs of the control node, and the lower half
    /// the writes since.
    /// </summary>
    private long _lastWrite;

    /// <summary>
    /// All rows of one control node. No earlier write of them is carried out any more. Others may have written or removed some (<c>control_node.rows_restored</c>): from now on that is known.
    /// </summary>
    public async Task<IReadOnlyList<SavedAnnouncement>> LoadAsync(string controlNode, CancellationToken ct)
    {
        await using var batch = dataSource.CreateBatch();
        batch.Timeout = AllSeconds;
        // Not where it is told (ControlNodeStore.BeatAsync): that answer may be lost.
        batch.BatchCommands.Add(new("UPDATE control_node SET rows_restored = false WHERE name = $1 AND rows_restored") { Parameters = { new() { Value = controlNode } } });
        batch.BatchCommands.Add(NextWriter(controlNode));
        batch.BatchCommands.Add(new(
            "SELECT a.floating_ip_uid, f.address, a.routes, a.path_ids FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE a.control_node = $1")
        {
            Parameters = { new() { Value = controlNode } },
        });
        var rows = new List<SavedAnnouncement>();
        // Services with endpoints on the same vRouters have equal rows: these are read once, and share what was read.
        var known = new Dictionary<(string Routes, string Identifiers), IReadOnlyDictionary<RouteKey, uint>>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        _lastWrite = Math.Max(_lastWrite, reader.GetInt64(0));
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var floatingIP = reader.GetGuid(0);
            var texts = (Routes: reader.GetString(2), Identifiers: reader.GetString(3));
            if (!known.TryGetValue(texts, out var paths))
            {
                var isWhole = true;
                var identifiers = Identifiers(floatingIP, texts.Identifiers, ref isWhole);
                paths = Paths(floatingIP, texts.Routes, ref isWhole).ToDictionary(p => p, p => identifiers.GetValueOrDefault(p.ToString()));
                if (isWhole) known[texts] = paths; // each of the others is logged
            }

            rows.Add(new(floatingIP, reader.GetFieldValue<IPAddress>(1), paths));
        }

        return rows;
    }

    /// <summary>What other control nodes announce of these FloatingIPs, or (null) of all: FloatingIP, control node, paths.</summary>
    public async Task<List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)>> OfOthersAsync(
        IDatabaseReading reading, string self, IReadOnlyCollection<Guid>? floatingIPs, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT floating_ip_uid, control_node, routes FROM advertisement WHERE control_node <> $1 AND ($2::uuid[] IS NULL OR floating_ip_uid = ANY($2))",
            DatabaseReading.ConnectionOf(reading));
        command.CommandTimeout = floatingIPs is null ? AllSeconds : DatabasePools.SecondsFor(floatingIPs.Count);
        command.Parameters.Add(new() { Value = self });
        command.Parameters.Add(new() { Value = (object?)floatingIPs?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        var rows = new List<(Guid, string, RouteKey[])>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) rows.Add((reader.GetGuid(0), reader.GetString(1), [.. Paths(reader.GetGuid(0), reader.GetString(2))]));
        return rows;
    }

    /// <summary>
    /// Saves rows; null: the row goes. A FloatingIP that does not exist (any more) is skipped. Answers the rows that stand.
    /// <paramref name="identifierOf"/>: the number by which routers know a path. <paramref name="tellOthers"/>: with change rows, so that the
    /// other replicas read them. A write that arrives after a later one, because the database hung or the network delayed it, changes nothing.
    /// </summary>
    /// <exception cref="SupersededWriteException">Another process wrote rows of this control node; the next call takes its turn again.</exception>
    public async Task<HashSet<Guid>> SaveAsync(
        string controlNode, IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, Func<Guid, RouteKey, uint> identifierOf, bool tellOthers, CancellationToken ct)
    {
        var put = rows.Where(r => r.Value is not null).ToList();
        var gone = rows.Where(r => r.Value is null).Select(r => r.Key).ToArray();
        var write = ++_lastWrite;
        await using var batch = dataSource.CreateBatch();
        batch.Timeout = DatabasePools.SecondsFor(rows.Count);
        batch.BatchCommands.Add(new(
            """
            INSERT INTO announcement_writer AS w (control_node, last_write) VALUES ($1, $2)
            ON CONFLICT (control_node) DO UPDATE SET last_write = excluded.last_write WHERE w.last_write < excluded.last_write
            RETURNING true
            """)
        {
            Parameters = { new() { Value = controlNode }, new() { Value = write } },
        });
        batch.BatchCommands.Add(new(
            $"""
            INSERT INTO advertisement (control_node, floating_ip_uid, routes, path_ids)
            SELECT $1, f.uid, r.routes::jsonb, r.path_ids::jsonb FROM unnest($2::uuid[], $3::text[], $4::text[]) AS r(uid, routes, path_ids) JOIN floating_ip f ON f.uid = r.uid
            WHERE {IsLastWrite("$1", "$5")}
            ON CONFLICT (floating_ip_uid, control_node) DO UPDATE SET routes = excluded.routes, path_ids = excluded.path_ids
            RETURNING floating_ip_uid
            """)
        {
            Parameters =
            {
                new() { Value = controlNode },
                new() { Value = put.Select(r => r.Key).ToArray() },
                new() { Value = put.Select(r => JsonSerializer.Serialize(r.Value!.Select(p => p.ToString()))).ToArray() },
                new() { Value = put.Select(r => JsonSerializer.Serialize(r.Value!.ToDictionary(p => p.ToString(), p => identifierOf(r.Key, p)))).ToArray() },
                new() { Value = write },
            },
        });
        batch.BatchCommands.Add(new($"DELETE FROM advertisement WHERE control_node = $1 AND floating_ip_uid = ANY($2) AND {IsLastWrite("$1", "$3")}")
        {
            Parameters = { new() { Value = controlNode }, new() { Value = gone }, new() { Value = write } },
        });
        if (tellOthers)
        {
            var changes = new ChangeList();
            foreach (var floatingIP in rows.Keys) changes.Modified(ResourceKind.Announcements, null, controlNode, floatingIP, statusOnly: true);
            changes.AddTo(batch);
        }

        var standing = new HashSet<Guid>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            await reader.DisposeAsync();
            await using var turn = dataSource.CreateBatch();
            turn.BatchCommands.Add(NextWriter(controlNode));
            _lastWrite = Math.Max(_lastWrite, (long)(await turn.ScalarAsync(ct))!);
            throw new SupersededWriteException(controlNode);
        }

        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct)) standing.Add(reader.GetGuid(0));
        await reader.FinishAsync(ct);
        if (tellOthers) signal.Set();
        return standing;
    }

    /// <summary>
    /// Writes rows of other control nodes that a fail-over lost, as this one last read them. Those control nodes may be dead or stopped while their engines
    /// announce; at its next heartbeat each makes its rows what they must be. Answers the rows that were missing.
    /// </summary>
    public async Task<IReadOnlyCollection<(Guid FloatingIP, string ControlNode)>> RestoreAsync(
        IReadOnlyCollection<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> rows, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
             WITH restored AS (
                 INSERT INTO advertisement (control_node, floating_ip_uid, routes, path_ids)
                 SELECT c.name, f.uid, r.routes::jsonb, '{"{}"}' FROM unnest($1::text[], $2::uuid[], $3::text[]) AS r(name, uid, routes)
                 JOIN control_node c ON c.name = r.name JOIN floating_ip f ON f.uid = r.uid
                 ON CONFLICT DO NOTHING
                 RETURNING control_node AS name, floating_ip_uid AS uid
             ), noted AS (
                 UPDATE control_node SET rows_restored = true WHERE name IN (SELECT name FROM restored)
             ), changed AS (
                 {ChangeList.InsertFrom(ResourceKind.Announcements, ChangeVerb.Modified, "restored", statusOnly: true)}
             )
             SELECT uid, name FROM restored
             """);
        command.CommandTimeout = DatabasePools.SecondsFor(rows.Count);
        command.Parameters.Add(new() { Value = rows.Select(r => r.ControlNode).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(r => r.FloatingIP).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(r => JsonSerializer.Serialize(r.Paths.Select(p => p.ToString()))).ToArray() });
        var restored = new List<(Guid, string)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) restored.Add((reader.GetGuid(0), reader.GetString(1)));
        if (restored.Count > 0) signal.Set();
        return restored;
    }

    /// <summary>Makes the other replicas read all rows of this one, because some were saved without change rows.</summary>
    public async Task IntroduceAsync(string controlNode, CancellationToken ct)
    {
        var changes = new ChangeList();
        changes.Modified(ResourceKind.Announcements, null, controlNode, Guid.Empty, statusOnly: true);
        await using var batch = dataSource.CreateBatch();
        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(ct);
        signal.Set();
    }

    /// <summary>From now on this process is the one that writes the control node's rows. Answers the number of its last write.</summary>
    private static NpgsqlBatchCommand NextWriter(string controlNode) => new(
        """
        INSERT INTO announcement_writer AS w (control_node, last_write) VALUES ($1, 1::bigint << 32)
        ON CONFLICT (control_node) DO UPDATE SET last_write = ((w.last_write >> 32) + 1) << 32
        RETURNING last_write
        """)
    {
        Parameters = { new() { Value = controlNode } },
    };

    /// <summary>SQL: no later write of the control node's rows was carried out.</summary>
    private static string IsLastWrite(string controlNode, string write) => $"EXISTS (SELECT FROM announcement_writer w WHERE w.control_node = {controlNode} AND w.last_write = {write})";

    /// <summary>The paths of a row. One that cannot be read is left out; the row stands all the same, so the address stays in use.</summary>
    private HashSet<RouteKey> Paths(Guid floatingIP, string routes)
    {
        var isWhole = true;
        return Paths(floatingIP, routes, ref isWhole);
    }

    /// <param name="isWhole">Becomes false when something is left out.</param>
    private HashSet<RouteKey> Paths(Guid floatingIP, string routes, ref bool isWhole)
    {
        var paths = new HashSet<RouteKey>();
        try
        {
            foreach (var text in JsonSerializer.Deserialize<string?[]>(routes) ?? [])
            {
                if (text is not null && RouteKey.TryParse(text, out var path))
                {
                    paths.Add(path.Value);
                    continue;
                }

                isWhole = false;
                LogUnreadable(floatingIP, text ?? "null");
            }
        }
        catch (JsonException e)
        {
            isWhole = false;
            LogUnreadable(floatingIP, e.Message);
        }

        return paths;
    }

    /// <summary>The numbers of a row's paths. What cannot be read is left out: the engine then gives a number as to a new path.</summary>
    private Dictionary<string, uint> Identifiers(Guid floatingIP, string identifiers, ref bool isWhole)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, uint>>(identifiers) ?? [];
        }
        catch (JsonException e)
        {
            isWhole = false;
            LogUnreadable(floatingIP, e.Message);
            return [];
        }
    }

    [LoggerMessage(EventId = 210, Level = LogLevel.Error, Message = "The announcement row of FloatingIP {Uid} cannot be read ({Fault}); its address stays in use")]
    private partial void LogUnreadable(Guid uid, string fault);
}
