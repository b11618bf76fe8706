using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>Which agents may connect, how far they are, and which are lost.</summary>
public abstract class AgentReportContract(StoreSite site) : StoreContract(site)
{
    private const int Maximum = 5;
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(10);

    private IAgentReportStore Store => Site.Get<IAgentReportStore>();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Site.BeatAsync("cn-a");
        await Site.BeatAsync("cn-b");
    }

    [Fact]
    public async Task An_agent_makes_its_VirtualRouter_which_counts_as_lost_until_it_has_answered()
    {
        Assert.Equal(["Added VirtualRouter compute1"], await Site.ChangesOfAsync(() => ConnectAsync(Hello(1))));
        var made = await Site.RouterAsync("compute1");
        Assert.Equal((true, "cn-a", true, false), (made.Connected, made.ControlNode, made.Router.Lost, made.Held));
        Assert.Equal(IPAddress.Parse("172.27.116.1"), made.Router.Address);
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => ConnectAsync(Hello(1, connection: 2), "cn-b")));
        Assert.Equal("cn-b", (await Site.RouterAsync("compute1")).ControlNode);
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => ConnectAsync(Hello(1, connection: 3) with { Address = IPAddress.Parse("172.27.116.99") })));
        var moved = await Site.RouterAsync("compute1");
        Assert.Equal((IPAddress.Parse("172.27.116.99"), true, made.Router.Uid), (moved.Router.Address, moved.Router.Lost, moved.Router.Uid));
    }

    [Fact]
    public async Task Of_many_at_once_those_are_taken_about_whom_nothing_is_to_be_asked()
    {
        await ConnectAsync(Hello(1));
        await ConnectAsync(Hello(2));
        await ConnectAsync(Hello(3), "cn-b");
        await ConnectAsync(Hello(4), "cn-b");
        VRouterHello[] hellos =
        [
            Hello(1, connection: 2), Hello(2, connection: 2) with { Address = IPAddress.Parse("172.27.116.99") }, Hello(3) with { Instance = "other" }, Hello(4, connection: 2), Hello(5),
        ];
        IReadOnlyCollection<VRouterHello> taken = [];
        var changes = await Site.ChangesOfAsync(async () => taken = await Store.ConnectKnownAsync(hellos, "cn-a", DateTimeOffset.UtcNow, Ct));
        Assert.Equal(["compute1", "compute4"], taken.Select(h => h.Name).Order());
        Assert.Equal(["Modified VirtualRouter compute1 status", "Modified VirtualRouter compute4 status"], changes.Order());
        Assert.Equal("cn-a", (await Site.RouterAsync("compute4")).ControlNode);
        Assert.Equal("cn-b", (await Site.RouterAsync("compute3")).ControlNode);
        Assert.Equal(AgentRefusalReason.Superseded, (await JudgeAsync(Hello(4, connection: 1), "cn-b"))?.Reason);
        Assert.Empty(await Store.ConnectKnownAsync([Hello(5), Hello(6)], "cn-a", DateTimeOffset.UtcNow, Ct));
    }

    [Fact]
    public async Task The_address_of_another_is_refused_and_so_are_too_many()
    {
        await ConnectAsync(Hello(1));
        var taken = Hello(2) with { Address = IPAddress.Parse("172.27.116.1") };
        Assert.Equal(AgentConnection.AddressTaken(taken.Address, "compute1"), await JudgeAsync(taken));
        Assert.Empty(await Site.ChangesOfAsync(async () => Assert.Equal(AgentConnection.AddressTaken(taken.Address, "compute1"), await Store.ConnectAsync(taken, "cn-b", Maximum, DateTimeOffset.UtcNow, Ct))));
        await ConnectAsync(Hello(2));
        Assert.Equal(AgentRefusalReason.AddressTaken, (await JudgeAsync(Hello(2, connection: 2) with { Address = taken.Address }))?.Reason);
        foreach (var number in Enumerable.Range(3, Maximum - 2)) await ConnectAsync(Hello(number));
        Assert.Equal(AgentConnection.TooMany("compute6", Maximum), await JudgeAsync(Hello(6)));
        Assert.Equal(AgentRefusalReason.AddressTaken, (await JudgeAsync(Hello(6) with { Address = taken.Address }))?.Reason);
        Assert.Null(await JudgeAsync(Hello(5, connection: 2)));
    }

    [Fact]
    public async Task The_name_of_an_agent_that_is_alive_elsewhere_is_refused()
    {
        await ConnectAsync(Hello(1, connection: 5));
        var twin = Hello(1) with { Instance = "other" };
        Assert.Equal(AgentRefusalReason.DuplicateAgent, (await JudgeAsync(twin, "cn-b"))?.Reason);
        Assert.Equal(AgentRefusalReason.DuplicateAgent, (await JudgeAsync(Hello(1, connection: 6) with { Source = IPAddress.Parse("172.27.117.1") }, "cn-b"))?.Reason);
        Assert.Equal(AgentRefusalReason.Superseded, (await JudgeAsync(Hello(1, connection: 4), "cn-b"))?.Reason);
        Assert.Null(await JudgeAsync(Hello(1, connection: 6), "cn-b"));
        Assert.Null(await JudgeAsync(twin)); // of two here the streams decide
        await PassAsync(4);
        Assert.NotNull(await JudgeAsync(twin, "cn-b"));
        await PassAsync(1);
        Assert.Null(await JudgeAsync(twin, "cn-b"));
    }

    [Fact]
    public async Task The_agent_of_a_control_node_that_is_gone_is_not_alive()
    {
        await ConnectAsync(Hello(1));
        var twin = Hello(1) with { Instance = "other" };
        await PassAsync(ControlNodeLiveness.GoneAfter.TotalSeconds - 1);
        await SaveAsync(Progress("compute1"));
        Assert.NotNull(await JudgeAsync(twin, "cn-b"));
        await PassAsync(2);
        await SaveAsync(Progress("compute1"));
        Assert.Null(await JudgeAsync(twin, "cn-b"));
    }

    [Fact]
    public async Task Progress_is_told_when_it_is_news_and_an_answer_ends_being_lost()
    {
        await ConnectAsync(Hello(1));
        var position = (await Site.ReadAsync()).Position;
        var first = Progress("compute1") with { Applied = position, AppliedRevision = 3 };
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(first)));
        var saved = await Site.RouterAsync("compute1");
        Assert.Equal((true, $"{position}"), (saved.Router.Lost, $"{saved.Applied}"));
        Assert.Empty(await Site.ChangesOfAsync(() => SaveAsync(first with { Applied = null, DesiredRevision = 9 })));
        Assert.Null((await Site.RouterAsync("compute1")).Applied);
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => Store.SaveAsync("cn-a", [first], ["compute1", "unknown"], Ct)));
        Assert.False((await Site.RouterAsync("compute1")).Router.Lost);
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(first with { Message = "so" })));
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(first with { Message = "so", Refused = "[]" })));
        Assert.Equal("[]", (await Site.RouterAsync("compute1")).Refused);
        Assert.Empty(await Site.ChangesOfAsync(() => Store.SaveAsync("cn-b", [first, Progress("unknown")], ["compute1"], Ct)));
    }

    [Fact]
    public async Task An_agent_that_is_overdue_is_away_since_it_was_last_in_time_and_back_when_it_has_answered()
    {
        var lease = await ServeAsync(1, 2, 3);
        var late = Progress("compute1") with { Overdue = true, Message = "late" };
        await PassAsync(8);
        await RenewAsync(lease, "compute2", "compute3");
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(late)));
        Assert.Empty(await Site.ChangesOfAsync(() => SaveAsync(late)));
        Assert.False((await Site.RouterAsync("compute1")).Connected);
        Assert.Empty(await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await PassAsync(3);
        await RenewAsync(lease, "compute2", "compute3");
        await SaveAsync(late);
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        await SaveAsync(late);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
        await Store.SaveAsync("cn-a", [Progress("compute1")], ["compute1"], Ct);
        var back = await Site.RouterAsync("compute1");
        Assert.Equal((true, false), (back.Connected, back.Router.Lost));
    }

    [Fact]
    public async Task A_new_connection_has_applied_nothing()
    {
        await ConnectAsync(Hello(1));
        await SaveAsync(Progress("compute1") with { Applied = (await Site.ReadAsync()).Position });
        await ConnectAsync(Hello(1, connection: 2));
        Assert.Null((await Site.RouterAsync("compute1")).Applied);
    }

    [Fact]
    public async Task A_control_node_disconnects_its_own_agents()
    {
        await ConnectAsync(Hello(1));
        await ConnectAsync(Hello(2));
        await ConnectAsync(Hello(3), "cn-b");
        Assert.Empty(await Site.ChangesOfAsync(() => Store.DisconnectAsync("cn-b", ["compute1"], Ct)));
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => Store.DisconnectAsync("cn-a", ["compute1", "compute3"], Ct)));
        Assert.Equal(["Modified VirtualRouter compute2 status"], await Site.ChangesOfAsync(() => Store.DisconnectAsync("cn-a", null, Ct)));
        Assert.Equal([false, false, true], (await Site.ReadAsync()).VirtualRouters.Items.OrderBy(r => r.Router.Name).Select(r => r.Connected));
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(Progress("compute1"))));
        Assert.True((await Site.RouterAsync("compute1")).Connected);
    }

    [Fact]
    public async Task Who_has_been_away_for_long_enough_is_lost()
    {
        var lease = await ServeAsync(1, 2, 3);
        await Store.DisconnectAsync("cn-a", ["compute1"], Ct);
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
    public async Task Agents_of_a_control_node_that_is_gone_become_disconnected()
    {
        var lease = await ServeAsync(1, 2);
        await ConnectAsync(Hello(3), "cn-b");
        await PassAsync(ControlNodeLiveness.GoneAfter.TotalSeconds + 1);
        await RenewAsync(lease, "compute1", "compute2");
        Assert.Equal(["Modified VirtualRouter compute3 status"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        Assert.False((await Site.RouterAsync("compute3")).Connected);
    }

    [Theory]
    [InlineData(0, 2)] // half of four
    [InlineData(3, 0)]
    [InlineData(2, 2)]
    public async Task Many_at_once_are_held_and_not_lost(int limit, int held)
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await Store.DisconnectAsync("cn-a", ["compute1", "compute2"], Ct);
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
        await Store.DisconnectAsync("cn-a", ["compute1", "compute2"], Ct);
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
        await Store.DisconnectAsync("cn-a", ["compute1"], Ct);
        await PassAsync(11);
        await RenewAsync(lease, "compute2", "compute3");
        await MarkLostAsync(lease, 0, 1, 2, 3);
        await Store.DisconnectAsync("cn-a", ["compute2"], Ct);
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
            await Site.ChangesOfAsync(() => Store.VanishAsync("cn-a", ["compute1", "compute2", "compute9"], Ct)));
        Assert.Empty(await Site.ChangesOfAsync(() => Store.VanishAsync("cn-a", ["compute1"], Ct))); // it is known
        Assert.Empty(await Site.ChangesOfAsync(() => Store.VanishAsync("cn-b", ["compute3"], Ct))); // its agent is elsewhere
        var gone = await Site.RouterAsync("compute1");
        Assert.Equal((false, true, false), (gone.Connected, gone.Vanished, gone.Router.Lost));

        // The agent of compute2 has found another control node, and that one has left it since.
        await PassAsync(0.1);
        await ConnectAsync(Hello(2, connection: 2));
        Assert.False((await Site.RouterAsync("compute2")).Vanished);
        await PassAsync(0.1);
        await Store.DisconnectAsync("cn-a", ["compute2"], Ct);
        Assert.Equal(["Modified VirtualRouter compute1"], await Site.ChangesOfAsync(() => MarkLostAsync(lease)));
        Assert.Equal((true, false), ((await Site.RouterAsync("compute1")).Router.Lost, (await Site.RouterAsync("compute2")).Router.Lost));
    }

    [Fact]
    public async Task Many_that_have_vanished_at_once_are_held()
    {
        var lease = await ServeAsync(1, 2, 3, 4);
        await PassAsync(0.5);
        await Store.VanishAsync("cn-a", ["compute1", "compute2"], Ct);
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
        await Store.VanishAsync("cn-a", ["compute1"], Ct);
        Assert.Equal(0, await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, carriers, Ct));
        Assert.False((await Site.RouterAsync("compute1")).Router.Lost); // others may have vanished with it
        await PassAsync(0.1);
        await Store.VanishAsync("cn-a", ["compute2"], Ct);
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
        await Store.VanishAsync("cn-a", ["compute1"], Ct);
        await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, ["compute1", "compute2", "compute3"], Ct);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
        await PassAsync(1);
        await Store.VanishAsync("cn-a", ["compute2"], Ct);
        Assert.Equal(0, await Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, ["compute2", "compute3"], Ct));
        Assert.True((await Site.RouterAsync("compute2")).Router.Lost);
    }

    [Fact]
    public async Task A_time_in_the_future_is_no_sign_of_life()
    {
        var lease = await ServeAsync(1, 2, 3);
        await Store.DisconnectAsync("cn-a", ["compute1"], Ct);
        await PassAsync(-3600);
        await RenewAsync(lease, "compute2", "compute3");
        await MarkLostAsync(lease);
        Assert.True((await Site.RouterAsync("compute1")).Router.Lost);
    }

    [Fact]
    public async Task An_agent_that_is_refused_is_news_once_and_forgotten_when_it_tries_no_longer()
    {
        await ConnectAsync(Hello(1));
        await ConnectAsync(Hello(2));
        var hello = Hello(2) with { Address = IPAddress.Parse("172.27.116.1"), Source = IPAddress.Parse("172.27.117.9") };
        var refusal = AgentConnection.AddressTaken(hello.Address, "compute1");
        string[] both = ["Modified VirtualRouter compute1 status", "Modified VirtualRouter compute2 status"];
        Assert.Equal(both, await Site.ChangesOfAsync(() => Store.SaveIntruderAsync(hello, refusal, DateTimeOffset.UtcNow, Ct)));
        await PassAsync(3);
        Assert.Empty(await Site.ChangesOfAsync(() => Store.SaveIntruderAsync(hello, refusal, DateTimeOffset.UtcNow, Ct)));
        Assert.Equal(both, await Site.ChangesOfAsync(() => Store.SaveIntruderAsync(hello with { Source = IPAddress.Parse("172.27.117.8") }, refusal, DateTimeOffset.UtcNow, Ct)));
        var twin = AgentConnection.Duplicate("compute1", IPAddress.Loopback, "cn-a");
        Assert.Equal(both[..1], await Site.ChangesOfAsync(() => Store.SaveIntruderAsync(Hello(1), twin, DateTimeOffset.UtcNow, Ct)));
        await PassAsync(AgentReportStore.IntruderStays.TotalSeconds - 1);
        Assert.Empty(await Site.ChangesOfAsync(() => Store.ForgetIntrudersAsync(Ct)));
        await PassAsync(2);
        Assert.Equal(both, await Site.ChangesOfAsync(() => Store.ForgetIntrudersAsync(Ct)));
        Assert.Empty(await Site.ChangesOfAsync(() => Store.ForgetIntrudersAsync(Ct)));
    }

    private static VRouterHello Hello(int number, long connection = 1) => new($"compute{number}", new IPAddress([172, 27, 116, (byte)number]), null, "1.0")
    {
        Instance = $"instance{number}",
        Source = new IPAddress([172, 27, 116, (byte)number]),
        Connection = connection,
    };

    private static VirtualRouterProgress Progress(string name) => new(name, TimeSpan.Zero, 0, 0, null, "1.0", null);

    private async Task ConnectAsync(VRouterHello hello, string controlNode = "cn-a") => Assert.Null(await Store.ConnectAsync(hello, controlNode, 100, DateTimeOffset.UtcNow, Ct));

    private Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode = "cn-a") => Store.JudgeAsync(hello, controlNode, Maximum, Ct);

    private Task SaveAsync(params VirtualRouterProgress[] progress) => Store.SaveAsync("cn-a", progress, [], Ct);

    /// <summary>Agents at this control node, which have answered.</summary>
    private async Task<LeaderLease> ServeAsync(params int[] numbers)
    {
        foreach (var number in numbers) await ConnectAsync(Hello(number));
        await Store.SaveAsync("cn-a", [.. numbers.Select(n => Progress($"compute{n}"))], [.. numbers.Select(n => $"compute{n}")], Ct);
        return await Site.LeadAsync();
    }

    /// <summary>The leader, its control node and these agents live on.</summary>
    private async Task RenewAsync(LeaderLease lease, params string[] alive)
    {
        Assert.NotNull(await Site.Get<ILeaderLeaseStore>().RenewAsync(lease, Ct));
        await Site.BeatAsync("cn-a");
        await SaveAsync([.. alive.Select(Progress)]);
    }

    private Task<int> MarkLostAsync(LeaderLease lease, int limit = 0, params int[] carriers) =>
        Store.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, new LossRule(LostAfter, TimeSpan.Zero, LostAfter, limit), [.. carriers.Select(n => $"compute{n}")], Ct);
}

public sealed class MemoryAgentReportTests() : AgentReportContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresAgentReportTests(PostgresStores site) : AgentReportContract(site);
