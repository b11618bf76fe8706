using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>What an allocation reads does not grow with the number of addresses that rest.</summary>
public sealed class QuarantineCostTests(PrivatePostgres postgres)
{
    private const int Resting = 50_000;

    /// <summary>Rows and index entries that a look-up of one address may read.</summary>
    private const int Few = 60;

    [Fact]
    public async Task A_take_a_request_and_the_end_of_rests_read_few_rows_of_many_that_rest()
    {
        await using var pool = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await using var connection = await pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        // Subnet 901 has free addresses, all of 902's rest, and 903 is a neighbour of which as many rest.
        await ExecuteAsync(
            """
            INSERT INTO subnet (id, cidr, position) OVERRIDING SYSTEM VALUE VALUES (901, '62.0.0.0/14', 0), (902, '62.4.0.0/14', 0), (903, '62.8.0.0/14', 0);
            SELECT cn2_set_subnet_ranges(901, ARRAY['62.0.0.1'::inet], ARRAY['62.3.255.254'::inet]);
            SELECT cn2_set_subnet_ranges(902, ARRAY['62.4.0.0'::inet], ARRAY['62.4.0.255'::inet]);
            SELECT cn2_set_subnet_ranges(903, ARRAY['62.8.0.0'::inet], ARRAY['62.8.0.255'::inet]);
            SELECT cn2_refill(901, 1), cn2_refill(902, 1), cn2_refill(903, 1);
            DELETE FROM free_address WHERE subnet_id > 901;
            UPDATE subnet_range SET last = last + 60000, filled_to = last + 60000 WHERE subnet_id > 901;
            """);
        // The session makes its plans while nothing rests.
        for (var i = 0; i < 10; i++) await AllAsync(_ => { });
        foreach (var subnet in (string[])["62.0.1.0", "62.4.0.0", "62.8.0.0"])
        {
            await ExecuteAsync(
                $"""
                INSERT INTO resting_address (subnet_id, address, rests_until, last_namespace, last_name)
                SELECT s.id, '{subnet}'::inet + i, now() + interval '1 hour' + i * interval '1 second', 'ns', 'fip-' || i
                FROM subnet s, generate_series(1, {Resting}) i WHERE s.cidr >>= inet '{subnet}';
                DELETE FROM free_address USING resting_address r WHERE free_address.subnet_id = r.subnet_id AND free_address.address = r.address;
                """);
        }

        await AllAsync(Check);
        await ExecuteAsync("ANALYZE");
        await AllAsync(Check);

        void Check((string What, long Rows) read) => Assert.True(read.Rows <= Few, $"{read.What} reads {read.Rows} rows");

        async Task AllAsync(Action<(string What, long Rows)> check)
        {
            foreach (var sql in (string[])[
                "SELECT * FROM cn2_take(ARRAY[901], ARRAY[1], ARRAY[true], '{}', '{}', '{}')",
                "SELECT * FROM cn2_take(ARRAY[901], ARRAY[1], ARRAY[true], ARRAY[1], ARRAY['ns'], ARRAY['fip-40000'])",
                "SELECT * FROM cn2_take(ARRAY[902], ARRAY[1], ARRAY[true], ARRAY[1], ARRAY['ns'], ARRAY['new'])",
                "SELECT * FROM cn2_take(ARRAY[902], ARRAY[1], ARRAY[false], '{}', '{}', '{}')",
                "SELECT cn2_take_asked(ARRAY[902, 902], ARRAY['62.4.0.7', '62.4.99.7']::inet[])",
                "SELECT cn2_end_rests(1000)",
                "SELECT cn2_give_back(ARRAY[901, 902], ARRAY['62.0.1.7', '62.4.0.9']::inet[])"])
            {
                await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
                var before = await ReadAsync();
                await ExecuteAsync(sql);
                check((sql, await ReadAsync() - before));
                await transaction.RollbackAsync(TestContext.Current.CancellationToken);
            }
        }

        async Task<long> ReadAsync()
        {
            await using var command = new NpgsqlCommand(
                "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables WHERE relname IN ('resting_address', 'free_address')", connection);
            return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }
}
