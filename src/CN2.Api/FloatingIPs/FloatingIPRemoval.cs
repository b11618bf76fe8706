using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>Removes the rows of FloatingIPs that are marked for deletion, once no control node announces them.</summary>
internal sealed class FloatingIPRemoval(FloatingIPResources resources)
{
    /// <summary>True while a control node may announce the address, or a connected vRouter may have entries for it.</summary>
    public static async Task<bool> IsNeededElsewhereAsync(NpgsqlConnection connection, Guid floatingIP, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM advertisement WHERE floating_ip_uid = $1) OR EXISTS (SELECT FROM virtual_router_status WHERE connected)", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = floatingIP });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Locks the rows of these Services, and of these marked FloatingIPs, that no control node announces; in the order of uid.</summary>
    public static Task<List<FloatingIPRow>> LockRemovableAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct) =>
        FloatingIPRows.ReadAsync(connection,
            """
            (f.service_uid = ANY($1) OR (f.uid = ANY($2) AND f.deleting_at IS NOT NULL))
            AND NOT EXISTS (SELECT FROM advertisement a WHERE a.floating_ip_uid = f.uid)
            ORDER BY f.uid FOR UPDATE OF f
            """, ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. services] }, new NpgsqlParameter<Guid[]> { TypedValue = [.. floatingIPs] });

    /// <summary>Removes marked FloatingIPs by themselves. Their addresses are free with the commit. Returns how many rows were removed.</summary>
    public async Task<int> FinalizeAsync(
        NpgsqlConnection connection, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> floatingIPs, ChangeList changes, CancellationToken ct)
    {
        var rows = await LockRemovableAsync(connection, [], floatingIPs, ct);
        if (rows.Count == 0) return 0;
        var owners = await FloatingIPOwner.ReadAsync(connection, rows.Where(f => f.ServiceUid is not null).Select(f => f.ServiceUid!.Value), ct);
        await using var batch = new NpgsqlBatch(connection);
        var removed = AddTo(batch, rows, owners, snapshot, changes);
        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(ct);
        return removed;
    }

    /// <summary>
    /// Adds the statements that remove locked rows, and their changes. A reserved FloatingIP that a Service holds only loses its Service.
    /// Returns how many rows will be removed.
    /// </summary>
    /// <param name="batch">Executed by the caller.</param>
    /// <param name="rows">Locked rows.</param>
    /// <param name="owners">The Services that hold them, by uid; the last representation of a FloatingIP names its Service.</param>
    /// <param name="snapshot">Knows the networks' names.</param>
    /// <param name="changes">Gets a change for each row.</param>
    public int AddTo(
        NpgsqlBatch batch, List<FloatingIPRow> rows, IReadOnlyDictionary<Guid, FloatingIPOwner> owners, CatalogSnapshot snapshot, ChangeList changes)
    {
        var released = rows.FindAll(f => f is { Reserved: true, ServiceUid: not null });
        var removed = rows.FindAll(f => f is not { Reserved: true, ServiceUid: not null });
        if (released.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command("UPDATE floating_ip SET service_uid = NULL, deleting_at = NULL, updated_at = now() WHERE uid = ANY($1)", Sql.Array(released, f => f.Uid)));
            foreach (var row in released) changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Modified);
        }

        if (removed.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command("DELETE FROM floating_ip WHERE uid = ANY($1)", Sql.Array(removed, f => f.Uid)));
            foreach (var row in removed)
            {
                var document = resources.Make(row, row.ServiceUid is { } s ? owners.GetValueOrDefault(s) : null, snapshot, null);
                changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Deleted, ApiJson.Text(document));
            }
        }

        return removed.Count;
    }
}
