using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// Failures of a write that are no fault of the request: the catalog moved, a pool must be refilled, two transactions deadlocked, or
/// the pool held an address that a FloatingIP has already (only manual changes in the database can cause that). What
/// <see cref="RecoverAsync"/> does lets the next attempt get further.
/// </summary>
public sealed class AllocationRecovery(Catalog catalog, TimeProvider time)
{
    /// <summary>Safety limit; never reached in known cases.</summary>
    private const int Attempts = 30;

    private static readonly TimeSpan CleanInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _cleaning = new();
    private long? _cleanedAt;

    /// <summary>Whether another attempt can succeed after <see cref="RecoverAsync"/>; <paramref name="attempt"/> counts from 1.</summary>
    public static bool CanRecover(Exception exception, int attempt) => attempt < Attempts && Unwrapped(exception) switch
    {
        CatalogMovedException or PoolRunDryException => true,
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "floating_ip_subnet" } => attempt < 4,
        // Another attempt also tells the loser of a race who holds the address or port it asked for.
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "floating_ip_address" or "pk_node_port" } => attempt < 4,
        // An endpoint, a router or a control node got the address at the same moment: another attempt takes a different one, or says whose it is.
        PostgresException e when BlockedAddresses.Refuses(e) => attempt < 4,
        PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => attempt < 10,
        _ => false,
    };

    /// <summary>Does what the next attempt needs, on a connection without an open transaction.</summary>
    public async Task RecoverAsync(Exception exception, NpgsqlConnection connection, CancellationToken ct)
    {
        switch (Unwrapped(exception))
        {
            case CatalogMovedException:
            case PostgresException { ConstraintName: "floating_ip_subnet" }:
                await catalog.ReloadAsync(connection, ct);
                break;
            case PoolRunDryException dry:
                await using (var refill = new NpgsqlCommand("SELECT cn2_refill($1, $2)", connection))
                {
                    refill.Parameters.Add(new NpgsqlParameter<int> { TypedValue = dry.SubnetId });
                    refill.Parameters.Add(new NpgsqlParameter<int> { TypedValue = dry.Wanted });
                    await refill.ScalarAsync(ct);
                }

                break;
            case PostgresException e when BlockedAddresses.Refuses(e):
                await BlockedAddresses.TakeOutOfPoolsAsync(e, connection, ct);
                break;
            case PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } when MayClean():
                await using (var clean = new NpgsqlBatch(connection)
                {
                    BatchCommands =
                    {
                        new("DELETE FROM free_address f USING floating_ip h WHERE h.subnet_id = f.subnet_id AND h.address = f.address"),
                        new("DELETE FROM free_node_port f USING node_port h WHERE h.port = f.port AND h.protocol = f.protocol"),
                    },
                })
                    await clean.ExecuteNonQueryAsync(ct);
                break;
        }
    }

    /// <summary>True once in a while: cleaning reads whole tables, and what one request has cleaned helps all others.</summary>
    private bool MayClean()
    {
        lock (_cleaning)
        {
            if (_cleanedAt is { } last && time.GetElapsedTime(last) < CleanInterval) return false;
            _cleanedAt = time.GetTimestamp();
            return true;
        }
    }

    private static Exception Unwrapped(Exception exception) => PostgresErrors.Find(exception) ?? exception;
}
