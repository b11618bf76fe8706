using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Statements about many vRouters lock their status rows in one order, so that none of two waits for the other.</summary>
public sealed class StatusRowLocksTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private static readonly LeaderLease Lease = new(Sample.Uid(1), 1);
    private static readonly string[] Names = ["node1", "node2", "node3", "node4"];
    private string _connectionString = null!;
    private LoopParts _parts = null!;

    private AgentReportStore Store => _parts.Get<AgentReportStore>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _connectionString = await postgres.CreateDatabaseAsync();
        _parts = new LoopParts(_connectionString);
        await ExecuteAsync("INSERT INTO control_node (name, last_seen_at, sessions, restart_time_seconds) VALUES ('cn-a', now(), '[]', 120)");
        await ExecuteAsync($"INSERT INTO leader_lease (control_node, run, fence, renewed_at, expires_at) VALUES ('cn-a', '{Lease.Run}', {Lease.Fence}, now(), now() + interval '1 hour')");
        foreach (var name in Names) await Store.ConnectAsync(Hello(name), "cn-a", 100, DateTimeOffset.UtcNow, Cancellation);
        await ExecuteAsync("UPDATE virtual_router_status SET lost = false");
        // A scan of the table finds the rows in the other order.
        foreach (var name in Names.Reverse()) await ExecuteAsync($"UPDATE virtual_router_status s SET message = 'x' FROM virtual_router v WHERE v.uid = s.uid AND v.name = '{name}'");
    }

    public async ValueTask DisposeAsync() => await _parts.DisposeAsync();

    [Theory]
    [InlineData("hellos")]
    [InlineData("progress")]
    [InlineData("ends")]
    [InlineData("lost")]
    [InlineData("orphaned")]
    public async Task A_statement_that_waits_for_the_first_row_has_locked_no_other_one(string statement)
    {
        if (statement == "lost") await ExecuteAsync("UPDATE virtual_router_status SET connected = false, last_seen_at = now() - interval '1 hour'");
        if (statement == "orphaned") await ExecuteAsync("UPDATE virtual_router_status SET control_node = 'cn-gone'");
        await using var holder = new NpgsqlConnection(_connectionString);
        await holder.OpenAsync(Cancellation);
        await using var transaction = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("SELECT FROM virtual_router_status WHERE uid = (SELECT min(uid::text)::uuid FROM virtual_router_status) FOR UPDATE", holder, transaction))
            await hold.ExecuteNonQueryAsync(Cancellation);
        var waiting = Begin(statement);
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0 || waiting.IsCompleted);
        Assert.Equal(Names.Length - 1, Query<long>("SELECT count(*) FROM (SELECT FROM virtual_router_status FOR UPDATE SKIP LOCKED) free"));
        await transaction.RollbackAsync(Cancellation);
        await waiting;
        Assert.Equal(statement == "progress" ? Names.Length : 0, Query<long>("SELECT count(*) FROM virtual_router_status WHERE message = 'done'"));
    }

    [Fact]
    public async Task A_VirtualRouter_that_somebody_has_locked_holds_up_no_other_one()
    {
        await using var holder = new NpgsqlConnection(_connectionString);
        await holder.OpenAsync(Cancellation);
        await using var transaction = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("SELECT FROM virtual_router WHERE name = 'node2' FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync(Cancellation);
        var taken = await Store.ConnectKnownAsync([.. Names.Select(Hello)], "cn-a", DateTimeOffset.UtcNow, Cancellation);
        Assert.Equal(["node1", "node3", "node4"], taken.Select(h => h.Name));
    }

    private Task Begin(string statement) => statement switch
    {
        "hellos" => Store.ConnectKnownAsync([.. Names.Reverse().Select(Hello)], "cn-a", DateTimeOffset.UtcNow, Cancellation),
        "progress" => Store.SaveAsync("cn-a", [.. Names.Reverse().Select(n => new VirtualRouterProgress(n, TimeSpan.Zero, 1, 1, null, "1.0", "done"))], [], Cancellation),
        "ends" => Store.DisconnectAsync("cn-a", null, Cancellation),
        _ => Store.MarkLostAsync(Lease, TimeSpan.FromMinutes(1), new LossRule(TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromSeconds(10), 0), Names, Cancellation),
    };

    private static VRouterHello Hello(string name) => new(name, IPAddress.Parse($"172.27.115.{name[^1]}"), null, "1.0");

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(_connectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return (T)command.ExecuteScalar()!;
    }
}
