using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Statements about many vRouters lock their status rows in one order, so that none of two waits for the other.</summary>
public sealed class StatusRowLocksTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private static readonly string[] Names = ["node1", "node2", "node3", "node4"];
    private AgentRows _rows = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _rows = await AgentRows.CreateAsync(postgres, Names);
        // A scan of the table finds the rows in the other order.
        foreach (var name in Names.Reverse()) await _rows.ExecuteAsync($"UPDATE virtual_router_status s SET message = 'x' FROM virtual_router v WHERE v.uid = s.uid AND v.name = '{name}'");
    }

    public ValueTask DisposeAsync() => _rows.DisposeAsync();

    [Theory]
    [InlineData("hellos")]
    [InlineData("progress")]
    [InlineData("ends")]
    [InlineData("lost")]
    [InlineData("orphaned")]
    public async Task A_statement_that_waits_for_the_first_row_has_locked_no_other_one(string statement)
    {
        if (statement == "lost") await _rows.ExecuteAsync("UPDATE virtual_router_status SET connected = false, last_seen_at = now() - interval '1 hour'");
        if (statement == "orphaned") await _rows.ExecuteAsync("UPDATE virtual_router_status SET control_node = 'cn-gone'");
        await using var holder = new NpgsqlConnection(_rows.ConnectionString);
        await holder.OpenAsync(Cancellation);
        await using var transaction = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("SELECT FROM virtual_router_status WHERE uid = (SELECT min(uid::text)::uuid FROM virtual_router_status) FOR UPDATE", holder, transaction))
            await hold.ExecuteNonQueryAsync(Cancellation);
        var waiting = Begin(statement);
        await Eventually.TrueAsync(async () => await _rows.QueryAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0 || waiting.IsCompleted);
        Assert.Equal(Names.Length - 1, await _rows.QueryAsync<long>("SELECT count(*) FROM (SELECT FROM virtual_router_status FOR UPDATE SKIP LOCKED) free"));
        await transaction.RollbackAsync(Cancellation);
        await waiting;
        Assert.Equal(statement == "progress" ? Names.Length : 0, await _rows.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE message = 'done'"));
    }

    /// <summary>The leader finds agents of a control node that is gone just when they come to another one.</summary>
    [Fact]
    public async Task An_agent_that_comes_to_another_control_node_while_the_leader_waits_for_its_row_stays_connected()
    {
        await _rows.ExecuteAsync("UPDATE virtual_router_status SET control_node = 'cn-gone', last_seen_at = 'infinity'");
        await using var holder = new NpgsqlConnection(_rows.ConnectionString);
        await holder.OpenAsync(Cancellation);
        await using var transaction = await holder.BeginTransactionAsync(Cancellation);
        await using (var move = new NpgsqlCommand("UPDATE virtual_router_status s SET control_node = 'cn-a' FROM virtual_router v WHERE v.uid = s.uid AND v.name = 'node2'", holder, transaction))
            await move.ExecuteNonQueryAsync(Cancellation);
        var waiting = _rows.MarkLostAsync(carriers: Names);
        await Eventually.TrueAsync(async () => await _rows.QueryAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
        await transaction.CommitAsync(Cancellation);
        await waiting;
        Assert.Equal("node2", await _rows.QueryAsync<string>("SELECT string_agg(name, ' ' ORDER BY name) FROM virtual_router JOIN virtual_router_status USING (uid) WHERE connected"));
    }

    [Fact]
    public async Task A_VirtualRouter_that_somebody_has_locked_holds_up_no_other_one()
    {
        await using var holder = new NpgsqlConnection(_rows.ConnectionString);
        await holder.OpenAsync(Cancellation);
        await using var transaction = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("SELECT FROM virtual_router WHERE name = 'node2' FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync(Cancellation);
        var taken = await _rows.Store.ConnectKnownAsync([.. Names.Select(AgentRows.Hello)], "cn-a", DateTimeOffset.UtcNow, Cancellation);
        Assert.Equal(["node1", "node3", "node4"], taken.Select(h => h.Name));
    }

    private Task Begin(string statement) => statement switch
    {
        "hellos" => _rows.Store.ConnectKnownAsync([.. Names.Reverse().Select(AgentRows.Hello)], "cn-a", DateTimeOffset.UtcNow, Cancellation),
        "progress" => _rows.Store.SaveAsync("cn-a", [.. Names.Reverse().Select(n => new VirtualRouterProgress(n, TimeSpan.Zero, 1, 1, null, "1.0", "done"))], [], Cancellation),
        "ends" => _rows.Store.DisconnectAsync("cn-a", null, Cancellation),
        _ => _rows.MarkLostAsync(carriers: Names),
    };
}
