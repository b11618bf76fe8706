using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.FloatingIPs;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// What happens to Services without a user's call; for the reconciler of the leading replica. Each method is one short transaction,
/// may be called by several replicas at once, and does nothing the second time.
/// </summary>
public sealed class ServiceLifecycle
{
    private readonly AllocationTransaction _transactions;
    private readonly NpgsqlDataSource _source;
    private readonly ServiceWriter _writer;
    private readonly ServiceRemoval _removal;
    private readonly FloatingIPRemoval _floatingIPRemoval;
    private readonly TimeProvider _time;

    public ServiceLifecycle(IServiceProvider services)
    {
        _transactions = services.GetRequiredService<AllocationTransaction>();
        _source = services.GetRequiredService<NpgsqlDataSource>();
        _writer = services.GetRequiredService<ServiceWriter>();
        _removal = services.GetRequiredService<ServiceRemoval>();
        _floatingIPRemoval = services.GetRequiredService<FloatingIPRemoval>();
        _time = services.GetRequiredService<TimeProvider>();
    }

    /// <summary>Services that lack an address or a node port, oldest first.</summary>
    public Task<List<Guid>> PendingAsync(CancellationToken ct) =>
        UidsAsync("SELECT uid FROM service WHERE pending_reason IS NOT NULL AND deleting_at IS NULL ORDER BY created_at, uid", ct);

    /// <summary>PreferDualStack Services with addresses of this network in one family only: they want the other when the network gets it.</summary>
    public Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct) => UidsAsync(
        """
        SELECT s.uid FROM service s JOIN floating_ip f ON f.service_uid = s.uid AND f.deleting_at IS NULL
        WHERE f.subnet_id IN (SELECT id FROM subnet WHERE external_network_uid = $1) AND s.deleting_at IS NULL AND s.spec ->> 'ipFamilyPolicy' = 'PreferDualStack'
        GROUP BY s.uid HAVING count(DISTINCT family(f.address)) = 1
        """, ct, externalNetwork);

    /// <summary>
    /// Tries again to get what these Services lack (any number; a few hundred a call are quick), and writes change rows for those it
    /// helped. Returns how many changed.
    /// </summary>
    public async Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct)
    {
        var changed = 0;
        foreach (var chunk in services.Chunk(200))
            changed += await _transactions.RunAsync((connection, snapshot) => _writer.ServeAsync(connection, snapshot, chunk, _time.GetStorableNow(), new ChangeList(), ct), ct);
        return changed;
    }

    /// <summary>
    /// Removes marked Services (with all they hold) and marked FloatingIPs, once nothing depends on them any more; what is not marked
    /// with deleting_at, or still has advertisement rows, is left alone. Reserved FloatingIPs only lose their Service. Writes the
    /// Deleted change rows. Returns how many rows went.
    /// </summary>
    public async Task<int> FinalizeAsync(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct)
    {
        var removed = 0;
        foreach (var chunk in services.Chunk(300))
            removed += await _transactions.RunAsync((connection, snapshot) => _removal.FinalizeAsync(connection, snapshot, chunk, new ChangeList(), ct), ct);
        foreach (var chunk in floatingIPs.Chunk(300))
            removed += await _transactions.RunAsync((connection, snapshot) => _floatingIPRemoval.FinalizeAsync(connection, snapshot, chunk, new ChangeList(), ct), ct);
        return removed;
    }

    private async Task<List<Guid>> UidsAsync(string sql, CancellationToken ct, params Guid[] parameters)
    {
        await using var command = _source.CreateCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = parameter });
        var uids = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) uids.Add(reader.GetGuid(0));
        return uids;
    }
}
