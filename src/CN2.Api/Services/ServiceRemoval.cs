using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>The two halves of a deletion: marking (routes go, then entries), and removing the rows once nothing depends on them.</summary>
internal sealed class ServiceRemoval(ServiceResources serviceResources, FloatingIPRemoval floatingIPRemoval)
{
    /// <summary>Marks a Service (locked, not marked yet) and what it holds. A reservation that is marked while a Service has it only loses its Service.</summary>
    /// <param name="tell">False: it is removed in the same transaction, so the feed need not know.</param>
    public static async Task MarkAsync(NpgsqlConnection connection, ServiceRow row, DateTimeOffset now, ChangeList changes, bool tell, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Sql.Command("UPDATE service SET deleting_at = $2, updated_at = $2 WHERE uid = $1", new NpgsqlParameter<Guid> { TypedValue = row.Uid }, Sql.Time(now)),
                Sql.Command(
                    "UPDATE floating_ip SET deleting_at = $2, updated_at = $2 WHERE service_uid = $1 AND deleting_at IS NULL RETURNING namespace, name, uid",
                    new NpgsqlParameter<Guid> { TypedValue = row.Uid }, Sql.Time(now)),
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
    /// Removes marked Services with all they hold; a Service that is not marked, or is still advertised, is left alone. Reserved
    /// FloatingIPs survive their Service. Addresses and node ports are free with the commit. Returns how many rows were removed.
    /// </summary>
    public async Task<int> FinalizeAsync(
        NpgsqlConnection connection, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> services, ChangeList changes, CancellationToken ct)
    {
        var rows = await ServiceRows.ReadAsync(connection,
            """
            s.uid = ANY($1) AND s.deleting_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE f.service_uid = s.uid)
            ORDER BY s.uid FOR UPDATE OF s
            """, ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. services] });
        if (rows.Count == 0) return 0;
        var uids = rows.ConvertAll(r => r.Uid);
        var held = await FloatingIPRemoval.LockRemovableAsync(connection, uids, [], ct);

        // The last representation in the feed is what GET answered last.
        var ofService = held.ToLookup(f => f.ServiceUid!.Value);
        var specs = rows.ToDictionary(r => r.Uid, r => ApiJson.Read<ServiceSpec>(r.Spec));
        var owners = rows.ToDictionary(r => r.Uid, r => new FloatingIPOwner(r.Name, specs[r.Uid]));
        await using var batch = new NpgsqlBatch(connection);
        var removed = floatingIPRemoval.AddTo(batch, held, owners, snapshot, changes);
        batch.BatchCommands.Add(Sql.Command("DELETE FROM node_port WHERE service_uid = ANY($1)", Sql.Array(uids, u => u)));
        batch.BatchCommands.Add(Sql.Command("DELETE FROM service WHERE uid = ANY($1)", Sql.Array(uids, u => u)));
        foreach (var row in rows)
        {
            var document = serviceResources.Make(row, specs[row.Uid], ofService[row.Uid], snapshot, null);
            changes.Add(ResourceKind.Service, row.Namespace, row.Name, row.Uid, ChangeVerb.Deleted, ApiJson.Text(document));
        }

        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(ct);
        return rows.Count + removed;
    }
}
