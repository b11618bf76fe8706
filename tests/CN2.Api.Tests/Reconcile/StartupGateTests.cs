using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Network.Sequencing;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The time in the start of a control node.</summary>
public sealed class StartupGateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LoopClock _clock;
    private readonly StartupGate _gate;

    public StartupGateTests()
    {
        _clock = new LoopClock(_time);
        _gate = new StartupGate(_clock, new VRouterOptions { LostAfterSeconds = 10 });
    }

    [Fact]
    public void VRouters_are_served_without_a_speaker_after_its_patience()
    {
        Tick(StartupGate.SpeakerPatience);
        Assert.False(_gate.State.ServesAgents);
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.Equal(StartupPhase.ServingWithoutSpeaker, _gate.State.Phase);
        _gate.SpeakerAnswered(found: 3, adopted: 1);
        Assert.Equal(StartupPhase.Open, _gate.State.Phase);
    }

    [Fact]
    public void Entries_behind_unwanted_paths_stay_for_EntryHold_also_when_the_patience_is_over()
    {
        _gate.SpeakerAnswered(found: 3, adopted: 2);
        Tick(StartupGate.SpeakerPatience - TimeSpan.FromMilliseconds(1));
        _gate.FirstSetTaken(_clock.Now);
        var next = Tick(RouteSequencer.EntryHold - TimeSpan.FromMilliseconds(1));
        Assert.False(_gate.State.ServesAgents);
        Assert.Equal(_clock.Now + TimeSpan.FromMilliseconds(1), next.At);
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.True(_gate.State.ServesAgents);
    }

    [Fact]
    public void Without_unwanted_paths_vRouters_are_served_with_the_first_set()
    {
        _gate.SpeakerAnswered(found: 2, adopted: 2);
        Assert.False(_gate.State.ServesAgents);
        _gate.FirstSetTaken(_clock.Now);
        Assert.True(_gate.State.ServesAgents);
        Assert.Null(Tick(TimeSpan.Zero).At);
    }

    [Fact]
    public void Peers_of_an_empty_speaker_wait_for_LostAfter_when_the_control_node_announced_before()
    {
        _gate.AnnouncedBefore();
        _gate.SpeakerAnswered(found: 0, adopted: 0);
        _gate.FirstSetTaken(_clock.Now);
        Tick(TimeSpan.FromSeconds(10));
        Assert.False(_gate.State.ServesPeers);
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.True(_gate.State.ServesPeers);
    }

    [Theory]
    [InlineData(false, 0, true)] // a new control node
    [InlineData(true, 0, false)] // the engine lost its table
    [InlineData(true, 5, true)] // the engine kept its table
    public void Peers_are_held_only_when_the_speaker_lost_what_was_announced(bool announcedBefore, int found, bool served)
    {
        if (announcedBefore) _gate.AnnouncedBefore();
        _gate.SpeakerAnswered(found, found);
        Assert.Equal(served, _gate.State.ServesPeers);
        _gate.AgentsAnswered();
        Assert.True(_gate.State.ServesPeers);
    }

    private NextTick Tick(TimeSpan after)
    {
        _time.Advance(after);
        var next = new NextTick();
        _gate.Tick(_clock.Now, next);
        return next;
    }
}
