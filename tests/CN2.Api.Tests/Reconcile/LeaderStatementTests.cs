using System.Net;
using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What only the leader may say in the database, when its lease is over and when the database's clock was set.</summary>
public sealed class LeaderStatementTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private AgentRows _rows = null!;

    public async ValueTask InitializeAsync() => _rows = await AgentRows.CreateAsync(postgres);

    public ValueTask DisposeAsync() => _rows.DisposeAsync();

    [Fact]
    public async Task Nobody_is_marked_as_lost_by_a_replica_that_no_longer_leads()
    {
        await ConnectAsync("compute1", "elsewhere");
        await _rows.MarkLostAsync(AgentRows.Lease with { Fence = AgentRows.Lease.Fence - 1 });
        Assert.True(await _rows.QueryAsync<bool>("SELECT connected FROM virtual_router_status"));
        await _rows.MarkLostAsync();
        Assert.False(await _rows.QueryAsync<bool>("SELECT connected FROM virtual_router_status"));
    }

    [Fact]
    public async Task A_status_is_not_taken_while_the_lease_is_over_by_the_databases_clock_and_the_answer_says_so()
    {
        Assert.True(await WriteStatusAsync());
        await _rows.QueryAsync<long>("WITH l AS (UPDATE leader_lease SET renewed_at = renewed_at + interval '1 hour', expires_at = expires_at + interval '1 hour' RETURNING 1) SELECT count(*) FROM l");
        Assert.False(await WriteStatusAsync());

        Task<bool> WriteStatusAsync() => _rows.Parts.Get<StatusStore>().WriteAsync(
            AgentRows.Lease, CN2.Api.Data.Rows.ResourceKind.Service, [new(Guid.NewGuid(), "{}")], [], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_time_in_the_future_is_no_sign_of_life()
    {
        await BeatAsync("elsewhere");
        await ConnectAsync("compute1", "elsewhere");
        await _rows.QueryAsync<long>("WITH l AS (UPDATE virtual_router_status SET lost = false RETURNING 1) SELECT count(*) FROM l");
        await _rows.MarkLostAsync();
        Assert.True(await _rows.QueryAsync<bool>("SELECT connected AND NOT lost FROM virtual_router_status"));

        // The database's clock was set back by an hour, and neither the replica nor the agent has reported since.
        await _rows.QueryAsync<long>("WITH c AS (UPDATE control_node SET last_seen_at = now() + interval '1 hour' RETURNING 1), v AS (UPDATE virtual_router_status SET last_seen_at = now() + interval '1 hour' RETURNING 1) SELECT count(*) FROM c, v");
        await _rows.MarkLostAsync();
        await _rows.MarkLostAsync();
        Assert.True(await _rows.QueryAsync<bool>("SELECT lost AND NOT connected FROM virtual_router_status"));
    }

    [Fact]
    public async Task A_gone_control_node_is_remembered_until_the_leader_has_had_the_database_for_its_whole_restart_time()
    {
        var store = _rows.Parts.Get<ControlNodeStore>();
        await BeatAsync("elsewhere");
        await _rows.QueryAsync<long>("WITH c AS (UPDATE control_node SET last_seen_at = last_seen_at - interval '1 hour' RETURNING 1) SELECT count(*) FROM c");
        await store.ForgetGoneAsync(AgentRows.Lease, TimeSpan.FromSeconds(125), CancellationToken.None);
        await store.ForgetGoneAsync(AgentRows.Lease with { Run = Guid.NewGuid() }, TimeSpan.FromHours(1), CancellationToken.None);
        Assert.Equal(1, await _rows.QueryAsync<long>("SELECT count(*) FROM control_node WHERE name = 'elsewhere'"));
        await store.ForgetGoneAsync(AgentRows.Lease, TimeSpan.FromSeconds(127), CancellationToken.None);
        Assert.Equal(0, await _rows.QueryAsync<long>("SELECT count(*) FROM control_node WHERE name = 'elsewhere'"));
    }

    [Fact]
    public async Task Two_replicas_that_get_the_first_hello_of_one_name_at_once_both_record_it()
    {
        for (var i = 0; i < 50; i++) await Task.WhenAll(ConnectAsync($"node-{i}", "cn-a", i), ConnectAsync($"node-{i}", "cn-b", i), ConnectAsync($"node-{i}", "cn-c", i));
        Assert.Equal(50, await _rows.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected"));
    }

    private Task<(bool Others, bool Unknown)> BeatAsync(string controlNode) => _rows.Parts.Get<ControlNodeStore>().BeatAsync(new ControlNodeBeat(controlNode, 120, true, true, false, null, "1.0"), null, [], CancellationToken.None);

    private Task<AgentRefusal?> ConnectAsync(string name, string controlNode, int address = 242) =>
        _rows.ConnectAsync(AgentRows.Hello(name) with { Address = new IPAddress([172, 27, 115, (byte)address]) }, controlNode);
}
