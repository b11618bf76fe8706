using System.Net;
using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Compilation;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>
/// The FloatingIPs that a replica announces or may announce. A row stands before the first route is handed to the speaker, has no
/// paths once the last withdrawal is confirmed, and goes when the replica's vRouters have dropped the entries. While the row stands, the
/// address is not free.
/// </summary>
public sealed class AnnouncementStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal) : IAnnouncementStore
{
    /// <summary>All rows of one control node.</summary>
    public async Task<IReadOnlyList<SavedAnnouncement>> LoadAsync(string controlNode, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT a.floating_ip_uid, f.address, a.routes, a.path_ids FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE a.control_node = $1");
        command.Parameters.Add(new() { Value = controlNode });
        var rows = new List<SavedAnnouncement>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var identifiers = JsonSerializer.Deserialize<Dictionary<string, uint>>(reader.GetString(3))!;
            rows.Add(new(reader.GetGuid(0), reader.GetFieldValue<IPAddress>(1),
                JsonSerializer.Deserialize<string[]>(reader.GetString(2))!.ToDictionary(RouteKey.Parse, r => identifiers.GetValueOrDefault(r))));
        }

        return rows;
    }

    /// <summary>
    /// Saves rows; null: the row goes. A FloatingIP that does not exist (any more) is skipped. Answers the rows that stand.
    /// <paramref name="identifierOf"/>: the number by which routers know a path. <paramref name="tellOthers"/>: with change rows, so that the
    /// other replicas read them.
    /// </summary>
    public async Task<HashSet<Guid>> SaveAsync(
        string controlNode, IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, Func<Guid, RouteKey, uint> identifierOf, bool tellOthers, CancellationToken ct)
    {
        var put = rows.Where(r => r.Value is not null).ToList();
        var gone = rows.Where(r => r.Value is null).Select(r => r.Key).ToArray();
        await using var batch = dataSource.CreateBatch();
        batch.Timeout = DatabasePools.SecondsFor(rows.Count);
        batch.BatchCommands.Add(new(
            """
            INSERT INTO advertisement (control_node, floating_ip_uid, routes, path_ids)
            SELECT $1, f.uid, r.routes::jsonb, r.path_ids::jsonb FROM unnest($2::uuid[], $3::text[], $4::text[]) AS r(uid, routes, path_ids) JOIN floating_ip f ON f.uid = r.uid
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
            },
        });
        batch.BatchCommands.Add(new("DELETE FROM advertisement WHERE control_node = $1 AND floating_ip_uid = ANY($2)")
        {
            Parameters = { new() { Value = controlNode }, new() { Value = gone } },
        });
        if (tellOthers)
        {
            var changes = new ChangeList();
            foreach (var floatingIP in rows.Keys) changes.Modified(ResourceKind.Announcements, null, controlNode, floatingIP, statusOnly: true);
            changes.AddTo(batch);
        }

        var standing = new HashSet<Guid>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) standing.Add(reader.GetGuid(0));
        while (await reader.NextResultAsync(ct))
        {
            // The other statements return no rows.
        }

        if (tellOthers) signal.Set();
        return standing;
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
}
