using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// A write that allocates may have to begin again, through no fault of the request: the catalog moved, a pool must be refilled, or an
/// address came out of the pool that somebody holds (which nothing here does, but a hand in the database could). Each recovery makes
/// progress.
/// </summary>
public sealed class AllocationRecovery(Catalog catalog)
{
    /// <summary>Only bounds what nobody thought of.</summary>
    private const int Attempts = 30;

    /// <summary>Whether another attempt makes sense after <see cref="RecoverAsync"/>; <paramref name="attempt"/> counts from 1.</summary>
    public static bool CanRecover(Exception exception, int attempt) => attempt < Attempts && Unwrapped(exception) switch
    {
        CatalogMovedException or PoolRunDryException => true,
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "floating_ip_subnet" } => attempt < 4,
        // A second look also tells the loser of a race who holds what it asked for.
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "floating_ip_address" or "pk_node_port" } => attempt < 4,
        PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => attempt < 10,
        _ => false,
    };

    private static Exception Unwrapped(Exception exception) => PostgresErrors.Find(exception) ?? exception;

    /// <summary>Does what the next attempt needs, on a connection without a transaction.</summary>
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
                    await refill.ExecuteScalarAsync(ct);
                }

                break;
            case PostgresException { SqlState: PostgresErrorCodes.UniqueViolation }:
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
}
