using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>How waiting jobs are merged, and what becomes of those that failed.</summary>
public sealed class SpeakerJobQueueTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SpeakerJobQueue _queue;

    public SpeakerJobQueueTests() => _queue = new SpeakerJobQueue(_time);

    [Fact]
    public void Jobs_are_taken_in_the_order_of_their_kinds_whatever_the_order_of_arrival()
    {
        _queue.Post(new SpeakerJob.SaveRows());
        _queue.Post(new SpeakerJob.Release([Sample.Uid(1)]));
        _queue.Post(new SpeakerJob.SetPeers([]));
        _queue.Post(Announce(1));
        _queue.Post(new SpeakerJob.SetImports([]));
        _queue.Post(new SpeakerJob.FollowReplicas(true, true, false));
        Assert.Equal(
            [typeof(SpeakerJob.FollowReplicas), typeof(SpeakerJob.SetImports), typeof(SpeakerJob.ChangeRoutes), typeof(SpeakerJob.SetPeers), typeof(SpeakerJob.Release), typeof(SpeakerJob.SaveRows)],
            _queue.TakeAll().Select(j => j.GetType()));
        Assert.Empty(_queue.TakeAll());
    }

    [Fact]
    public void Of_each_route_the_last_change_counts()
    {
        _queue.Post(Announce(1, 2));
        _queue.Post(Withdraw(1));
        _queue.Post(Withdraw(3));
        _queue.Post(Announce(3));
        Assert.Equal("announce 2 3, withdraw 1", Text(Assert.Single(_queue.TakeAll())));
    }

    [Fact]
    public void Changes_after_the_first_set_become_part_of_it()
    {
        _queue.Post(new SpeakerJob.ReplaceAll([Sample.Route(1), Sample.Route(2)], [Sample.Route(9)]));
        _queue.Post(Withdraw(1));
        _queue.Post(Announce(3));
        Assert.Equal("all 2 3, withdraw 1 9", Text(Assert.Single(_queue.TakeAll())));
    }

    [Fact]
    public void A_job_that_is_put_back_is_older_than_what_was_posted_since()
    {
        _queue.Post(Announce(1, 2));
        _queue.Post(new SpeakerJob.SetPeers([Peer("old")]));
        var taken = _queue.TakeAll();
        _queue.Post(Withdraw(1));
        _queue.Post(new SpeakerJob.SetPeers([Peer("new")]));
        foreach (var job in taken) _queue.PutBack(job);
        var jobs = _queue.TakeAll();
        Assert.Equal("announce 2, withdraw 1", Text(jobs[0]));
        Assert.Equal("new", Assert.Single(Assert.IsType<SpeakerJob.SetPeers>(jobs[1]).Peers).Name);
    }

    [Fact]
    public void News_of_other_replicas_is_combined_until_it_is_carried_out()
    {
        _queue.Post(new SpeakerJob.FollowReplicas(HasOthers: true, Introduce: true, RewriteRows: false));
        _queue.Post(new SpeakerJob.FollowReplicas(HasOthers: false, Introduce: false, RewriteRows: true));
        Assert.Equal(new SpeakerJob.FollowReplicas(HasOthers: false, Introduce: true, RewriteRows: true), Assert.Single(_queue.TakeAll()));
    }

    [Fact]
    public void A_failed_job_is_due_after_the_retry_interval_and_merges_into_no_other()
    {
        _queue.Fail(Announce(1));
        _queue.Post(Announce(2));
        Assert.Empty(_queue.TakeFailed());
        Assert.Equal("announce 2", Text(Assert.Single(_queue.TakeAll())));
        _time.Advance(SpeakerJobQueue.RetryInterval);
        Assert.Equal("announce 1", Text(Assert.Single(_queue.TakeFailed())));
        Assert.Empty(_queue.TakeFailed());
    }

    [Fact]
    public void A_newer_job_replaces_a_failed_one()
    {
        _queue.Post(Withdraw(4));
        _queue.Fail(new SpeakerJob.ChangeRoutes([Sample.Route(1), Sample.Route(2), Sample.Route(4)], []));
        _queue.Fail(new SpeakerJob.SetPeers([]));
        _queue.Fail(new SpeakerJob.SetImports([]));
        _queue.Post(Withdraw(1));
        _queue.Post(new SpeakerJob.SetPeers([]));
        _time.Advance(SpeakerJobQueue.RetryInterval);
        var failed = _queue.TakeFailed();
        Assert.Equal(2, failed.Count);
        Assert.Equal("announce 2", Text(failed[0]));
        Assert.IsType<SpeakerJob.SetImports>(failed[1]);
    }

    [Fact]
    public void A_first_set_that_failed_keeps_up_with_later_changes()
    {
        _queue.Fail(new SpeakerJob.ReplaceAll([Sample.Route(1), Sample.Route(2)], []));
        _queue.Post(Announce(3));
        _queue.Post(Withdraw(1));
        _time.Advance(SpeakerJobQueue.RetryInterval);
        Assert.Equal("all 2 3, withdraw 1", Text(Assert.Single(_queue.TakeFailed())));
    }

    private static CN2.Api.Drivers.BgpPeer Peer(string name) => Drivers.GoBgp.Spec.Peer(name, 245);

    private static SpeakerJob.ChangeRoutes Announce(params int[] floatingIPs) => new([.. floatingIPs.Select(f => Sample.Route(f))], []);

    private static SpeakerJob.ChangeRoutes Withdraw(params int[] floatingIPs) => new([], [.. floatingIPs.Select(f => Sample.Route(f))]);

    private static string Text(SpeakerJob job)
    {
        var (what, announce, withdraw) = job switch
        {
            SpeakerJob.ReplaceAll all => ("all", all.Announce, all.Withdraw),
            SpeakerJob.ChangeRoutes change => ("announce", change.Announce, change.Withdraw),
            _ => throw new ArgumentException(job.ToString(), nameof(job)),
        };
        string Numbers(IEnumerable<FloatingIPRoute> routes) => string.Join(' ', routes.Select(r => r.Address.GetAddressBytes()[3]).Order());
        return withdraw.Count == 0 ? $"{what} {Numbers(announce)}" : $"{what} {Numbers(announce)}, withdraw {Numbers(withdraw)}";
    }
}
