using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// Many vRouters that are away at once are held, one alone is lost (docs/contract.md §3). Time passes by moving what the database remembers
/// into the past. LostAfter is 10 s.
/// </summary>
public sealed class MassLossTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private string[] _carriers = ["node1", "node2", "node3", "node4"];
    private AgentRows _rows = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _rows = await AgentRows.CreateAsync(postgres, [.. _carriers, "idle"]);

    public ValueTask DisposeAsync() => _rows.DisposeAsync();

    [Fact]
    public async Task One_that_stays_away_is_lost()
    {
        await AwayAsync("node1");
        await PassAsync(9);
        Assert.Equal(0, await MarkAsync());
        Assert.Equal("", await LostAsync());
        await PassAsync(2);
        await MarkAsync();
        Assert.Equal("node1", await LostAsync());
    }

    [Fact]
    public async Task Half_of_them_at_once_are_held_with_an_event_and_none_is_lost_however_long_it_lasts()
    {
        await AwayAsync("node1", "node2");
        await PassAsync(11);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(2, await MarkAsync());
            await PassAsync(20);
        }

        Assert.Equal("", await LostAsync());
        Assert.Equal(2L, await _rows.QueryAsync<long>("SELECT count(*) FROM event WHERE reason = 'MassLoss'"));
    }

    [Fact]
    public async Task The_last_one_that_is_still_away_is_lost_only_when_the_others_have_been_back_for_a_while()
    {
        await AwayAsync("node1", "node2", "node3", "node4");
        await PassAsync(60);
        Assert.Equal(4, await MarkAsync());
        foreach (var name in (string[])["node1", "node2", "node3"]) await ConnectAsync(name);
        Assert.Equal(1, await MarkAsync());
        await PassAsync(4);
        await MarkAsync();
        Assert.Equal("", await LostAsync()); // it may be on its way
        await PassAsync(2);
        Assert.Equal(0, await MarkAsync());
        Assert.Equal("node4", await LostAsync());
    }

    [Fact]
    public async Task Those_that_trickle_in_within_the_time_count_together()
    {
        await AwayAsync("node1");
        await PassAsync(7);
        await AwayAsync("node2");
        await PassAsync(4);
        Assert.Equal(1, await MarkAsync()); // node1 is due, node2 would be within 10 s
        await PassAsync(7);
        Assert.Equal(2, await MarkAsync());
        Assert.Equal("", await LostAsync());
    }

    [Fact]
    public async Task One_that_was_lost_before_the_others_went_stays_lost_and_counts_for_so_long()
    {
        await AwayAsync("node1");
        await PassAsync(11);
        await MarkAsync();
        _carriers = ["node2", "node3", "node4"]; // its routes are withdrawn
        await AwayAsync("node2");
        await PassAsync(7);
        await MarkAsync();
        await PassAsync(0.5);
        await _rows.ExecuteAsync("UPDATE virtual_router_status SET last_seen_at = last_seen_at - interval '4 seconds' WHERE NOT connected AND NOT lost");
        Assert.Equal(1, await MarkAsync());
        Assert.Equal("node1", await LostAsync());
        // After that time it is an old story, and node2 alone.
        await PassAsync(4);
        await MarkAsync();
        await PassAsync(6);
        await MarkAsync();
        Assert.Equal("node1 node2", await LostAsync());
    }

    [Fact]
    public async Task Nodes_without_routes_do_not_make_a_mass_and_a_limit_can_be_set()
    {
        await AwayAsync("node1", "idle");
        await PassAsync(11);
        Assert.Equal(0, await MarkAsync());
        Assert.Equal("idle node1", await LostAsync());
        await AwayAsync("node2", "node3");
        await PassAsync(30);
        Assert.Equal(0, await MarkAsync(limit: 4));
        Assert.Equal("idle node1 node2 node3", await LostAsync());
    }

    [Fact]
    public async Task The_agents_of_a_replica_that_is_gone_count_too()
    {
        await AwayAsync("node1");
        await PassAsync(11);
        await _rows.ExecuteAsync("DELETE FROM control_node");
        Assert.Equal(1, await MarkAsync());
        Assert.Equal("", await LostAsync());
    }

    [Fact]
    public async Task An_agent_that_comes_back_is_held_no_longer()
    {
        await AwayAsync("node1", "node2");
        await PassAsync(11);
        await MarkAsync();
        Assert.Equal(2L, await _rows.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE held_at IS NOT NULL"));
        await ConnectAsync("node1");
        await _rows.Store.SaveAsync("cn-a", [new VirtualRouterProgress("node2", TimeSpan.Zero, 1, 1, null, "1", null)], [], Cancellation);
        Assert.Equal(0L, await _rows.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE held_at IS NOT NULL"));
        Assert.Equal(0, await MarkAsync());
    }

    [Fact]
    public async Task One_that_is_silent_counts_before_its_stream_has_ended()
    {
        await AwayAsync("node1");
        await PassAsync(11);
        await _rows.ExecuteAsync("UPDATE virtual_router_status s SET last_seen_at = now() - interval '4 seconds' FROM virtual_router v WHERE v.uid = s.uid AND v.name = 'node2'");
        Assert.Equal(1, await MarkAsync());
        Assert.Equal("", await LostAsync());
    }

    private async Task ConnectAsync(string name) => Assert.Null(await _rows.ConnectAsync(AgentRows.Hello(name)));

    private async Task<int> MarkAsync(int limit = 0)
    {
        await _rows.ExecuteAsync("UPDATE control_node SET last_seen_at = now()");
        return await _rows.MarkLostAsync(limit: limit, carriers: _carriers);
    }

    private Task AwayAsync(params string[] names) => _rows.Store.DisconnectAsync("cn-a", [.. names.Select(n => new AgentEnd(n, TimeSpan.Zero))], Cancellation);

    private Task PassAsync(double seconds) => _rows.ExecuteAsync(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
        UPDATE virtual_router_status SET held_at = held_at - interval '{seconds} s', lost_at = lost_at - interval '{seconds} s',
            last_seen_at = CASE WHEN connected THEN last_seen_at ELSE last_seen_at - interval '{seconds} s' END
        """));

    private async Task<string> LostAsync() =>
        await _rows.QueryAsync<string?>("SELECT string_agg(v.name, ' ' ORDER BY v.name) FROM virtual_router v JOIN virtual_router_status s USING (uid) WHERE s.lost") ?? "";
}
