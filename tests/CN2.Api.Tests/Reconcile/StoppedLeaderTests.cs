using System.Diagnostics;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The leading replica, a process of its own, is stopped (SIGSTOP) and continued.</summary>
public sealed class StoppedLeaderTests(PrivatePostgres postgres)
{
    [Fact]
    public async Task While_the_leader_is_stopped_dead_nodes_are_found_by_another_replica_and_it_does_nothing_when_it_goes_on()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var a = new ApiProcess(database, "cn-a", "--VRouters:LostAfterSeconds", "3");
        await a.UntilReadyAsync();
        await Eventually.TrueAsync(async () => await QueryAsync<string?>("SELECT max(control_node) FROM leader_lease") == "cn-a", "cn-a leads", 30);
        await using var b = new ApiProcess(database, "cn-b", "--VRouters:LostAfterSeconds", "3");
        await b.UntilReadyAsync();
        await Eventually.TrueAsync(async () => await QueryAsync<long>("SELECT count(*) FROM control_node") == 2, "both beat", 30);
        // Two nodes, as agents of either replica would report them.
        await QueryAsync<long>("""
            WITH made AS (
                INSERT INTO virtual_router (uid, name, address, admin_down, labels, annotations, generation, created_at, updated_at)
                SELECT gen_random_uuid(), 'node-' || n, ('172.27.115.' || n)::inet, false, '{}', '{}', 1, now(), now() FROM unnest(ARRAY[1, 2]) n RETURNING uid, name
            ), connected AS (
                INSERT INTO virtual_router_status (uid, connected, control_node, last_seen_at, lost, desired_revision, applied_revision, applied_position, agent_version)
                SELECT uid, true, CASE name WHEN 'node-1' THEN 'cn-a' ELSE 'cn-b' END, 'infinity', false, 0, 0, 0, '1.0' FROM made RETURNING 1
            ) SELECT count(*) FROM connected
            """);

        a.Signal("STOP");
        // Both nodes die: nobody finds the stream of the first one ended, because its replica is stopped.
        await QueryAsync<long>("WITH w AS (UPDATE virtual_router_status SET connected = control_node = 'cn-a', last_seen_at = CASE control_node WHEN 'cn-a' THEN last_seen_at ELSE now() END RETURNING 1) SELECT count(*) FROM w");
        var clock = Stopwatch.StartNew();
        await Eventually.TrueAsync(async () => await QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE lost") == 2, "both are lost", 25);
        TestContext.Current.TestOutputHelper?.WriteLine($"both nodes were lost {clock.Elapsed.TotalSeconds:0.0} s after they died, of which 3 s are LostAfterSeconds");
        var fence = await QueryAsync<long>("SELECT fence FROM leader_lease WHERE control_node = 'cn-b'");

        // Until the other replica has read that they are lost: it would find that it has no streams of theirs.
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        // The nodes are back at the other replica. What the stopped one still believes must have no effect.
        await QueryAsync<long>("WITH w AS (UPDATE virtual_router_status SET connected = true, lost = false, control_node = 'cn-b', last_seen_at = 'infinity' RETURNING 1) SELECT count(*) FROM w");
        a.Signal("CONT");
        await Eventually.TrueAsync(() => a.Output.Contains("Another replica leads now", StringComparison.Ordinal), "it notices", 30, () => a.Output);
        Assert.Equal(0, await QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE lost"));
        Assert.Equal(fence, await QueryAsync<long>("SELECT fence FROM leader_lease"));

        async Task<T> QueryAsync<T>(string sql)
        {
            await using var connection = new NpgsqlConnection(database);
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is T value ? value : default!;
        }
    }
}
