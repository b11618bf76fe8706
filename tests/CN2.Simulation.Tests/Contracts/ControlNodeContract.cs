using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>Which control nodes there are, and what is forgotten of one that is gone.</summary>
public abstract class ControlNodeContract(StoreSite site) : StoreContract(site)
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private const int RestartTime = 5;
    private static readonly double Gone = ControlNodeLiveness.GoneAfter.TotalSeconds;

    private IControlNodeStore Store => Site.Get<IControlNodeStore>();

    private IAnnouncementStore Rows => Site.Get<IAnnouncementStore>();

    [Fact]
    public async Task A_beat_says_whether_rows_must_be_read_and_whether_others_are_alive()
    {
        Assert.Equal((false, true), await Site.BeatAsync("cn-a"));
        Assert.Equal((false, true), await Site.BeatAsync("cn-a")); // the answer may have been lost
        await Rows.LoadAsync("cn-a", Ct);
        Assert.Equal((false, false), await Site.BeatAsync("cn-a"));
        Assert.Equal((true, true), await Site.BeatAsync("cn-b"));
        await PassAsync(Gone - 1);
        Assert.Equal((true, false), await Site.BeatAsync("cn-a"));
        await PassAsync(2);
        Assert.Equal((false, false), await Site.BeatAsync("cn-a"));
    }

    [Fact]
    public async Task Sessions_stay_until_others_are_written_and_say_who_is_alive()
    {
        await Site.BeatAsync("cn-a");
        Assert.Equal("{}", await SessionsAsync("cn-a", isAlive: true));
        await Site.BeatAsync("cn-a", sessions: """{"frr":{"state":"Established"}}""");
        await Site.BeatAsync("cn-a");
        Assert.Equal("""{"frr":{"state":"Established"}}""", await SessionsAsync("cn-a", isAlive: true));
        await PassAsync(Gone + 1);
        Assert.Equal("""{"frr":{"state":"Established"}}""", await SessionsAsync("cn-a", isAlive: false));
    }

    [Fact]
    public async Task Each_beat_says_whether_agents_are_taken()
    {
        foreach (var takesAgents in (bool[])[false, true, false])
        {
            await Store.BeatAsync(new ControlNodeBeat("cn-a", RestartTime, TakesAgents: takesAgents), null, [], Ct);
            Assert.Equal(takesAgents, (await Store.SessionsAsync(Ct)).Single(n => n.ControlNode == "cn-a").TakesAgents);
        }
    }

    [Fact]
    public async Task Routers_whose_sessions_changed_have_a_change_row_if_they_exist()
    {
        var name = Unique("frr");
        await Site.CreatePeerAsync(name, IPAddress.Parse("172.27.114.1"));
        Assert.Equal([$"Modified BgpRouter {name} status"], await Site.ChangesOfAsync(() => Site.BeatAsync("cn-a", sessions: "{}", changed: [name, "unknown"])));
        Assert.Empty(await Site.ChangesOfAsync(() => Site.BeatAsync("cn-a", sessions: "{}")));
    }

    [Fact]
    public async Task What_a_bound_engine_announced_is_forgotten_with_its_control_node()
    {
        var (lease, floatingIP) = await ArrangeAsync(engineBound: true, new RouteKey(IPAddress.Parse("172.27.116.1"), 0));
        await PassAsync(Gone + RestartTime + 1);
        lease = await RenewedAsync(lease);
        Assert.Equal([$"Modified Announcements cn-b {floatingIP} status"], await Site.ChangesOfAsync(() => Store.ForgetGoneAsync(lease, Long, Ct)));
        Assert.Empty(await Rows.LoadAsync("cn-b", Ct));
        Assert.True((await Site.BeatAsync("cn-b")).Unknown);
    }

    [Fact]
    public async Task An_engine_that_may_live_keeps_its_rows_with_paths()
    {
        var (lease, floatingIP) = await ArrangeAsync(engineBound: false, new RouteKey(IPAddress.Parse("172.27.116.1"), 0));
        var empty = (await Site.FloatingIPOfAsync(await Site.CreateServiceAsync(Unique("s")))).Uid;
        await SaveAsync(empty);
        await PassAsync(Gone + RestartTime + 1);
        lease = await RenewedAsync(lease);
        Assert.Equal([$"Modified Announcements cn-b {empty} status"], await Site.ChangesOfAsync(() => Store.ForgetGoneAsync(lease, Long, Ct)));
        Assert.Equal(floatingIP, Assert.Single(await Rows.LoadAsync("cn-b", Ct)).FloatingIP);
        Assert.False((await Site.BeatAsync("cn-b")).Unknown);
    }

    [Fact]
    public async Task A_control_node_that_announces_nothing_is_shown_for_a_day()
    {
        var (lease, _) = await ArrangeAsync(engineBound: false);
        await PassAsync(Gone + 1);
        lease = await RenewedAsync(lease);
        var position = (await Site.ReadAsync()).Position;
        await Site.Get<IAgentReportStore>("cn-b").ShareAsync(new AgentsApplied("cn-b", position, []), Ct);
        await Store.ForgetGoneAsync(lease, Long, Ct);
        Assert.Contains(await Store.SessionsAsync(Ct), n => n.ControlNode == "cn-b");
        Assert.Single(await AppliedAsync(position.Epoch));
        await PassAsync(TimeSpan.FromDays(1).TotalSeconds);
        lease = await RenewedAsync(lease);
        await Store.ForgetGoneAsync(lease, Long, Ct);
        Assert.DoesNotContain(await Store.SessionsAsync(Ct), n => n.ControlNode == "cn-b");
        Assert.Empty(await AppliedAsync(position.Epoch));
    }

    private async Task<IReadOnlyList<AgentsApplied>> AppliedAsync(Guid epoch)
    {
        await using var reading = await Site.Get<IStateReader>().OpenAsync(Ct);
        return await Site.Get<IStateReader>().AgentsAppliedAsync(reading, epoch, Ct);
    }

    [Theory]
    [InlineData(5, 12, 10, false)] // the leader was in contact for too short a time
    [InlineData(5, 10, 3600, false)] // its engine may have ended 6 s after it was seen last
    [InlineData(5, 12, 12, true)]
    [InlineData(60, 65, 3600, false)]
    [InlineData(60, 67, 65, false)]
    [InlineData(60, 67, 67, true)]
    [InlineData(60, -67, 67, true)] // the clock was set back
    [InlineData(60, -65, 67, false)]
    public async Task Gone_is_who_had_the_time_to_beat_and_did_not(int restartTime, int away, int inContact, bool isGone)
    {
        var (lease, _) = await ArrangeAsync(engineBound: true, restartTime: restartTime);
        await PassAsync(away);
        lease = await RenewedAsync(lease);
        await Store.ForgetGoneAsync(lease with { Run = Guid.NewGuid() }, TimeSpan.FromSeconds(inContact), Ct);
        Assert.Contains(await Store.SessionsAsync(Ct), n => n.ControlNode == "cn-b");
        await Store.ForgetGoneAsync(lease, TimeSpan.FromSeconds(inContact), Ct);
        Assert.Equal(isGone, (await Store.SessionsAsync(Ct)).All(n => n.ControlNode != "cn-b"));
    }

    [Fact]
    public async Task The_oldest_transaction_that_is_open_is_named()
    {
        Assert.Null(await Store.OldestTransactionAsync(Ct));
        await using (await Site.OpenTransactionAsync()) Assert.NotNull(await Store.OldestTransactionAsync(Ct));
    }

    private Task<(LeaderLease Lease, Guid FloatingIP)> ArrangeAsync(bool engineBound, params RouteKey[] paths) => ArrangeAsync(engineBound, RestartTime, paths);

    private async Task<(LeaderLease Lease, Guid FloatingIP)> ArrangeAsync(bool engineBound, int restartTime, params RouteKey[] paths)
    {
        await Site.BeatAsync("cn-b", restartTime, engineBound);
        var floatingIP = Guid.Empty;
        if (paths.Length > 0) await SaveAsync(floatingIP = (await Site.FloatingIPOfAsync(await Site.CreateServiceAsync(Unique("s")))).Uid, paths);
        return (await Site.LeadAsync(), floatingIP);
    }

    private async Task<LeaderLease> RenewedAsync(LeaderLease lease)
    {
        Assert.NotNull(await Site.Get<ILeaderLeaseStore>().RenewAsync(lease, Ct));
        return lease;
    }

    private Task<HashSet<Guid>> SaveAsync(Guid floatingIP, params RouteKey[] paths) =>
        Rows.SaveAsync("cn-b", new Dictionary<Guid, IReadOnlyCollection<RouteKey>?> { [floatingIP] = paths }, (_, _) => 1, tellOthers: false, Ct);

    private async Task<string> SessionsAsync(string controlNode, bool isAlive)
    {
        var found = (await Store.SessionsAsync(Ct)).Single(s => s.ControlNode == controlNode);
        Assert.Equal(isAlive, found.IsAlive);
        return JsonNode.Parse(found.Sessions)!.ToJsonString();
    }
}

public sealed class MemoryControlNodeTests() : ControlNodeContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresControlNodeTests(PostgresStores site) : ControlNodeContract(site);
