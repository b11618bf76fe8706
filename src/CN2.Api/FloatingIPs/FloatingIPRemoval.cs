using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>Deletes the rows of FloatingIPs that are marked for deletion, once no control node announces them.</summary>
public sealed class FloatingIPRemoval(FloatingIPResources resources)
{
    /// <summary>
    /// SQL: a vRouter (<c>virtual_router_status v</c>) that may have NAT entries. One that is away counts until it is lost: it goes on with what it has.
    /// </summary>
    public const string MayHaveEntries = "(v.connected OR (NOT v.lost AND v.last_seen_at IS NOT NULL))";

    /// <summary>SQL: every vRouter that counts has acknowledged its whole configuration since it connected, so what it was not sent it does not have.</summary>
    public const string AllHaveAnswered =
        "NOT EXISTS (SELECT FROM virtual_router_status v WHERE NOT v.lost AND v.last_seen_at IS NOT NULL AND (NOT v.connected OR v.applied_position = 0))";

    /// <summary>True while a control node may announce the address, or a vRouter may have NAT entries for it.</summary>
    public static async Task<bool> IsNeededElsewhereAsync(NpgsqlConnection connection, Guid floatingIP, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT EXISTS (SELECT FROM advertisement WHERE floating_ip_uid = $1) OR EXISTS (SELECT FROM virtual_router_status v WHERE {MayHaveEntries})", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = floatingIP });
        return (bool)(await command.ScalarAsync(ct))!;
    }

    /// <summary>
    /// Locks the rows of these Services, and of these marked FloatingIPs, that no control node announces; in the order of uid. None when a
    /// lease is given and no longer held, or while a vRouter that counts has not answered.
    /// </summary>
    public static Task<List<FloatingIPRow>> LockRemovableAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, LeaderLease? lease, CancellationToken ct) =>
        FloatingIPTable.ReadAsync(connection,
            $"""
            ($3 IS NULL OR {LeaderLease.IsHeld("$3", "$4")}) AND (f.service_uid = ANY($1) OR (f.uid = ANY($2) AND f.deleting_at IS NOT NULL))
            AND NOT EXISTS (SELECT FROM advertisement a WHERE a.floating_ip_uid = f.uid) AND ($3 IS NULL OR {AllHaveAnswered})
            ORDER BY f.uid FOR UPDATE OF f
            """, ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. services] }, new NpgsqlParameter<Guid[]> { TypedValue = [.. floatingIPs] },
            LeaderLease.RunOf(lease), LeaderLease.FenceOf(lease));

    /// <summary>Deletes marked FloatingIPs by themselves. The commit frees their addresses. Returns how many rows were deleted; none when a lease is given and no longer held.</summary>
    public async Task<int> FinalizeAsync(WriteScope scope, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct, LeaderLease? lease = null)
    {
        var rows = await LockRemovableAsync(scope.Connection, [], floatingIPs, lease, ct);
        if (rows.Count == 0) return 0;
        var owners = await FloatingIPOwner.ReadAsync(scope.Connection, rows.Where(f => f.ServiceUid is not null).Select(f => f.ServiceUid!.Value), ct);
        await scope.ExecuteAsync(Commands(rows, owners, snapshot, scope.Changes, out var removed), ct);
        return removed;
    }

    /// <summary>
    /// The statements that delete locked rows. A reserved FloatingIP that a Service holds only loses its Service.
    /// </summary>
    /// <param name="rows">Locked rows.</param>
    /// <param name="owners">The Services that hold them, by uid; the last representation of a FloatingIP names its Service.</param>
    /// <param name="snapshot">Has the names of the networks.</param>
    /// <param name="changes">Gets a change for each row.</param>
    /// <param name="deleted">How many rows the statements delete.</param>
    internal List<NpgsqlBatchCommand> Commands(
        List<FloatingIPRow> rows, IReadOnlyDictionary<Guid, FloatingIPOwner> owners, CatalogSnapshot snapshot, ChangeList changes, out int deleted)
    {
        var commands = new List<NpgsqlBatchCommand>();
        var released = rows.FindAll(f => f is { Reserved: true, ServiceUid: not null });
        if (released.Count > 0) commands.Add(FloatingIPTable.Release(released));
        foreach (var row in released) changes.Modified(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid);
        var gone = rows.FindAll(f => f is not { Reserved: true, ServiceUid: not null });
        if (gone.Count > 0) commands.Add(FloatingIPTable.Delete(gone));
        foreach (var row in gone)
            changes.Deleted(ResourceKind.FloatingIP, resources.Make(row, row.ServiceUid is { } s ? owners.GetValueOrDefault(s) : null, snapshot, null));
        deleted = gone.Count;
        return commands;
    }
}
