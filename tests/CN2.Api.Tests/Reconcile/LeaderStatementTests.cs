using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What only the leader may say in the database, when its lease is over and when the database's clock was set.</summary>
public sealed class LeaderStatementTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private static readonly LossRule Rule = new(TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromSeconds(10), 0);
    private string _database = null!;
    private LoopParts _parts = null!;
    private LeaderLease _lease;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _parts = new LoopParts(_database);
        await _parts.LeadAsync();
        _lease = _parts.Get<HeldLease>().Current!.Value;
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task Nobody_is_marked_as_lost_by_a_replica_that_no_longer_leads()
    {
        await ConnectAsync("compute1", "elsewhere");
        await _parts.Get<AgentReportStore>().MarkLostAsync(_lease with { Fence = _lease.Fence - 1 }, ControlNodeLiveness.GoneAfter, Rule, [], CancellationToken.None);
        Assert.True(await QueryAsync<bool>("SELECT connected FROM virtual_router_status"));
        await _parts.Get<AgentReportStore>().MarkLostAsync(_lease, ControlNodeLiveness.GoneAfter, Rule, [], CancellationToken.None);
        Assert.False(await QueryAsync<bool>("SELECT connected FROM virtual_router_status"));
    }

    [Fact]
    public async Task A_status_is_not_taken_while_the_lease_is_over_by_the_databases_clock_and_the_answer_says_so()
    {
        Assert.True(await WriteStatusAsync());
        await QueryAsync<long>("WITH l AS (UPDATE leader_lease SET renewed_at = renewed_at + interval '1 hour', expires_at = expires_at + interval '1 hour' RETURNING 1) SELECT count(*) FROM l");
        Assert.False(await WriteStatusAsync());

        Task<bool> WriteStatusAsync() => _parts.Get<StatusStore>().WriteAsync(
            _lease, CN2.Api.Data.Rows.ResourceKind.Service, [new(Guid.NewGuid(), "{}")], [], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_time_in_the_future_is_no_sign_of_life()
    {
        await BeatAsync("elsewhere");
        await ConnectAsync("compute1", "elsewhere");
        await QueryAsync<long>("WITH l AS (UPDATE virtual_router_status SET lost = false RETURNING 1) SELECT count(*) FROM l");
        await MarkLostAsync();
        Assert.True(await QueryAsync<bool>("SELECT connected AND NOT lost FROM virtual_router_status"));

        // The database's clock was set back by an hour, and neither the replica nor the agent has reported since.
        await QueryAsync<long>("WITH c AS (UPDATE control_node SET last_seen_at = now() + interval '1 hour' RETURNING 1), v AS (UPDATE virtual_router_status SET last_seen_at = now() + interval '1 hour' RETURNING 1) SELECT count(*) FROM c, v");
        await MarkLostAsync();
        await MarkLostAsync();
        Assert.True(await QueryAsync<bool>("SELECT lost AND NOT connected FROM virtual_router_status"));
    }

    [Fact]
    public async Task A_gone_control_node_is_remembered_until_the_leader_has_had_the_database_for_its_whole_restart_time()
    {
        var store = _parts.Get<ControlNodeStore>();
        await BeatAsync("elsewhere");
        await QueryAsync<long>("WITH c AS (UPDATE control_node SET last_seen_at = last_seen_at - interval '1 hour' RETURNING 1) SELECT count(*) FROM c");
        await store.ForgetGoneAsync(_lease, TimeSpan.FromSeconds(125), CancellationToken.None);
        await store.ForgetGoneAsync(_lease with { Run = Guid.NewGuid() }, TimeSpan.FromHours(1), CancellationToken.None);
        Assert.Equal(1, await QueryAsync<long>("SELECT count(*) FROM control_node"));
        await store.ForgetGoneAsync(_lease, TimeSpan.FromSeconds(127), CancellationToken.None);
        Assert.Equal(0, await QueryAsync<long>("SELECT count(*) FROM control_node"));
    }

    [Fact]
    public async Task Two_replicas_that_get_the_first_hello_of_one_name_at_once_both_record_it()
    {
        for (var i = 0; i < 50; i++) await Task.WhenAll(ConnectAsync($"node-{i}", "cn-a", i), ConnectAsync($"node-{i}", "cn-b", i), ConnectAsync($"node-{i}", "cn-c", i));
        Assert.Equal(50, await QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected"));
    }

    private Task<(bool Others, bool Unknown)> BeatAsync(string controlNode) => _parts.Get<ControlNodeStore>().BeatAsync(new ControlNodeBeat(controlNode, 120, true, true, false, null, "1.0"), null, [], CancellationToken.None);

    private Task<int> MarkLostAsync() => _parts.Get<AgentReportStore>().MarkLostAsync(_lease, ControlNodeLiveness.GoneAfter, Rule, [], CancellationToken.None);

    private Task<AgentRefusal?> ConnectAsync(string name, string controlNode, int address = 242) =>
        _parts.Get<AgentReportStore>().ConnectAsync(new VRouterHello(name, new IPAddress([172, 27, 115, (byte)address]), null, "1.0"), controlNode, 100, DateTimeOffset.UtcNow, CancellationToken.None);

    private async Task<T> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
