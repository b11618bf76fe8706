using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// Runs a write that allocates, outside of a request's own transaction: with the current <see cref="Catalog"/>, in one short
/// transaction, again from the start as long as <see cref="AllocationRecovery"/> knows a way; then wakes the readers of the feed.
/// </summary>
public sealed class AllocationTransaction(NpgsqlDataSource source, Catalog catalog, AllocationRecovery recovery, ChangeSignal signal)
{
    /// <param name="write">Must have no effect outside the transaction; it is repeated as a whole.</param>
    /// <exception cref="PostgresException">A constraint refused it (23xxx).</exception>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, CatalogSnapshot, Task<T>> write, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        for (var attempt = 1; ; attempt++)
        {
            var snapshot = await catalog.CurrentAsync(connection, ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            try
            {
                var result = await write(connection, snapshot);
                await transaction.CommitAsync(ct);
                signal.Set();
                return result;
            }
            catch (Exception e) when (AllocationRecovery.CanRecover(e, attempt))
            {
                await transaction.RollbackAsync(ct);
                await recovery.RecoverAsync(e, connection, ct);
            }
        }
    }
}
