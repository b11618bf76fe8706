using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Grants;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// The two steps of a deletion: the mark, after which routes and then NAT entries are removed, and the deletion of the rows, once nothing
/// depends on them.
/// </summary>
public sealed class ServiceRemoval(ServiceResources serviceResources, FloatingIPRemoval floatingIPRemoval)
{
    /// <summary>Marks a Service and what it holds. A marked reservation that a Service holds only loses its Service.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="row">Locked, and not marked in the database yet.</param>
    /// <param name="tell">False: the rows are deleted in the same transaction, so the feed needs no changes for the mark.</param>
    /// <param name="ct">Ends the statements.</param>
    public static async Task MarkAsync(WriteScope scope, ServiceRow row, bool tell, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(scope.Connection)
        {
            BatchCommands = { ServiceTable.MarkDeleting(row.Uid, scope.Now), FloatingIPTable.MarkDeletingOf(row.Uid, scope.Now) },
        };
        if (tell) scope.Changes.Modified(ResourceKind.Service, row.Namespace, row.Name, row.Uid);
        row.UpdatedAt = scope.Now;
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (tell) scope.Changes.Modified(ResourceKind.FloatingIP, reader.GetString(0), reader.GetString(1), reader.GetGuid(2));
        }
    }

    /// <summary>True while a control node may announce a route of the Service, or a vRouter may have NAT entries of it.</summary>
    public static async Task<bool> IsNeededElsewhereAsync(NpgsqlConnection connection, Guid service, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT EXISTS (SELECT FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE f.service_uid = $1)
                OR EXISTS (SELECT FROM virtual_router_status v WHERE {FloatingIPRemoval.MayHaveEntries})
            """, connection);
        command.Parameters.Add(Sql.Value(service));
        return (bool)(await command.ScalarAsync(ct))!;
    }

    /// <summary>
    /// Deletes marked Services with everything they hold. A Service that is not marked, or that a control node still announces, is left
    /// alone. Reserved FloatingIPs survive their Service. The commit frees addresses and node ports. Returns how many rows were deleted;
    /// none when a lease is given and no longer held, or while a vRouter that counts has not answered.
    /// </summary>
    public async Task<int> FinalizeAsync(WriteScope scope, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> services, CancellationToken ct, LeaderLease? lease = null)
    {
        var connection = scope.Connection;
        var rows = await ServiceTable.ReadAsync(connection,
            $"""
            s.uid = ANY($1) AND s.deleting_at IS NOT NULL AND ($2 IS NULL OR {LeaderLease.IsHeld("$2", "$3")})
            AND NOT EXISTS (SELECT FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE f.service_uid = s.uid)
            AND ($2 IS NULL OR {FloatingIPRemoval.AllHaveAnswered})
            ORDER BY s.uid FOR UPDATE OF s
            """, ct, Sql.Value(services.ToArray()), LeaderLease.RunOf(lease), LeaderLease.FenceOf(lease));
        if (rows.Count == 0) return 0;
        // What is used of grants is locked in the same order as by those who create (ServiceQuotas).
        var granted = rows.Select(r => r.Namespace).Where(snapshot.HasGrant).Distinct(StringComparer.Ordinal).ToList();
        if (granted.Count > 0) await GrantTable.LockUseAsync(connection, granted, ct);
        var uids = rows.ConvertAll(r => r.Uid);
        var held = await FloatingIPRemoval.LockRemovableAsync(connection, uids, [], null, ct);

        // The feed gets the last representation as GET would have answered it.
        var ofService = held.ToLookup(f => f.ServiceUid!.Value);
        var specs = rows.ToDictionary(r => r.Uid, r => StoredDocument.ReadOr(r.Spec, new ServiceSpec())!);
        var owners = rows.ToDictionary(r => r.Uid, r => new FloatingIPOwner(r.Name, specs[r.Uid]));
        var commands = floatingIPRemoval.Commands(held, owners, snapshot, scope.Changes, out var removed);
        commands.Add(Sql.Command("DELETE FROM node_port WHERE service_uid = ANY($1)", Sql.Array(uids, u => u)));
        commands.Add(ServiceTable.Delete(uids));
        foreach (var row in rows)
        {
            var document = serviceResources.Make(row, ofService[row.Uid], snapshot, null);
            scope.Changes.Deleted(ResourceKind.Service, document);
        }

        await scope.ExecuteAsync(commands, ct);
        return rows.Count + removed;
    }
}
