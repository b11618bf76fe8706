using System.Net;
using CN2.Api.Data;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>Who leads, and who opens a new session with a router.</summary>
public abstract class LeaseContract(StoreSite site) : StoreContract(site)
{
    private static readonly Guid RunA = new(1, 0, 0, new byte[8]);
    private static readonly Guid RunB = new(2, 0, 0, new byte[8]);
    private static readonly double Duration = LeaderLeaseStore.Duration.TotalSeconds;

    private ILeaderLeaseStore A => Site.Get<ILeaderLeaseStore>("cn-a");

    private ILeaderLeaseStore B => Site.Get<ILeaderLeaseStore>("cn-b");

    [Fact]
    public async Task A_lease_is_free_when_it_is_over_and_its_fence_rises()
    {
        Assert.Null((await A.ReadAsync(Ct)).State);
        var first = (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value;
        Assert.Equal((first.Lease.Fence, first.Now), ((await B.ReadAsync(Ct)).State!.Value.Fence, (await B.ReadAsync(Ct)).State!.Value.RenewedAt));
        await PassAsync(Duration - 1);
        Assert.Null(await B.TakeAsync(RunB, null, isStart: true, Ct));
        await PassAsync(2);
        var second = (await B.TakeAsync(RunB, null, isStart: false, Ct))!.Value.Lease;
        Assert.Equal(new LeaderLease(RunB, first.Lease.Fence + 1), second);
        Assert.Null(await A.RenewAsync(first.Lease, Ct));
    }

    [Fact]
    public async Task A_lease_that_was_renewed_lasts_on_and_one_that_is_over_is_renewed_while_nobody_took_it()
    {
        var lease = (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value.Lease;
        await PassAsync(Duration - 1);
        Assert.NotNull(await A.RenewAsync(lease, Ct));
        await PassAsync(Duration - 1);
        Assert.Null(await B.TakeAsync(RunB, null, isStart: false, Ct));
        await PassAsync(Duration);
        Assert.NotNull(await A.RenewAsync(lease, Ct));
        Assert.Null(await B.TakeAsync(RunB, null, isStart: false, Ct));
    }

    [Fact]
    public async Task A_lease_that_was_given_back_is_free_and_nobody_else_can_give_it_back()
    {
        var lease = (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value.Lease;
        await B.ReleaseAsync(lease with { Run = RunB }, Ct);
        await A.ReleaseAsync(lease with { Fence = lease.Fence - 1 }, Ct);
        Assert.Null(await B.TakeAsync(RunB, null, isStart: false, Ct));
        await A.ReleaseAsync(lease, Ct);
        Assert.NotNull(await B.TakeAsync(RunB, null, isStart: false, Ct));
    }

    [Fact]
    public async Task A_lease_that_was_watched_and_not_renewed_is_free()
    {
        var lease = (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value.Lease;
        var watched = (await B.ReadAsync(Ct)).State;
        await PassAsync(1);
        await A.RenewAsync(lease, Ct);
        Assert.Null(await B.TakeAsync(RunB, watched, isStart: false, Ct));
        Assert.NotNull(await B.TakeAsync(RunB, (await B.ReadAsync(Ct)).State, isStart: false, Ct));
    }

    [Fact]
    public async Task A_process_takes_over_what_an_earlier_one_of_its_control_node_held_and_its_own_lease_whose_grant_was_lost()
    {
        var lease = (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value.Lease;
        Assert.Equal(lease.Fence + 1, (await A.TakeAsync(RunA, null, isStart: false, Ct))!.Value.Lease.Fence);
        Assert.Null(await A.TakeAsync(RunB, null, isStart: false, Ct));
        Assert.Equal(lease.Fence + 2, (await A.TakeAsync(RunB, null, isStart: true, Ct))!.Value.Lease.Fence);
    }

    [Fact]
    public async Task A_lease_of_the_future_is_free()
    {
        await A.TakeAsync(RunA, null, isStart: false, Ct);
        await PassAsync(-3600);
        Assert.NotNull(await B.TakeAsync(RunB, null, isStart: false, Ct));
    }

    [Fact]
    public async Task A_turn_is_one_control_nodes_until_it_gives_it_back_or_it_runs_out()
    {
        var (a, b, router) = (Site.Get<ISessionTurnStore>("cn-a"), Site.Get<ISessionTurnStore>("cn-b"), "172.27.115.201");
        Assert.True(await a.TakeAsync(router, Ct));
        Assert.True(await a.TakeAsync(router, Ct));
        Assert.False(await b.TakeAsync(router, Ct));
        Assert.True(await b.TakeAsync("172.27.115.202", Ct));
        await b.GiveBackAsync(router, Ct);
        Assert.False(await b.TakeAsync(router, Ct));
        await a.GiveBackAsync(router, Ct);
        Assert.True(await b.TakeAsync(router, Ct));
        await PassAsync(SessionTurnStore.Duration.TotalSeconds - 1);
        Assert.False(await a.TakeAsync(router, Ct));
        await PassAsync(2);
        Assert.True(await a.TakeAsync(router, Ct));
        await PassAsync(-3600);
        Assert.True(await b.TakeAsync(router, Ct));
    }

    [Fact]
    public async Task No_turn_is_given_while_another_control_node_that_is_alive_has_no_session_with_the_router()
    {
        var (b, router, name) = (Site.Get<ISessionTurnStore>("cn-b"), "172.27.114.9", Unique("frr"));
        await Site.CreatePeerAsync(name, IPAddress.Parse(router));
        Assert.True(await b.TakeAsync(router, Ct));
        await Site.BeatAsync("cn-a", sessions: $$$"""{"{{{name}}}": {"state": "Active"}}""");
        Assert.False(await b.TakeAsync(router, Ct));
        Assert.True(await b.TakeAsync("172.27.114.10", Ct));
        await Site.BeatAsync("cn-a", sessions: $$$"""{"{{{name}}}": {"state": "Established"}}""");
        Assert.True(await b.TakeAsync(router, Ct));
        await Site.BeatAsync("cn-a", sessions: $$$"""{"{{{name}}}": {"state": "Idle"}}""");
        Assert.False(await b.TakeAsync(router, Ct));
        await PassAsync(ControlNodeLiveness.GoneAfter.TotalSeconds + 1);
        Assert.True(await b.TakeAsync(router, Ct));
    }

    [Fact]
    public async Task What_is_owed_is_replaced_for_one_control_node()
    {
        var (a, b) = (Site.Get<ISessionTurnStore>("cn-a"), Site.Get<ISessionTurnStore>("cn-b"));
        await a.OweAsync(["172.27.115.201", "172.27.115.202"], coversLostRows: true, Ct);
        await b.OweAsync(["172.27.115.201"], coversLostRows: true, Ct);
        await a.OweAsync(["172.27.115.202", "172.27.115.203"], coversLostRows: true, Ct);
        Assert.Equal(["172.27.115.202", "172.27.115.203"], (await a.OwedAsync(Ct)).Routers.Order());
        await a.OweAsync([], coversLostRows: true, Ct);
        Assert.Empty((await a.OwedAsync(Ct)).Routers);
        Assert.Equal(["172.27.115.201"], (await b.OwedAsync(Ct)).Routers);
    }

    [Fact]
    public async Task Who_enters_as_a_new_one_after_a_fail_over_hears_that_its_rows_may_be_lost()
    {
        var (b, c) = (Site.Get<ISessionTurnStore>("cn-b"), Site.Get<ISessionTurnStore>("cn-c"));
        await Site.FailOverAsync();
        await Site.BeatAsync("cn-b");
        Assert.True((await b.OwedAsync(Ct)).RowsLost);
        await Site.NoticeFailOverAsync();
        await b.OweAsync([], coversLostRows: true, Ct);
        await Site.BeatAsync("cn-b");
        await Site.BeatAsync("cn-c");
        Assert.Equal((false, true), ((await b.OwedAsync(Ct)).RowsLost, (await c.OwedAsync(Ct)).RowsLost));
    }

    [Fact]
    public async Task Who_was_there_before_a_fail_over_hears_once_that_rows_may_be_lost()
    {
        await Site.BeatAsync("cn-a");
        var (a, b) = (Site.Get<ISessionTurnStore>("cn-a"), Site.Get<ISessionTurnStore>("cn-b"));
        await a.OweAsync([], coversLostRows: true, Ct); // there may have been one before this test
        Assert.False((await a.OwedAsync(Ct)).RowsLost);
        await Site.FailOverAsync();
        Assert.True((await a.OwedAsync(Ct)).RowsLost);
        Assert.False((await b.OwedAsync(Ct)).RowsLost);
        await Site.NoticeFailOverAsync();
        await Site.BeatAsync("cn-a");
        await a.OweAsync(["172.27.115.201"], coversLostRows: false, Ct);
        Assert.True((await a.OwedAsync(Ct)).RowsLost);
        await a.OweAsync([], coversLostRows: true, Ct);
        Assert.False((await a.OwedAsync(Ct)).RowsLost);
    }
}

public sealed class MemoryLeaseTests() : LeaseContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresLeaseTests(PostgresStores site) : LeaseContract(site);
