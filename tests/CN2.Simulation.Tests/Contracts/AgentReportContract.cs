using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>Which agents may connect, and how far they are.</summary>
public abstract class AgentReportContract(StoreSite site) : AgentStoreContract(site)
{
    private const int Maximum = 5;

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
    public async Task Of_many_new_ones_at_once_those_are_taken_whose_addresses_are_nobodys()
    {
        await ConnectAsync(Hello(1));
        VRouterHello[] hellos = [Hello(4), Hello(2) with { Address = IPAddress.Parse("172.27.116.1") }, Hello(1, connection: 2), Hello(3), Hello(5), Hello(6), Hello(7)];
        IReadOnlyCollection<VRouterHello> taken = [];
        var changes = await Site.ChangesOfAsync(async () => taken = await Store.ConnectNewAsync(hellos, "cn-a", Maximum, DateTimeOffset.UtcNow, Ct));
        Assert.Equal(["compute3", "compute4", "compute5", "compute6"], taken.Select(h => h.Name).Order());
        Assert.Equal(taken.Select(h => $"Added VirtualRouter {h.Name}").Order(), changes.Order());
        var made = await Site.RouterAsync("compute4");
        Assert.Equal((true, "cn-a", true, IPAddress.Parse("172.27.116.4")), (made.Connected, made.ControlNode, made.Router.Lost, made.Router.Address));
        Assert.Empty(await Site.ChangesOfAsync(async () => Assert.Empty(await Store.ConnectNewAsync([Hello(7), Hello(3, connection: 2)], "cn-a", Maximum, DateTimeOffset.UtcNow, Ct))));
    }

    [Fact]
    public async Task Of_new_ones_with_one_address_not_more_than_one_is_taken()
    {
        var address6 = IPAddress.Parse("fd00::1");
        VRouterHello[] hellos = [Hello(1) with { Address6 = address6 }, Hello(2) with { Address6 = address6 }, Hello(3), Hello(4) with { Address = Hello(5).Address }, Hello(5)];
        var taken = await Store.ConnectNewAsync(hellos, "cn-a", Maximum, DateTimeOffset.UtcNow, Ct);
        Assert.Contains("compute3", taken.Select(h => h.Name));
        Assert.InRange(taken.Count(h => h.Address6 is not null), 0, 1);
        foreach (var hello in hellos.Except(taken)) await Store.ConnectAsync(hello, "cn-a", Maximum, DateTimeOffset.UtcNow, Ct);
        Assert.Equal(AgentRefusalReason.AddressTaken, (await JudgeAsync(Hello(6) with { Address6 = address6 }))?.Reason);
        var routers = (await Site.ReadAsync()).VirtualRouters.Items;
        Assert.Single(routers, r => address6.Equals(r.Router.Address6));
        Assert.Single(routers, r => Hello(5).Address.Equals(r.Router.Address));
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
    public async Task An_agent_that_is_heard_is_alive_for_as_long_as_its_control_node_says_that_it_is()
    {
        await ConnectAsync(Hello(1));
        var twin = Hello(1) with { Instance = "other" };
        await PassAsync(4);
        Assert.NotNull(await JudgeAsync(twin, "cn-b"));
        await PassAsync(1);
        Assert.Null(await JudgeAsync(twin, "cn-b"));
        await Site.BeatAsync("cn-a");
        Assert.NotNull(await JudgeAsync(twin, "cn-b"));
        await SaveAsync(Progress("compute1") with { Silence = TimeSpan.FromSeconds(5) });
        Assert.Null(await JudgeAsync(twin, "cn-b"));
        await SaveAsync(Progress("compute1"));
        Assert.NotNull(await JudgeAsync(twin, "cn-b"));

        // It was last heard in the future: the clock was set back since.
        await SaveAsync(Progress("compute1") with { Silence = TimeSpan.FromSeconds(5) });
        await PassAsync(-3600);
        await Site.BeatAsync("cn-a");
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
    public async Task A_new_connection_has_applied_nothing()
    {
        await ConnectAsync(Hello(1));
        await SaveAsync(Progress("compute1") with { Applied = (await Site.ReadAsync()).Position });
        await ConnectAsync(Hello(1, connection: 2));
        Assert.Null((await Site.RouterAsync("compute1")).Applied);
    }

    [Fact]
    public async Task What_all_agents_of_a_control_node_have_applied_is_one_row_and_no_change()
    {
        var position = (await Site.ReadAsync()).Position;
        Assert.Empty(await AppliedAsync(position.Epoch));
        Assert.Empty(await Site.ChangesOfAsync(() => Store.ShareAsync(new AgentsApplied("cn-a", position, ["compute1", "compute2"]), Ct)));
        await Store.ShareAsync(new AgentsApplied("cn-b", position, []), Ct);
        Assert.Equal([$"cn-a {position} compute1 compute2", $"cn-b {position} "], await AppliedAsync(position.Epoch));
        var later = (await Site.ReadAsync()).Position;
        await Store.ShareAsync(new AgentsApplied("cn-a", later, []), Ct);
        Assert.Equal([$"cn-a {later} ", $"cn-b {position} "], await AppliedAsync(position.Epoch));
        Assert.Empty(await AppliedAsync(Guid.NewGuid()));
    }

    [Fact]
    public async Task A_process_that_was_replaced_says_nothing_more_of_all_agents()
    {
        var position = (await Site.ReadAsync()).Position;
        var (stopped, next) = (Site.Get<IAgentReportStore>("cn-a"), Site.Get<IAgentReportStore>("cn-b"));
        await stopped.EnterAsync("cn-a", Ct);
        await stopped.ShareAsync(new AgentsApplied("cn-a", position, []), Ct);
        Assert.Equal([$"cn-a {position} "], await AppliedAsync(position.Epoch));
        await next.EnterAsync("cn-a", Ct);
        Assert.Empty(await AppliedAsync(position.Epoch));
        await stopped.ShareAsync(new AgentsApplied("cn-a", position, []), Ct);
        Assert.Empty(await AppliedAsync(position.Epoch));
        await next.ShareAsync(new AgentsApplied("cn-a", position, ["compute1"]), Ct);
        Assert.Equal([$"cn-a {position} compute1"], await AppliedAsync(position.Epoch));
    }

    private async Task<IEnumerable<string>> AppliedAsync(Guid epoch)
    {
        await using var reading = await Site.Get<IStateReader>().OpenAsync(Ct);
        var all = await Site.Get<IStateReader>().AgentsAppliedAsync(reading, epoch, Ct);
        return all.Select(a => $"{a.ControlNode} {a.Position} {string.Join(' ', a.Behind.Order())}").Order();
    }

    [Fact]
    public async Task A_control_node_disconnects_its_own_agents()
    {
        await ConnectAsync(Hello(1));
        await ConnectAsync(Hello(2));
        await ConnectAsync(Hello(3), "cn-b");
        Assert.Empty(await Site.ChangesOfAsync(() => DisconnectAsync("cn-b", "compute1")));
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => DisconnectAsync("cn-a", "compute1", "compute3")));
        Assert.Equal(["Modified VirtualRouter compute2 status"], await Site.ChangesOfAsync(() => Store.DisconnectAsync("cn-a", null, Ct)));
        Assert.Equal([false, false, true], (await Site.ReadAsync()).VirtualRouters.Items.OrderBy(r => r.Router.Name).Select(r => r.Connected));
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => SaveAsync(Progress("compute1"))));
        Assert.True((await Site.RouterAsync("compute1")).Connected);
    }

    [Fact]
    public async Task A_report_about_an_agent_whose_stream_must_have_ended_does_not_connect_it()
    {
        await ServeAsync(1);
        await DisconnectAsync("cn-a", "compute1");
        Assert.Empty(await Site.ChangesOfAsync(() => SaveAsync(Progress("compute1") with { Silence = TimeSpan.FromSeconds(6) })));
        Assert.False((await Site.RouterAsync("compute1")).Connected);
        await SaveAsync(Progress("compute1") with { Silence = TimeSpan.FromSeconds(3) });
        Assert.True((await Site.RouterAsync("compute1")).Connected);
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

    [Fact]
    public async Task An_agent_that_was_refused_in_the_future_is_forgotten_unless_it_tries_again()
    {
        await ConnectAsync(Hello(1));
        var refusal = AgentConnection.Duplicate("compute1", IPAddress.Loopback, "cn-a");
        await Store.SaveIntruderAsync(Hello(1), refusal, DateTimeOffset.UtcNow, Ct);
        await PassAsync(-3600);
        await Store.SaveIntruderAsync(Hello(1), refusal, DateTimeOffset.UtcNow, Ct);
        Assert.Empty(await Site.ChangesOfAsync(() => Store.ForgetIntrudersAsync(Ct)));
        await PassAsync(-3600);
        Assert.Equal(["Modified VirtualRouter compute1 status"], await Site.ChangesOfAsync(() => Store.ForgetIntrudersAsync(Ct)));
    }

    private Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode = "cn-a") => Store.JudgeAsync(hello, controlNode, Maximum, Ct);
}

public sealed class MemoryAgentReportTests() : AgentReportContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresAgentReportTests(PostgresStores site) : AgentReportContract(site);
