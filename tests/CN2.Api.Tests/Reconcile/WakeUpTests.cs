using CN2.Api.Reconcile;
using CN2.Network.Sequencing;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A step of a round that has something to do later says when: nothing else may wake the loop until then.</summary>
public sealed class WakeUpTests : IAsyncDisposable
{
    private static readonly CommonPace Pace = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), 2, SharedFrom: 500);
    private static readonly Guid Owner = Sample.Uid(4001);
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton(Pace).AddSingleton<ILeaderTasks>(new RecordingLeaderTasks()));
    private readonly NextTick _next = new();

    public WakeUpTests()
    {
        foreach (var router in (string[])["compute1", "compute2", "compute3", "compute4"]) Compiled.Acknowledge(_parts, router);
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Changes_for_all_vRouters_are_sent_when_it_is_their_turn()
    {
        var gate = _parts.Get<StartupGate>();
        gate.SpeakerAnswered(found: 0, adopted: 0);
        gate.FirstSetTaken(_parts.Now);
        Set(1, "compute2");
        _parts.Get<Outbox>().Send(_parts.Now, new NextTick()); // the pace begins with it
        _parts.Publisher.Deltas.Clear();
        Set(2, "compute2", owner: Sample.Uid(4002));
        _parts.Get<Outbox>().Send(_parts.Now, _next);
        Assert.Equal("compute2", Assert.Single(_parts.Publisher.Deltas).Name);
        Assert.Equal(_parts.Now + Pace.Longest, _next.At);
    }

    [Fact]
    public void Entries_that_are_held_are_removed_when_the_time_is_over()
    {
        var route = Sample.Route(1, "compute2");
        Set(1, "compute2");
        Compiled.Acknowledge(_parts, "compute2");
        var sequencer = _parts.State.Sequencer;
        sequencer.TakeRoutes();
        sequencer.Announced([route], _parts.Now);
        sequencer.Set(Owner, null, _parts.Now);
        sequencer.TakeRoutes();
        sequencer.Withdrawn([route], _parts.Now);
        _parts.Get<LoopDecisions>().Compile(_parts.Now, _next, isMidPage: false);
        Assert.Equal(_parts.Now + RouteSequencer.EntryHold, _next.At);
    }

    [Fact]
    public void Statuses_that_tell_how_many_vRouters_have_acknowledged_are_drafted_when_it_is_their_turn()
    {
        Set(1, "compute2");
        _parts.Get<VRouterDispatcher>().Flush();
        Acknowledge("compute1");
        _parts.Get<LoopDecisions>().Lead(_parts.Now, new NextTick());
        Acknowledge("compute3");
        _parts.Get<LoopDecisions>().Lead(_parts.Now, _next);
        Assert.Equal(_parts.Now + AwaitedSendings.PartInterval, _next.At);
    }

    private void Set(int address, string router, Guid? owner = null) =>
        _parts.State.Sequencer.Set(owner ?? Owner, Compiled.With(owner ?? Owner, Sample.Route(address, router)), _parts.Now);

    private void Acknowledge(string router)
    {
        var account = _parts.State.Ledger.Open(router);
        account.Applied(account.LastRevision);
    }
}
