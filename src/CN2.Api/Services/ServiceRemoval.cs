using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Http;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>The two halves of a deletion: marking (routes go, then entries), and removing the rows once nothing depends on them.</summary>
internal sealed class ServiceRemoval(ServiceResources serviceResources, FloatingIPResources floatingIPResources)
{
    /// <summary>Marks a Service (locked, not marked yet) and what it holds. A reservation that is marked while a Service has it only loses its Service.</summary>
    /// <param name="tell">False: it is removed in the same transaction, so the feed need not know.</param>
    public static async Task MarkAsync(NpgsqlConnection connection, ServiceRow row, DateTimeOffset now, ChangeList changes, bool tell, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ServiceStatements.Command("UPDATE service SET deleting_at = $2, updated_at = $2 WHERE uid = $1", new NpgsqlParameter<Guid> { TypedValue = row.Uid }, ServiceStatements.Time(now)),
                ServiceStatements.Command(
                    "UPDATE floating_ip SET deleting_at = $2, updated_at = $2 WHERE service_uid = $1 AND deleting_at IS NULL RETURNING namespace, name, uid",
                    new NpgsqlParameter<Guid> { TypedValue = row.Uid }, ServiceStatements.Time(now)),
            },
        };
        changes.Add(ResourceKind.Service, row.Namespace, row.Name, row.Uid, ChangeVerb.Modified);
        await using (var reader = await batch.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct)) changes.Add(ResourceKind.FloatingIP, reader.GetString(0), reader.GetString(1), reader.GetGuid(2), ChangeVerb.Modified);
        }

        row.UpdatedAt = now;
        if (!tell) return;
        await using var feed = new NpgsqlBatch(connection);
        changes.AddTo(feed);
        await feed.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A route of it may be out there, or a vRouter may have its entries.</summary>
    public static async Task<bool> IsNeededElsewhereAsync(NpgsqlConnection connection, Guid service, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT EXISTS (SELECT FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE f.service_uid = $1)
                OR EXISTS (SELECT FROM virtual_router_status WHERE connected)
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = service });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>
    /// Removes marked Services with all they hold, and marked FloatingIPs by themselves; what is not marked, or still advertised, is
    /// left alone. Reserved FloatingIPs survive their Service. Addresses and node ports are free with the commit. Returns how many rows went.
    /// </summary>
    public async Task<int> FinalizeAsync(
        NpgsqlConnection connection, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, ChangeList changes, CancellationToken ct)
    {
        var rows = await ServiceRows.ReadAsync(connection,
            """
            s.uid = ANY($1) AND s.deleting_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE f.service_uid = s.uid)
            ORDER BY s.uid FOR UPDATE OF s
            """, ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. services] });
        var uids = rows.ConvertAll(r => r.Uid);
        var held = await FloatingIPRows.ReadAsync(connection,
            """
            (f.service_uid = ANY($1) OR (f.uid = ANY($2) AND f.deleting_at IS NOT NULL))
            AND NOT EXISTS (SELECT FROM advertisement a WHERE a.floating_ip_uid = f.uid)
            ORDER BY f.uid FOR UPDATE OF f
            """, ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. uids] }, new NpgsqlParameter<Guid[]> { TypedValue = [.. floatingIPs] });
        if (rows.Count == 0 && held.Count == 0) return 0;
        var released = held.FindAll(f => f is { Reserved: true, ServiceUid: not null });
        var removed = held.FindAll(f => f is not { Reserved: true, ServiceUid: not null });

        // What watchers are told is what GET would have answered last.
        var ofService = held.Where(f => f.ServiceUid is not null).ToLookup(f => f.ServiceUid!.Value);
        var specs = rows.ToDictionary(r => r.Uid, r => ApiJson.Read<ServiceSpec>(r.Spec));
        var owners = rows.ToDictionary(r => r.Uid, r => new FloatingIPOwner(r.Name, specs[r.Uid]));
        foreach (var (uid, owner) in await FloatingIPOwner.ReadAsync(connection, removed.Where(f => f.ServiceUid is { } s && !owners.ContainsKey(s)).Select(f => f.ServiceUid!.Value), ct))
            owners[uid] = owner;
        await using var batch = new NpgsqlBatch(connection);
        if (released.Count > 0)
        {
            batch.BatchCommands.Add(ServiceStatements.Command("UPDATE floating_ip SET service_uid = NULL, deleting_at = NULL, updated_at = now() WHERE uid = ANY($1)", ServiceStatements.Array(released, f => f.Uid)));
            foreach (var row in released) changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Modified);
        }

        if (removed.Count > 0)
        {
            batch.BatchCommands.Add(ServiceStatements.Command("DELETE FROM floating_ip WHERE uid = ANY($1)", ServiceStatements.Array(removed, f => f.Uid)));
            foreach (var row in removed)
            {
                var document = floatingIPResources.Make(row, row.ServiceUid is { } s ? owners.GetValueOrDefault(s) : null, snapshot, null);
                changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Deleted, ApiJson.Text(document));
            }
        }

        if (rows.Count > 0)
        {
            batch.BatchCommands.Add(ServiceStatements.Command("DELETE FROM node_port WHERE service_uid = ANY($1)", ServiceStatements.Array(uids, u => u)));
            batch.BatchCommands.Add(ServiceStatements.Command("DELETE FROM service WHERE uid = ANY($1)", ServiceStatements.Array(uids, u => u)));
            foreach (var row in rows)
            {
                var document = serviceResources.Make(row, specs[row.Uid], ofService[row.Uid], snapshot, null);
                changes.Add(ResourceKind.Service, row.Namespace, row.Name, row.Uid, ChangeVerb.Deleted, ApiJson.Text(document));
            }
        }

        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(ct);
        return rows.Count + removed.Count;
    }
}
