using CN2.Api.Access;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.FloatingIPs;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// What happens to Services without a request, for the leading replica. Each method runs short transactions, may be called by several
/// replicas at once, and does nothing the second time. What one of them causes is thrown when the others are done.
/// </summary>
public sealed class ServiceLifecycle(
    TransactionRunner transactions, NpgsqlDataSource source, Catalog catalog, ServiceWriter writer, ServiceRemoval removal, FloatingIPRemoval floatingIPRemoval) : IServiceLifecycle
{
    /// <summary>Of one call. With more the call ends: it is a fault of all of them.</summary>
    private const int MostFailures = 100;

    /// <summary>PreferDualStack Services that have addresses of this network in one family only. They get the other family once the network has it.</summary>
    public async Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct)
    {
        await using var command = source.CreateCommand(
            """
            SELECT s.uid FROM service s JOIN floating_ip f ON f.service_uid = s.uid AND f.deleting_at IS NULL
            WHERE f.subnet_id IN (SELECT id FROM subnet WHERE external_network_uid = $1) AND s.deleting_at IS NULL AND s.spec ->> 'ipFamilyPolicy' = 'PreferDualStack'
            GROUP BY s.uid HAVING count(DISTINCT family(f.address)) = 1
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = externalNetwork });
        var uids = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) uids.Add(reader.GetGuid(0));
        return uids;
    }

    /// <summary>
    /// Tries again to get what these Services lack (any number; a few hundred in one call are quick) and writes changes for those that
    /// got something. Returns how many changed.
    /// </summary>
    public async Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct)
    {
        var failures = new List<Exception>();
        var changed = 0;
        foreach (var chunk in services.Chunk(200)) changed += await EachAsync(chunk, writer.ServeAsync, failures, ct);
        ThrowIfAny(failures);
        return changed;
    }

    /// <summary>
    /// Deletes marked Services, with everything they hold, and marked FloatingIPs. Left alone: what has no <c>deleting_at</c>, and what a
    /// control node still announces (table <c>advertisement</c>). A reserved FloatingIP only loses its Service. Returns how many rows were
    /// deleted; none when <paramref name="lease"/> is given and no longer held.
    /// </summary>
    public async Task<int> FinalizeAsync(
        IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct, LeaderLease? lease = null)
    {
        var failures = new List<Exception>();
        var removed = 0;
        foreach (var chunk in services.Chunk(300))
        {
            removed += await EachAsync(
                chunk, async (scope, some, token) => await removal.FinalizeAsync(scope, await catalog.CurrentAsync(scope.Connection, token), some, token, lease), failures, ct);
        }

        foreach (var chunk in floatingIPs.Chunk(300))
        {
            removed += await EachAsync(
                chunk, async (scope, some, token) => await floatingIPRemoval.FinalizeAsync(scope, await catalog.CurrentAsync(scope.Connection, token), some, token, lease), failures, ct);
        }

        ThrowIfAny(failures);
        return removed;
    }

    private static void ThrowIfAny(List<Exception> failures)
    {
        if (failures.Count > 0) throw new InvalidOperationException($"{failures.Count} could not be carried out, and all others were: {failures[0].Message}", failures[0]);
    }

    /// <summary>
    /// Runs a chunk in one transaction. When that fails and the database is not away, by halves: one that cannot be carried out stops no other.
    /// </summary>
    private async Task<int> EachAsync(
        ArraySegment<Guid> uids, Func<WriteScope, IReadOnlyCollection<Guid>, CancellationToken, Task<int>> work, List<Exception> failures, CancellationToken ct)
    {
        try
        {
            return await transactions.RunAsync(
                (scope, token) =>
                {
                    scope.Rights = CallerRights.All; // the server's own work
                    return work(scope, uids, token);
                }, ct);
        }
        catch (Exception e) when (!PostgresErrors.IsAway(e) && e is not OperationCanceledException && failures.Count < MostFailures)
        {
            if (uids.Count == 1)
            {
                failures.Add(e);
                return 0;
            }

            var half = uids.Count / 2;
            return await EachAsync(uids[..half], work, failures, ct) + await EachAsync(uids[half..], work, failures, ct);
        }
    }
}
