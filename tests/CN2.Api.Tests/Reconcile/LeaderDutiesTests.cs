using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What the leading replica begins in a round, and when. On fake time; vRouters are lost after 10 s, and those whose nodes are gone after 0.5 s.</summary>
public sealed class LeaderDutiesTests : IAsyncDisposable
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(10);
    private readonly RecordingLeaderTasks _tasks = new();
    private readonly LoopParts _parts;
    private readonly LeaderDuties _duties;
    private readonly HeldLease _lease;
    private bool _tellsStatuses = true;
    private bool _leads;

    public LeaderDutiesTests()
    {
        _parts = new LoopParts(replace: services => services.AddSingleton<ILeaderTasks>(_tasks).AddSingleton(new VRouterOptions { LostAfterSeconds = 0.5 }));
        _duties = _parts.Get<LeaderDuties>();
        _lease = _parts.Get<HeldLease>();
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void A_replica_that_does_not_lead_begins_nothing_and_keeps_no_statuses()
    {
        PutDeleted(1);
        PutPending(2);
        _parts.State.Statuses.Add(Sample.Uid(4001));
        Assert.Empty(Round(seconds: 60));
        Assert.True(_parts.State.Statuses.IsEmpty);
    }

    [Fact]
    public void A_replica_begins_when_it_leads_and_stops_when_it_no_longer_leads()
    {
        Lead();
        Lose();
        PutDeleted(1);
        Assert.Empty(Round(seconds: 60));
        Lead();
        Assert.Equal([Sample.Service(1).Uid], Assert.Single(Round().OfType<DeletionBatch>()).Services);
    }

    [Fact]
    public void A_deletion_is_tried_again_only_after_the_last_try_has_ended()
    {
        Lead();
        PutDeleted(1);
        var batch = Assert.IsType<DeletionBatch>(Assert.Single(Round()));
        Assert.Empty(Round());
        Handle(new LeaderEvent.DeletionsTried(batch));
        Assert.Equal(batch.Services, Assert.IsType<DeletionBatch>(Assert.Single(Round())).Services);
    }

    [Fact]
    public void Pending_services_are_served_one_batch_at_a_time()
    {
        Lead();
        PutPending(1);
        Assert.Equal([Sample.Service(1).Uid], Assert.IsType<PendingBatch>(Assert.Single(Round())).Services);
        _parts.Get<PendingServices>().SomethingMayFit();
        Assert.Empty(Round());
        Handle(new LeaderEvent.PendingServicesTried());
        Assert.IsType<PendingBatch>(Assert.Single(Round()));
    }

    [Fact]
    public void Lost_vRouters_are_marked_only_when_agents_had_the_time_to_dial_the_new_leader()
    {
        Lead();
        Assert.Empty(Round(LostAfter.TotalSeconds));
        Assert.Equal([LostAfter], Round(seconds: 0.001));
    }

    [Fact]
    public void Lost_vRouters_are_marked_once_a_second_by_one_task_at_a_time()
    {
        Lead();
        Assert.Equal([LostAfter], Round(seconds: 11));
        Assert.Empty(Round(seconds: 60)); // the first task has not ended
        Handle(new LeaderEvent.LostMarked());
        Assert.Equal([LostAfter], Round());
        Handle(new LeaderEvent.LostMarked());
        Assert.Empty(Round(seconds: 0.999));
        Assert.Equal([LostAfter], Round(seconds: 0.001));
    }

    [Fact]
    public void A_node_that_has_vanished_is_marked_at_once_and_not_before_the_other_task_has_ended()
    {
        Lead();
        Assert.Equal([LostAfter], Round(seconds: 11));
        PutVanished("compute1");
        Assert.Empty(Round());
        Handle(new LeaderEvent.LostMarked());
        Assert.Equal([LostAfter], Round());
        Handle(new LeaderEvent.LostMarked());
        Assert.Empty(Round());
        PutVanished("compute1", lost: true); // nothing is left to be done
        Assert.Empty(Round());
        Lose();
        PutVanished("compute1");
        Assert.Empty(Round());
    }

    [Fact]
    public void Where_there_are_several_control_nodes_each_node_that_vanishes_is_marked_a_moment_later()
    {
        _parts.TakeOthers(any: true);
        Lead();
        Assert.Equal([LostAfter], Round(seconds: 11));
        Handle(new LeaderEvent.LostMarked());
        PutVanished("compute1");
        var next = new NextTick();
        _duties.Do(_parts.Now, next, tellsStatuses: true);
        Assert.Equal(_parts.Now + TimeSpan.FromSeconds(0.25), next.At); // half of 0.5 s
        Assert.Empty(Round());
        Assert.Empty(Round(seconds: 0.1));
        PutVanished("compute2");
        Assert.Empty(Round());
        Assert.Equal([LostAfter], Round(seconds: 0.15)); // half of 0.5 s after the first
        Handle(new LeaderEvent.LostMarked());
        Assert.Empty(Round(seconds: 0.05));
        Assert.Equal([LostAfter], Round(seconds: 0.05));
        Handle(new LeaderEvent.LostMarked());
        Assert.Empty(Round());
    }

    [Fact]
    public void Endpoints_are_released_once_a_second_by_one_task_at_a_time()
    {
        Round(seconds: 60);
        Assert.Equal(0, _tasks.Released);
        Lead();
        Round();
        Round(seconds: 60);
        Assert.Equal(1, _tasks.Released); // the first task has not ended
        Handle(new LeaderEvent.EndpointsReleased());
        Round();
        Handle(new LeaderEvent.EndpointsReleased());
        Round(seconds: 0.999);
        Assert.Equal(2, _tasks.Released);
        Round(seconds: 0.001);
        Assert.Equal(3, _tasks.Released);
    }

    [Fact]
    public void A_replica_that_was_in_contact_all_the_time_marks_lost_vRouters_as_soon_as_it_leads_again()
    {
        Lead();
        Assert.Equal([LostAfter], Round(seconds: 11));
        Handle(new LeaderEvent.LostMarked());
        Lose();
        Assert.Empty(Round(seconds: 60));
        Lead();
        Assert.Equal([LostAfter], Round());
    }

    [Fact]
    public void After_a_time_without_the_database_agents_have_the_time_to_report_again()
    {
        Lead();
        Assert.Equal([LostAfter], Round(seconds: 11));
        Handle(new LeaderEvent.LostMarked());
        _parts.Time.Advance(TimeSpan.FromSeconds(60)); // nothing was heard from the database
        Lead();
        Assert.Empty(Round(LostAfter.TotalSeconds));
        Assert.Equal([LostAfter], Round(seconds: 0.001));
    }

    [Fact]
    public void A_leader_that_did_not_renew_its_lease_begins_nothing()
    {
        Lead();
        PutDeleted(1);
        _parts.Time.Advance(HeldLease.Validity);
        _duties.Do(_parts.Now, new NextTick(), _tellsStatuses);
        Assert.Empty(_tasks.TakeBegun());
    }

    [Fact]
    public void A_new_leader_drafts_the_statuses_of_all_owners()
    {
        _parts.State.Sequencer.Set(Sample.Uid(4001), Compiled.With(Sample.Uid(4001)), _parts.Now);
        _parts.State.Resources.Put(Sample.FloatingIP(7));
        _parts.State.Resources.Put(Sample.FloatingIP(8, service: 1)); // drafted with its Service
        Lead();
        var next = new NextTick();
        Assert.Empty(_parts.State.Statuses.Take(_parts.Now, next, _parts.State.Ledger.Unsent.Contains));
        _parts.Time.Advance(StatusQueue.SettleTime);
        Assert.Equal([Sample.Uid(7), Sample.Uid(4001)], _parts.State.Statuses.Take(_parts.Now, next, _parts.State.Ledger.Unsent.Contains).Order());
    }

    [Fact]
    public void The_next_statuses_are_drafted_when_the_last_ones_are_written()
    {
        Lead();
        PutFloatingIP(1);
        Assert.True(IsDraftedInRound());
        PutFloatingIP(2);
        Assert.False(IsDraftedInRound());
        Handle(new LeaderEvent.StatusesWritten());
        Assert.True(IsDraftedInRound());
    }

    [Fact]
    public void No_status_is_drafted_before_the_start_is_over()
    {
        _tellsStatuses = false;
        Lead();
        PutFloatingIP(1);
        Assert.False(IsDraftedInRound());
        _tellsStatuses = true;
        Assert.True(IsDraftedInRound());
    }

    private bool IsDraftedInRound()
    {
        Round();
        Round(StatusQueue.SettleTime.TotalSeconds);
        return _parts.State.Statuses.IsEmpty;
    }

    private void Lead()
    {
        _leads = true;
        Hear();
        Handle(new LeaderEvent.LeadershipChanged(true));
    }

    private void Lose()
    {
        _leads = false;
        _lease.Clear();
        Handle(new LeaderEvent.LeadershipChanged(false));
    }

    /// <summary>The database answers, and renews the lease of the leader.</summary>
    private void Hear()
    {
        var asked = _parts.Time.GetTimestamp();
        if (_leads) _lease.Set(new LeaderLease(Sample.Uid(1), 1), asked);
        _lease.Answered(asked, _parts.Time.GetUtcNow());
    }

    private void Handle(LeaderEvent leaderEvent) => _duties.Handle(leaderEvent);

    /// <summary>A round after this time; what it began.</summary>
    private List<object> Round(double seconds = 0)
    {
        for (var left = seconds; left > 0; left -= 1)
        {
            _parts.Time.Advance(TimeSpan.FromSeconds(Math.Min(left, 1)));
            Hear();
        }

        _duties.Do(_parts.Now, new NextTick(), _tellsStatuses);
        return _tasks.TakeBegun();
    }

    private void PutVanished(string name, bool lost = false) => _parts.Get<ResourceChanges>().Put(Sample.Router(name, lost) with { Connected = false, Vanished = true });

    private void PutDeleted(int n) => _parts.Get<Deletions>().Put(Sample.Service(n) with { Deleting = true });

    private void PutPending(int n) => _parts.Get<PendingServices>().Put(Sample.Service(n) with { PendingReason = "AddressesExhausted" });

    private void PutFloatingIP(int n)
    {
        _parts.State.Resources.Put(Sample.FloatingIP(n));
        _parts.State.Statuses.Add(Sample.Uid(n));
    }
}
