using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Leases contexts that work on a connection and transaction of the caller. They have a pool of their own: a context returns to its
/// pool with the connection it was given, and a reader must not get that one.
/// </summary>
public sealed class AttachedContexts(DbContextOptions<CN2DbContext> options)
{
    private readonly PooledDbContextFactory<CN2DbContext> _pool = new(options);

    /// <summary>A context for reading on this connection, in its transaction if one is open. Dispose it before the connection; it closes nothing.</summary>
    public CN2DbContext Attach(NpgsqlConnection connection)
    {
        var db = _pool.CreateDbContext();
        db.Database.SetDbConnection(connection);
        return db;
    }

    /// <summary>A context on this transaction. Dispose it before the transaction; it closes nothing.</summary>
    public CN2DbContext Attach(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        var db = _pool.CreateDbContext();
        db.Database.SetDbConnection(connection);
        db.Database.UseTransaction(transaction);
        // EF would wrap each save in a savepoint, which costs two round trips. A failed save ends the whole transaction here.
        db.Database.AutoSavepointsEnabled = false;
        return db;
    }
}
