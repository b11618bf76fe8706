using CN2.Api.Options;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>
/// A prepared statement keeps the plan that was best when its table was nearly empty, until the table is analyzed: up to a minute, in which each round
/// of the control loop would read the whole table.
/// </summary>
public sealed class GrowingTableTests(PrivatePostgres postgres)
{
    private const int Rows = 20_000;

    [Fact]
    public async Task The_control_loop_looks_up_few_rows_of_a_table_that_has_just_grown_by_its_index()
    {
        var options = new DatabaseOptions { ConnectionString = await postgres.CreateDatabaseAsync() };
        Assert.Equal(0, await ScannedAsync(options.ControlLoopConnectionString));
        // The requests' statements are prepared: this is what the loop would do.
        Assert.Equal(Rows, await ScannedAsync(options.ConnectionString));
    }

    /// <summary>Rows that a look-up of two of them reads after the table has grown.</summary>
    private static async Task<long> ScannedAsync(string connectionString)
    {
        await using var pool = NpgsqlDataSource.Create(connectionString);
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync("CREATE TEMPORARY TABLE growing (uid int PRIMARY KEY, text text)");
        await ExecuteAsync("INSERT INTO growing VALUES (1, 'one')");
        await ExecuteAsync("ANALYZE growing");
        for (var i = 0; i < 20; i++) await LookUpAsync();

        await ExecuteAsync($"INSERT INTO growing SELECT i, 'text' FROM generate_series(2, {Rows}) i");
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var before = await CountAsync();
        await LookUpAsync();
        return await CountAsync() - before;

        async Task LookUpAsync()
        {
            await using var command = new NpgsqlCommand("SELECT text FROM growing WHERE uid = ANY($1)", connection);
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [1, Rows / 2] });
            Assert.Equal("one", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }

        async Task<long> CountAsync()
        {
            await using var command = new NpgsqlCommand("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'growing'", connection);
            return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }
}
