using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>An empty pool is filled once for all that wait for it, and what that reads does not grow with the number of addresses that are held.</summary>
public sealed class RefillTests(PrivatePostgres postgres)
{
    private const int Clients = 8;

    /// <summary>Addresses of one filling.</summary>
    private const long Filling = 1024;

    [Fact]
    public async Task Many_that_find_the_pool_empty_have_it_filled_once()
    {
        await using var pool = await PoolAsync();
        await using (var first = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var transaction = await first.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await ExecuteAsync(first, "SELECT cn2_refill(901, 1)");
            var others = Enumerable.Range(0, Clients).Select(_ => RefillAsync(pool)).ToList();
            await WaitForAsync(pool, Clients);
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
            await Task.WhenAll(others);
        }

        Assert.Equal(Filling, await FreeAsync(pool));

        // Who comes later finds nothing that has changed meanwhile.
        await RefillAsync(pool);
        Assert.Equal(2 * Filling, await FreeAsync(pool));
    }

    [Fact]
    public async Task One_that_waited_for_somebody_who_filled_nothing_fills_it_itself()
    {
        await using var pool = await PoolAsync();
        await using (var giver = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var transaction = await giver.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await ExecuteAsync(giver, "SELECT 1 FROM subnet WHERE id = 901 FOR SHARE");
            var refill = RefillAsync(pool);
            await WaitForAsync(pool, 1);
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
            await refill;
        }

        Assert.Equal(Filling, await FreeAsync(pool));
    }

    [Fact]
    public async Task One_that_wants_more_than_somebody_else_has_left_fills_it_further()
    {
        await using var pool = await PoolAsync();
        await using (var first = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var transaction = await first.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await ExecuteAsync(first, "SELECT cn2_refill(901, 1)");
            var batch = RefillAsync(pool, want: 2000);
            await WaitForAsync(pool, 1);
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
            await batch;
        }

        Assert.InRange(await FreeAsync(pool), 2000, long.MaxValue);
    }

    [Fact]
    public async Task One_filling_leaves_enough_for_many_where_nearly_everything_is_held()
    {
        await using var pool = await PoolAsync();
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        // 24 of each 1,024 are free.
        await ExecuteAsync(connection,
            """
            INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address, reserved, spec)
            SELECT gen_random_uuid(), 'default', 'f' || i, '{}', '{}', 1, now(), now(), 901, '62.0.0.0/14', '62.0.0.0'::inet + i, false, '{}' FROM generate_series(1, 20000) i WHERE i % 1024 >= 24;
            """);
        await RefillAsync(pool);
        Assert.InRange(await FreeAsync(pool), 256, long.MaxValue);
    }

    [Fact]
    public async Task It_reads_no_row_of_what_is_held_elsewhere_in_the_subnet()
    {
        await using var pool = await PoolAsync();
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        // The session makes its plans while nothing is held.
        for (var i = 0; i < 10; i++) await ExecuteAsync(connection, "SELECT cn2_refill(901, 1)");
        await ExecuteAsync(connection,
            """
            INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address, reserved, spec)
            SELECT gen_random_uuid(), 'default', 'f' || i, '{}', '{}', 1, now(), now(), 901, '62.0.0.0/14', '62.2.0.0'::inet + i, false, '{}' FROM generate_series(1, 20000) i;
            """);
        await CheckAsync();
        await ExecuteAsync(connection, "ANALYZE");
        await CheckAsync();

        async Task CheckAsync()
        {
            await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            const string read = "SELECT pg_stat_get_xact_tuples_returned('floating_ip'::regclass) + pg_stat_get_xact_tuples_returned('floating_ip_address'::regclass)";
            var before = await ScalarAsync(connection, read);
            await ExecuteAsync(connection, "SELECT cn2_refill(901, 1)");
            Assert.Equal(before, await ScalarAsync(connection, read));
        }
    }

    /// <summary>A database with the subnet 901 and nothing in its pool.</summary>
    private async Task<NpgsqlDataSource> PoolAsync()
    {
        var pool = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection,
            """
            INSERT INTO subnet (id, cidr, position) OVERRIDING SYSTEM VALUE VALUES (901, '62.0.0.0/14', 0);
            SELECT cn2_set_subnet_ranges(901, ARRAY['62.0.0.1'::inet], ARRAY['62.3.255.254'::inet]);
            """);
        return pool;
    }

    private static async Task RefillAsync(NpgsqlDataSource pool, int want = 1)
    {
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, $"SELECT cn2_refill(901, {want})");
    }

    /// <summary>Until so many refills wait for a lock.</summary>
    private static Task WaitForAsync(NpgsqlDataSource pool, int refills) => Eventually.TrueAsync(async () =>
    {
        await using var command = pool.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%cn2_refill%'");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))! == refills;
    }, $"{refills} refills wait", 20);

    private static async Task<long> FreeAsync(NpgsqlDataSource pool)
    {
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        return await ScalarAsync(connection, "SELECT count(*) FROM free_address WHERE subnet_id = 901");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
