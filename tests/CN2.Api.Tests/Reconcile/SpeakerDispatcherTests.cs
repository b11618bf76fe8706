using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What the loop posts to the speaker's worker, and what it makes of the answers.</summary>
public sealed class SpeakerDispatcherTests : IAsyncDisposable
{
    private readonly LoopParts _parts = new();
    private readonly SpeakerDispatcher _dispatcher;
    private readonly StartupGate _gate;

    public SpeakerDispatcherTests()
    {
        _dispatcher = _parts.Get<SpeakerDispatcher>();
        _gate = _parts.Get<StartupGate>();
        var resources = _parts.State.Resources;
        resources.Put(Sample.Network);
        resources.Put(Sample.Router("compute1").Router);
        resources.Put(Sample.FloatingIP(1));
        _parts.State.Ledger.Open("compute1");
        _parts.State.Sequencer.Set(Sample.Uid(1), Compiled.With(Sample.Uid(1), Sample.Route(1)), _parts.Now);
        _dispatcher.SetPeers(new([], []));
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Nothing_is_sent_before_the_speaker_has_answered()
    {
        Compiled.Acknowledge(_parts, "compute1");
        _dispatcher.Send();
        Assert.Empty(_parts.TakeJobs());
    }

    [Fact]
    public void Found_paths_that_are_wanted_stay_without_an_acknowledgement_and_all_others_go()
    {
        Start(Sample.Route(1), Sample.Route(9));
        Assert.Equal(StartupPhase.RemovingPaths, _gate.State.Phase);
        _dispatcher.Send();
        var jobs = _parts.TakeJobs();
        Assert.IsType<SpeakerJob.SetImports>(jobs[0]);
        Assert.IsType<SpeakerJob.SetFence>(jobs[1]); // the engine decides about a route when it sends it
        var all = Assert.IsType<SpeakerJob.ReplaceAll>(jobs[2]);
        Assert.Equal([Sample.Route(1)], all.Announce);
        Assert.IsType<SpeakerJob.SetPeers>(jobs[3]);
    }

    [Fact]
    public void Peers_that_are_held_follow_when_every_agent_has_answered()
    {
        _gate.AnnouncedBefore();
        Start();
        _dispatcher.Send();
        Assert.DoesNotContain(_parts.TakeJobs(), j => j is SpeakerJob.SetPeers);
        _parts.State.Ledger.Open("compute2").Lost = true;
        Compiled.Acknowledge(_parts, "compute1");
        _dispatcher.Send();
        Assert.Contains(_parts.TakeJobs(), j => j is SpeakerJob.SetPeers);
    }

    [Fact]
    public void A_refused_route_keeps_its_reason_until_the_speaker_takes_it()
    {
        Compiled.Acknowledge(_parts, "compute1");
        Answer(refused: [new RefusedRoute(Sample.Route(1), "No.")]);
        Assert.Equal("No.", _parts.State.Refused.ReasonOf(Sample.Route(1)));
        Assert.Empty(_parts.State.Sequencer.RoutesOf(Sample.Uid(1)).Confirmed);
        Answer(announced: [Sample.Route(1)]);
        Assert.Null(_parts.State.Refused.ReasonOf(Sample.Route(1)));
        Assert.Single(_parts.State.Sequencer.RoutesOf(Sample.Uid(1)).Confirmed);
    }

    [Fact]
    public void A_withdrawn_floating_IP_is_released_when_the_vRouters_have_dropped_its_entries()
    {
        Start(Sample.Route(1));
        Compiled.Acknowledge(_parts, "compute1");
        Answer(announced: [Sample.Route(1)]);
        _parts.State.Sequencer.Set(Sample.Uid(1), null, _parts.Now);
        Answer(withdrawn: [.. _parts.State.Sequencer.TakeRoutes().Withdraw]);
        Assert.False(Released());

        _parts.Time.Advance(TimeSpan.FromSeconds(1));
        _parts.State.Sequencer.Tick(_parts.Now, othersReadAt: _parts.Now);
        _parts.Get<VRouterDispatcher>().Flush();
        Assert.False(Released()); // the vRouter has not acknowledged the removal
        Compiled.Acknowledge(_parts, "compute1");
        Assert.True(Released());
        Assert.False(Released());
    }

    [Fact]
    public void A_job_follows_each_replica_that_appears_or_disappears()
    {
        _dispatcher.Handle(View(hasOthers: false));
        Assert.Empty(_parts.TakeJobs());
        _dispatcher.Handle(View(hasOthers: true, introduce: true));
        Assert.Equal(new SpeakerJob.FollowReplicas(true, true, false), Assert.Single(_parts.TakeJobs()));
        _dispatcher.Handle(View(hasOthers: true));
        Assert.Empty(_parts.TakeJobs());
        _dispatcher.Handle(View(hasOthers: true, introduce: true, rowsLost: true));
        Assert.Equal(new SpeakerJob.FollowReplicas(true, true, true), Assert.Single(_parts.TakeJobs()));
        _dispatcher.Handle(View(hasOthers: false));
        Assert.Equal(new SpeakerJob.FollowReplicas(false, false, false), Assert.Single(_parts.TakeJobs()));
    }

    private static ReplicaView View(bool hasOthers, bool introduce = false, bool rowsLost = false) =>
        new(hasOthers, introduce, rowsLost, new Dictionary<string, IReadOnlyList<CN2.Api.Drivers.BgpSession>>());

    private void Start(params CN2.Network.Compilation.FloatingIPRoute[] found) => _dispatcher.Handle(new SpeakerEvent.Started([.. found.Select(SpeakerWorker.ToPath)]));

    private void Answer(
        CN2.Network.Compilation.FloatingIPRoute[]? announced = null, CN2.Network.Compilation.FloatingIPRoute[]? withdrawn = null, RefusedRoute[]? refused = null) =>
        _dispatcher.Handle(new SpeakerEvent.RoutesDone(announced ?? [], withdrawn ?? [], refused ?? [], IsFirstSet: false));

    private bool Released()
    {
        _dispatcher.Release();
        return _parts.TakeJobs().OfType<SpeakerJob.Release>().Any(r => r.FloatingIPs.Contains(Sample.Uid(1)));
    }
}
