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
        _gate = new StartupGate(new VRouterOptions { LostAfterSeconds = 10 });
        Tick(TimeSpan.FromMinutes(1)); // so long everything was read
    }

    [Fact]
    public void Neither_speaker_nor_agents_have_taken_too_long_while_everything_was_read()
    {
        _gate.AnnouncedBefore();
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.Equal(new StartupState(StartupPhase.AwaitingSpeaker, PeersHeld: true), _gate.State);
    }

    [Fact]
    public void Statuses_wait_for_the_speaker_and_for_each_vRouter_that_counts()
    {
        var ledger = new VirtualRouterLedger((_, _) => false);
        var (here, lost, elsewhere) = (ledger.Open("compute1"), ledger.Open("compute2"), ledger.Open("compute3"));
        (lost.Lost, elsewhere.ConnectedElsewhere) = (true, true);
        here.Connected();
        here.SentWhole(1);
        elsewhere.AppliedElsewhere(1);
        here.Applied(1);
        Assert.False(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        _gate.SpeakerAnswered(found: 3, adopted: 3);
        Assert.False(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        _gate.FirstSetTaken(_clock.Now);
        here.Connected();
        Assert.False(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        here.SentWhole(2);
        here.Applied(2);
        Assert.True(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        here.Connected(); // later it is no start any more
        Assert.True(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
    }

    [Fact]
    public void Statuses_wait_longer_for_agents_that_are_here_and_have_not_answered()
    {
        var ledger = new VirtualRouterLedger((_, _) => false);
        var here = ledger.Open("compute1");
        here.Connected();
        Tick(TimeSpan.FromSeconds(10)); // LostAfter
        Assert.False(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.True(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
    }

    [Fact]
    public void Statuses_wait_no_longer_than_their_patience()
    {
        var ledger = new VirtualRouterLedger((_, _) => false);
        ledger.Open("compute1");
        _gate.SpeakerAnswered(found: 0, adopted: 0);
        _gate.FirstSetTaken(_clock.Now);
        Tick(StartupGate.StatusPatience);
        Assert.False(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
        Tick(TimeSpan.FromMilliseconds(1));
        Assert.True(_gate.TellsStatuses(_clock.Now, ledger.Accounts));
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
