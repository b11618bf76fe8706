using CN2.Api.Allocation;
using CN2.Api.Audit;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// Runs every write of a resource: one short transaction around a decision, again from the start while another attempt can help, then
/// a signal to the readers of the change feed. While the database is away (a fail-over takes seconds) it waits for a few seconds before it gives up. Requests come through <see cref="WritePipeline"/>, creates that share a transaction
/// through <see cref="GroupCommit{TItem}"/>; the reconciler's own writes call it directly.
/// </summary>
public sealed class TransactionRunner(NpgsqlDataSource source, AttachedContexts contexts, AllocationRecovery recovery, DatabasePresence database, ChangeSignal signal, AuditLog audit, TimeProvider time)
{
    private const int RaceAttempts = 5;

    /// <param name="decide">
    /// Decides and writes. It runs again from the start after a failure that another attempt can cure, so it must have no effect outside
    /// the transaction, and must wait for nothing but the database.
    /// </param>
    /// <param name="ct">Ends the attempt; a commit that has begun is finished.</param>
    /// <param name="isLostRace">Tells failures that mean "another writer was faster": the decision looks again. Null: there are none.</param>
    /// <param name="findsItself">The decision finds out when it has been committed before (Idempotency-Key), so it is repeated even when that is not known.</param>
    /// <exception cref="PostgresException">A constraint refused the write (23xxx), alone or inside the exception of EF.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost during the commit: the write counts or not.</exception>
    public async Task<T> RunAsync<T>(
        Func<WriteScope, CancellationToken, Task<T>> decide, CancellationToken ct, Func<Exception, bool>? isLostRace = null, bool findsItself = false)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await RunWhileThereAsync(decide, isLostRace, ct);
            }
            catch (Exception e) when (PostgresErrors.IsAway(e) && (findsItself || e is not OutcomeUnknownException))
            {
                if (!await database.WaitAsync(since, ct)) throw;
            }
        }
    }

    /// <summary>Attempts as long as the database is there.</summary>
    private async Task<T> RunWhileThereAsync<T>(Func<WriteScope, CancellationToken, Task<T>> decide, Func<Exception, bool>? isLostRace, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await AttemptAsync(connection, decide, ct);
            }
            catch (Exception e) when (AllocationRecovery.CanRecover(e, attempt))
            {
                await recovery.RecoverAsync(e, connection, ct);
            }
            catch (Exception e) when (attempt < RaceAttempts && isLostRace?.Invoke(e) == true)
            {
                await Task.Delay(Random.Shared.Next(1, 10 * attempt), ct);
            }
        }
    }

    private async Task<T> AttemptAsync<T>(NpgsqlConnection connection, Func<WriteScope, CancellationToken, Task<T>> decide, CancellationToken ct)
    {
        // Npgsql sends BEGIN together with the first statement, so this is no round trip.
        await using var scope = new WriteScope(contexts, connection, await connection.BeginTransactionAsync(ct), time.GetStorableNow());
        var result = await decide(scope, ct);
        if (scope.IsDiscarded) return result;
        await scope.CommitAsync(ct);
        if (scope.Changes.Count > 0) signal.Set();
        foreach (var entry in scope.Audit.Entries) entry.Origin.IsRecorded = true;
        audit.Write(scope.Audit.Entries);
        return result;
    }
}
