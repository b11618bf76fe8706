using CN2.Api.Data;
using CN2.Api.Reconcile;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>When agents were heard last, and which are lost.</summary>
public abstract class AgentLossContract(StoreSite site) : AgentStoreContract(site)
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task An_agent_that_is_overdue_is_away_since_it_was_last_in_time_and_back_when_it_has_answered()
    {
        var lease = await ServeAsync(1, 2, 3);
        var late = Progress("compute1") with { Overdue = true, Message = "late" };
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(late)));
        Assert.Empty(await Site.ChangesOfAsync(() => SaveAsync(late)));
        Assert.False((await Site.RouterAsync("compute1")).Connected);
        await PassAsync(9);
        await RenewAsync(lease, "compute2", "compute3");
        await SaveAsync(late);
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(2);
        await RenewAsync(lease, "compute2", "compute3");
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await SaveAsync(late);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
        await Store.SaveAsync("cn-a", [Progress("compute1")], ["compute1"], Ct);
        var back = await Site.RouterAsync("compute1");
        Assert.Equal((true, false), (back.Connected, back.Router.Lost));
    }

    [Fact]
    public async Task Who_has_been_away_for_long_enough_is_lost()
    {
        var lease = await ServeAsync(1, 2, 3);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(9);
        await RenewAsync(lease, "compute2", "compute3");
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(2);
        await RenewAsync(lease, "compute2", "compute3");
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease with { Run = Guid.NewGuid() })));
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(async () => Assert.Equal(0, await MarkLostAsync(lease))));
        Assert.Equal([true, false, false], (await Site.ReadAsync()).VirtualRouters.Items.OrderBy(r => r.Router.Name).Select(r => r.Router.Lost));
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
    }

    [Fact]
    public async Task Agents_of_a_control_node_that_is_gone_become_disconnected_and_were_heard_until_it_was_seen_last()
    {
        var lease = await ServeAsync(1, 2);
        await ConnectAsync(Hello(3), "cn-b");
        await Store.SaveAsync("cn-b", [Progress("compute3")], ["compute3"], Ct);
        await PassAsync(ControlNodeLiveness.GoneAfter.TotalSeconds + 1);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Equal(["Modified VirtualRouter compute3 status"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        Assert.False((await Site.RouterAsync("compute3")).Connected);
        await PassAsync(2);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(2);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Equal(["Modified VirtualRouter compute3"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
    }

    [Fact]
    public async Task What_an_earlier_run_of_a_control_node_left_connected_was_heard_until_that_one_was_seen_last()
    {
        var lease = await ServeAsync(1, 2);
        await ConnectAsync(Hello(3), "cn-b");
        await Store.SaveAsync("cn-b", [Progress("compute3")], ["compute3"], Ct);
        await PassAsync(5);
        await Store.DisconnectAsync("cn-b", null, Ct);
        await Site.BeatAsync("cn-b");
        await PassAsync(4);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(2);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Equal(["Modified VirtualRouter compute3"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
    }

    [Fact]
    public async Task An_agent_that_was_silent_before_its_stream_ended_is_away_since_it_was_heard_last()
    {
        var lease = await ServeAsync(1, 2, 3);
        await SaveAsync(Progress("compute1") with { Silence = TimeSpan.FromSeconds(3) });
        Assert.True((await Site.RouterAsync("compute1")).Connected);
        await PassAsync(3);
        await DisconnectAsync("cn-a", "compute1");
        await Store.DisconnectAsync("cn-a", [new AgentEnd("compute2", TimeSpan.FromSeconds(6))], Ct);
        await PassAsync(3);
        await RenewAsync(lease, "compute3");
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(2);
        await RenewAsync(lease, "compute3");
        Assert.Equal(["Modified VirtualRouter compute1", "Modified VirtualRouter compute2"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
    }

    [Fact]
    public async Task An_agent_that_is_silent_counts_among_many_at_once_until_it_is_heard_again()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(11);
        await RenewAsync(lease, "compute3", "compute4");
        await SaveAsync(Progress("compute2") with { Silence = TimeSpan.FromSeconds(3) });
        await PassAsync(1);
        Assert.Equal(1, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        await PassAsync(6);
        await RenewAsync(lease, "compute2", "compute3", "compute4");
        Assert.Equal(0, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
    }

    [Theory]
    [InlineData(0, 2)] // half of four
    [InlineData(3, 0)]
    [InlineData(2, 2)]
    public async Task Many_at_once_are_held_and_not_lost(int limit, int held)
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await DisconnectAsync("cn-a", "compute1", "compute2");
        await PassAsync(11);
        await RenewAsync(lease, "compute3", "compute4");
        Assert.Equal(held, await MarkLostAsync(lease, limit, 1, 2, 3, 4));
        var routers = (await Site.ReadAsync()).VirtualRouters.Items.OrderBy(r => r.Router.Name).ToList();
        Assert.Equal((held > 0, held == 0), (routers[0].Held, routers[0].Router.Lost));
        Assert.Equal((held > 0, held == 0), (routers[1].Held, routers[1].Router.Lost));
        Assert.False(routers[2].Held || routers[2].Router.Lost);
    }

    [Fact]
    public async Task Who_is_held_becomes_lost_some_time_after_the_others_are_back()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await DisconnectAsync("cn-a", "compute1", "compute2");
        await PassAsync(11);
        await RenewAsync(lease, "compute3", "compute4");
        Assert.Equal(["Modified VirtualRouter compute1 status", "Modified VirtualRouter compute2 status"], await Site.ChangesOfAsync(() => MarkLostAsync(lease, 0, 1, 2, 3, 4)));
        Assert.Empty(await Site.ChangesOfAsync(async () => Assert.Equal(2, await MarkLostAsync(lease, 0, 1, 2, 3, 4))));
        await ConnectAsync(Hello(2, connection: 2));
        await RenewAsync(lease, "compute2", "compute3", "compute4");
        Assert.Equal(1, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        await PassAsync(4);
        await RenewAsync(lease, "compute2", "compute3", "compute4");
        Assert.Equal(1, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        await PassAsync(2);
        await RenewAsync(lease, "compute2", "compute3", "compute4");
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(async () => Assert.Equal(0, await MarkLostAsync(lease, 0, 1, 2, 3, 4))));
        Assert.Equal((true, false), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute1")).Held));
    }

    [Fact]
    public async Task One_that_was_lost_a_moment_ago_counts_and_one_of_long_ago_does_not()
    {
        var lease = await ServeAsync(1, 2, 3);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(11);
        await RenewAsync(lease, "compute2", "compute3");
        await MarkLostAsync(lease, 0, 1, 2, 3);
        await DisconnectAsync("cn-a", "compute2");
        await PassAsync(9);
        await RenewAsync(lease, "compute3");
        Assert.Equal(0, await MarkLostAsync(lease, 0, 2, 3));
        await PassAsync(0.5);
        Assert.Equal(0, await MarkLostAsync(lease, 0, 2, 3));
        Assert.False((await Site.RouterAsync("compute2")).Router.Lost);
        await PassAsync(1);
        await RenewAsync(lease, "compute3");
        Assert.Equal(0, await MarkLostAsync(lease, 0, 2, 3));
        Assert.True((await Site.RouterAsync("compute2")).Router.Lost);
    }

    [Fact]
    public async Task A_node_that_has_vanished_is_lost_at_once_and_an_agent_that_was_seen_since_is_not()
    {
        var lease = await ServeAsync(1, 2, 3);
        await PassAsync(0.5);
        Assert.Equal(["Modified VirtualRouter compute1 status", "Modified VirtualRouter compute2 status"],
            await Site.ChangesOfAsync(() => VanishAsync("cn-a", "compute1", "compute2", "compute9")));
        Assert.Empty(await Site.ChangesOfAsync(() => VanishAsync("cn-a", "compute1"))); // it is known
        Assert.Empty(await Site.ChangesOfAsync(() => VanishAsync("cn-b", "compute3"))); // its agent is elsewhere
        var gone = await Site.RouterAsync("compute1");
        Assert.Equal((false, true, false), (gone.Connected, gone.Vanished, gone.Router.Lost));

        // The agent of compute2 has found another control node, and that one has left it since.
        await PassAsync(0.1);
        await ConnectAsync(Hello(2, connection: 2));
        Assert.False((await Site.RouterAsync("compute2")).Vanished);
        await PassAsync(0.1);
        await DisconnectAsync("cn-a", "compute2");
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        Assert.Equal((true, false), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute2")).Router.Lost));
    }

    [Fact]
    public async Task Many_that_have_vanished_at_once_are_held()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await PassAsync(0.5);
        await VanishAsync("cn-a", "compute1", "compute2");
        Assert.Equal(2, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        Assert.Equal((false, true), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute1")).Held));
    }

    [Fact]
    public async Task Among_several_control_nodes_those_that_vanish_a_moment_apart_are_held_together()
    {
        var rule = new LossRule(LostAfter, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5), 0);
        string[] carriers = ["compute1", "compute2", "compute3"];
        var lease = await ServeAsync(1, 2, 3);
        await PassAsync(0.5);
        await VanishAsync("cn-a", "compute1");
        Assert.Equal(0, await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, carriers, Ct));
        Assert.False((await Site.RouterAsync("compute1")).Router.Lost); // others may have vanished with it
        await PassAsync(0.1);
        await VanishAsync("cn-a", "compute2");
        await PassAsync(0.6);
        Assert.Equal(2, await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, carriers, Ct));
        Assert.Equal((true, true), ((await Site.RouterAsync("compute1")).Held, (await Site.RouterAsync("compute2")).Held));

        await ConnectAsync(Hello(2, connection: 2)); // and so only one had vanished
        await PassAsync(LostAfter.TotalSeconds);
        await RenewAsync(lease, "compute2", "compute3");
        await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, carriers, Ct);
        Assert.Equal((true, false), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute2")).Router.Lost));
    }

    [Fact]
    public async Task With_a_short_time_two_that_are_lost_one_after_the_other_are_not_lost_at_once()
    {
        var rule = new LossRule(LostAfter, TimeSpan.Zero, TimeSpan.FromSeconds(0.5), 0);
        var lease = await ServeAsync(1, 2, 3);
        await PassAsync(0.5);
        await VanishAsync("cn-a", "compute1");
        await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, ["compute1", "compute2", "compute3"], Ct);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
        await PassAsync(1);
        await VanishAsync("cn-a", "compute2");
        Assert.Equal(0, await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, ["compute2", "compute3"], Ct));
        Assert.True((await Site.RouterAsync("compute2")).Router.Lost);
    }

    [Fact]
    public async Task A_time_in_the_future_is_no_sign_of_life()
    {
        var lease = await ServeAsync(1, 2, 3);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(-3600);
        await RenewAsync(lease, "compute2", "compute3");
        await MarkLostAsync(lease);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
    }

    [Fact]
    public async Task An_agent_that_has_been_silent_since_a_time_in_the_future_counts_among_many_at_once()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await SaveAsync(Progress("compute2") with { Silence = TimeSpan.FromSeconds(3) });
        await PassAsync(-3600);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(11);
        await RenewAsync(lease, "compute3", "compute4");
        Assert.Equal(1, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        Assert.Equal((false, true), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute1")).Held));
    }

    [Fact]
    public async Task Nobody_is_held_because_of_a_time_in_the_future()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await DisconnectAsync("cn-a", "compute1", "compute2");
        await PassAsync(11);
        await RenewAsync(lease, "compute3", "compute4");
        Assert.Equal(2, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        await PassAsync(-3600);
        await ConnectAsync(Hello(2, connection: 2));
        await RenewAsync(lease, "compute2", "compute3", "compute4");
        Assert.Equal(0, await MarkLostAsync(lease, 0, 1, 2, 3, 4));
        Assert.Equal((true, false), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute1")).Held));
    }

    [Fact]
    public async Task One_that_was_lost_in_the_future_does_not_count_among_many_at_once()
    {
        var lease = await ServeAsync(1, 2, 3);
        await DisconnectAsync("cn-a", "compute1");
        await PassAsync(11);
        await RenewAsync(lease, "compute2", "compute3");
        await MarkLostAsync(lease, 0, 1, 2, 3);
        await PassAsync(-3600);
        await DisconnectAsync("cn-a", "compute2");
        await PassAsync(11);
        await RenewAsync(lease, "compute3");
        Assert.Equal(0, await MarkLostAsync(lease, 0, 2, 3));
        Assert.True((await Site.RouterAsync("compute2")).Router.Lost);
    }

    private Task<int> MarkLostAsync(LeaderLease lease, int limit = 0, params int[] carriers) =>
        Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, new LossRule(LostAfter, TimeSpan.Zero, LostAfter, limit), [.. carriers.Select(n => $"compute{n}")], Ct);
}

public sealed class MemoryAgentLossTests() : AgentLossContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresAgentLossTests(PostgresStores site) : AgentLossContract(site);
