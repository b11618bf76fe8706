using CN2.Api.Data;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Reconcile;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>Requests and the control loop do not take connections from each other, and a schema change under load is noticed by nobody.</summary>
public sealed class PoolTests(PrivatePostgres postgres)
{
    [Fact]
    public async Task Requests_that_hold_every_connection_do_not_stop_the_control_loop()
    {
        var database = await postgres.CreateDatabaseAsync() + ";Maximum Pool Size=2";
        await using var api = new Replica(database, "cn-a", new FakeBgpEngine(), TimeProvider.System, []);
        await api.InitializeAsync();
        await Eventually.TrueAsync(
            async () => await QueryAsync<long>(database, "SELECT count(*) FROM leader_lease, control_node") == 1 && (await api.GetAsync("/readyz")).Status == 200, seconds: 60);
        var requests = api.Services.GetRequiredService<NpgsqlDataSource>();
        await using var one = await requests.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var two = await requests.OpenConnectionAsync(TestContext.Current.CancellationToken);

        var node = new FakeNode("compute1", "172.27.115.242");
        node.ConnectTo(api.Agents);
        var lease = await QueryAsync<DateTime>(database, "SELECT renewed_at FROM leader_lease");
        var beat = await QueryAsync<DateTime>(database, "SELECT last_seen_at FROM control_node");
        await Eventually.TrueAsync(
            async () => await QueryAsync<DateTime>(database, "SELECT renewed_at FROM leader_lease") > lease && await QueryAsync<DateTime>(database, "SELECT last_seen_at FROM control_node") > beat,
            "heartbeat and leadership go on", 30);
        await Eventually.TrueAsync(async () => await QueryAsync<long>(database, "SELECT count(*) FROM virtual_router_status WHERE connected AND NOT lost") == 1, "agents are recorded, fed and answered", 30);
    }

    [Fact]
    public async Task No_statement_is_compiled()
    {
        await using var api = new Replica(await postgres.CreateDatabaseAsync(), "cn-a", new FakeBgpEngine(), TimeProvider.System, []);
        await api.InitializeAsync();
        foreach (var pool in new[] { api.Services.GetRequiredService<NpgsqlDataSource>(), api.Services.GetRequiredKeyedService<NpgsqlDataSource>(DatabasePools.ControlLoop) })
        {
            await using var command = pool.CreateCommand("SHOW jit");
            Assert.Equal("off", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_schema_change_under_load_is_noticed_by_no_request_and_not_by_the_loop()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var api = new Replica(database, "cn-a", new FakeBgpEngine(), TimeProvider.System, []);
        await api.InitializeAsync();
        (await api.PostAsync("/v1/namespaces/default/services", """{"name":"web","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        var enough = false;
        var sent = 0;
        var failures = new List<string>();
        var clients = Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            for (var i = 0; !Volatile.Read(ref enough); i++)
            {
                Reply[] replies =
                [
                    await api.GetAsync("/v1/namespaces/default/services/web"),
                    await api.GetAsync("/v1/services?limit=10"),
                    await api.PostAsync("/v1/namespaces/default/services", $$$"""{"name":"s{{{client}}}-{{{i}}}","type":"ClusterIP","ports":[{"port":80}]}"""),
                    await api.PatchAsync("/v1/namespaces/default/services/web", $$$"""{"annotations":{"round":"{{{client}}}-{{{i}}}"}}"""),
                    await api.DeleteAsync($"/v1/namespaces/default/services/s{client}-{i}"),
                ];
                lock (failures) failures.AddRange(replies.Where(r => r.Status >= 500).Select(r => r.Text));
                Interlocked.Add(ref sent, replies.Length);
            }
        }, TestContext.Current.CancellationToken)).ToList();

        for (var change = 0; change < 6; change++)
        {
            var before = Volatile.Read(ref sent);
            await Eventually.TrueAsync(() => Volatile.Read(ref sent) > before + 100, seconds: 60);
            // A column that every read of a Service selects: the type of prepared results changes.
            await ExecuteAsync(database, $"ALTER TABLE service ALTER COLUMN name TYPE {(change % 2 == 0 ? "varchar(300)" : "text")}");
        }

        Volatile.Write(ref enough, true);
        await Task.WhenAll(clients);
        Assert.Empty(failures);
        (await api.PostAsync("/v1/namespaces/default/services", """{"name":"after","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/default/services/after")).ReasonOf("Ready") is not null, "the loop goes on", 30);
    }

    private static async Task<T> QueryAsync<T>(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
