using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Checks at start that the database is one the product can work with, and says what to change if it is not.</summary>
public sealed class DatabaseCheck(DedicatedConnection dedicated, IDbContextFactory<CN2DbContext> contexts)
{
    private const int PoolerLooks = 20;

    /// <summary>Before the schema is looked at: version, settings, pooler.</summary>
    /// <exception cref="UnsuitableDatabaseException">It cannot be used; all faults are named.</exception>
    /// <exception cref="NpgsqlException">It is away, or a standby that may become the primary.</exception>
    public async Task SettingsAsync(CancellationToken ct)
    {
        await using var connection = await dedicated.OpenAsync(ct);
        DatabaseFacts facts;
        await using (var command = new NpgsqlCommand(
            """
            SELECT current_database(), current_setting('server_version'), current_setting('server_version_num')::int, current_setting('default_transaction_isolation'),
                   current_setting('server_encoding'), pg_is_in_recovery()
            """, connection))
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            await reader.ReadAsync(ct);
            if (reader.GetBoolean(5)) throw new NpgsqlException("The database server is a standby, which takes no writes.");
            facts = new DatabaseFacts(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetString(3), reader.GetString(4), false);
        }

        var faults = (facts with { HasTransactionPooler = await HasTransactionPoolerAsync(connection, ct) }).Faults();
        if (faults.Count > 0) throw new UnsuitableDatabaseException(faults);
    }

    /// <summary>Once the schema is there: this user may read and write its tables.</summary>
    /// <exception cref="UnsuitableDatabaseException">A right is missing; all tables are named.</exception>
    public async Task RightsAsync(CancellationToken ct)
    {
        await using var db = await contexts.CreateDbContextAsync(ct);
        string[] tables = [.. db.Model.GetEntityTypes().Select(t => t.GetTableName()).OfType<string>(), "change_horizon", "leader_lease", "session_turn", "owed_session"];
        var connection = await db.OpenSqlAsync(ct);
        await using var command = new NpgsqlCommand(
            """
            SELECT current_user, c.relname FROM pg_class c
            WHERE c.relkind IN ('r', 'p') AND c.relname = ANY($1) AND pg_table_is_visible(c.oid)
              AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
            ORDER BY 2
            """, connection);
        command.Parameters.Add(Sql.Value(tables));
        var user = "";
        var missing = new List<string>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                user = reader.GetString(0);
                missing.Add(reader.GetString(1));
            }
        }

        if (missing.Count == 0) return;
        throw new UnsuitableDatabaseException(
            [$"The database's user {user} may not read and write {string.Join(", ", missing)}: expected SELECT, INSERT, UPDATE and DELETE on all tables of CN2.Api (its owner has them)."]);
    }

    /// <summary>
    /// A session of PostgreSQL is one process for as long as its connection is open. Behind a pooler in transaction mode the process changes
    /// from one transaction to the next, or serves another connection meanwhile. The looks are many because other clients of a busy pooler
    /// may take the processes in between.
    /// </summary>
    private async Task<bool> HasTransactionPoolerAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var first = await ProcessAsync(connection, ct);
        if (first == connection.ProcessID) return false; // a pooler invents the process id that it tells its clients
        await using var other = await dedicated.OpenAsync(ct);
        for (var look = 0; look < PoolerLooks; look++)
        {
            await using var transaction = await other.BeginTransactionAsync(ct);
            var meanwhile = await ProcessAsync(other, ct);
            if (meanwhile == first || await ProcessAsync(connection, ct) != first) return true;
        }

        return false;
    }

    private static async Task<int> ProcessAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        return (int)(await command.ScalarAsync(ct))!;
    }
}
