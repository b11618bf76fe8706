using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A vRouter keeps the entries behind a route that another control node announces through it, and no others.</summary>
public sealed class OthersRoutesTests : IAsyncDisposable
{
    private static readonly Guid Owner = Sample.Uid(4001);
    private readonly LoopParts _parts = new();
    private readonly VRouterDispatcher _dispatcher;

    public OthersRoutesTests() => _dispatcher = _parts.Get<VRouterDispatcher>();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Entries_of_a_withdrawn_route_go_while_others_announce_the_FloatingIP_through_another_vRouter()
    {
        var (first, second) = (Sample.Route(1), Sample.Route(1, "compute2"));
        foreach (var router in (string[])["compute1", "compute2"]) _parts.Get<ResourceChanges>().Put(Sample.Router(router));
        _parts.State.Sequencer.Set(Owner, Compiled.With(Owner, first, second), _parts.Now);
        foreach (var router in (string[])["compute1", "compute2"]) Compiled.Acknowledge(_parts, router);
        Assert.Equal(2, _parts.State.Sequencer.AnnouncedRoutes.Count());
        _parts.State.Sequencer.Announced([first, second], _parts.Now);
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", [first.Path, second.Path]);

        _parts.State.Sequencer.Set(Owner, Compiled.With(Owner, second), _parts.Now);
        _parts.State.Sequencer.Withdrawn([first], _parts.Now);
        Pass();
        Assert.True(Carries("compute1"));
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", [second.Path]);
        Pass();
        Assert.False(Carries("compute1"));
    }

    /// <summary>Another control node keeps its last route until the next one is confirmed. This one has started since, and does not know what that route needs.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_vRouter_keeps_what_it_has_while_another_control_node_announces_through_it_what_is_not_known_here(bool isWithdrawn)
    {
        AskForTheNextRoute();
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", [Sample.Route(1).Path]);
        foreach (var router in (string[])["compute1", "compute2"]) _dispatcher.Connected(router);
        _dispatcher.Flush();
        Assert.Equal("compute2", Assert.Single(_parts.Publisher.Configs).Name);
        _dispatcher.Hold(Sample.Uid(2), Sample.AddressOf(2));
        _dispatcher.Flush();
        Assert.Equal("compute2", Assert.Single(_parts.Publisher.Deltas).Name);

        // For as long as a control node keeps its last route, and its routers need to follow.
        if (isWithdrawn) _parts.State.Others.Set(Sample.Uid(1), "cn-b", [Sample.Route(1, "compute2").Path]);
        else _parts.Time.Advance(_parts.Get<UnknownEntries>().DueAt!.Value - _parts.Now - TimeSpan.FromTicks(1));
        _dispatcher.Flush();
        if (!isWithdrawn)
        {
            Assert.Single(_parts.Publisher.Configs);
            _parts.Time.Advance(TimeSpan.FromTicks(1));
            _dispatcher.Flush();
        }

        var (name, _, config) = Assert.Single(_parts.Publisher.Configs, c => c.Name == "compute1");
        Assert.Equal([Sample.AddressOf(2)], config.FloatingIPs);
        Assert.False(Assert.Single(config.NatEntries).Carries);
        Assert.Null(_parts.Get<UnknownEntries>().DueAt);
    }

    [Fact]
    public void The_time_begins_anew_when_the_agent_connects_anew()
    {
        AskForTheNextRoute();
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", [Sample.Route(1).Path]);
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        _dispatcher.Disconnected("compute1");
        _dispatcher.Flush();
        Assert.Null(_parts.Get<UnknownEntries>().DueAt);
        _parts.Time.Advance(UnknownEntries.Patience);
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        Assert.Equal(_parts.Now + UnknownEntries.Patience, _parts.Get<UnknownEntries>().DueAt);
        Assert.Empty(_parts.Publisher.Configs);
    }

    [Theory]
    [InlineData("the same route")] // asked for here too
    [InlineData("held")] // known here, and held
    [InlineData("another vRouter")]
    [InlineData("dead")] // its engine may announce it for ever
    public void A_vRouter_waits_for_nothing_else(string announced)
    {
        if (announced == "the same route") Put(Compiled.With(Owner, Sample.Route(1)));
        else AskForTheNextRoute();
        if (announced == "dead") _parts.TakeOthers(any: false);
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", [(announced == "another vRouter" ? Sample.Route(1, "compute3") : Sample.Route(1)).Path]);
        if (announced == "held")
        {
            Put(Compiled.With(Owner, Sample.Route(1)));
            AskForTheNextRoute();
        }

        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        Assert.Equal("compute1", Assert.Single(_parts.Publisher.Configs).Name);
        Assert.Equal(announced is "the same route" or "held", Carries("compute1"));
    }

    /// <summary>Another control node may have read on, and have given the agent more than is known here.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void While_there_are_other_control_nodes_a_vRouter_waits_for_a_reading_that_began_after_it_had_come(bool isRead)
    {
        _parts.State.FeedReadAt = _parts.Now;
        _parts.Time.Advance(TimeSpan.FromMilliseconds(1));
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        Assert.Equal("compute1", Assert.Single(_parts.Publisher.Configs).Name); // nobody else is there
        Assert.Null(_parts.State.AwaitedReadingAt);

        _parts.TakeOthers(any: true);
        var came = _parts.Now;
        _dispatcher.Connected("compute2");
        _dispatcher.Flush();
        Assert.Single(_parts.Publisher.Configs);
        Assert.Equal(came, _parts.State.AwaitedReadingAt);
        _parts.Time.Advance(TimeSpan.FromMilliseconds(1));
        if (isRead) _parts.State.FeedReadAt = _parts.Now;
        else _parts.Time.Advance(UnknownEntries.Patience);
        _dispatcher.Flush();
        Assert.Equal(["compute1", "compute2"], _parts.Publisher.Configs.Select(c => c.Name));
        Assert.Null(_parts.State.AwaitedReadingAt);
    }

    /// <summary>The last endpoint has moved to compute2.</summary>
    private void AskForTheNextRoute() => Put(Compiled.With(Owner, Sample.Route(1, "compute2")));

    private void Put(CompiledOwner compiled)
    {
        var resources = _parts.Get<ResourceChanges>();
        foreach (var router in (string[])["compute1", "compute2", "compute3"]) resources.Put(Sample.Router(router));
        resources.Put(Sample.FloatingIP(1, service: 1));
        _parts.State.Sequencer.Set(Owner, compiled, _parts.Now);
    }

    private void Pass()
    {
        _parts.Time.Advance(RouteSequencer.EntryHold);
        _parts.State.Sequencer.Tick(_parts.Now, othersReadAt: _parts.Now);
    }

    private bool Carries(string router) => _parts.State.Sequencer.OwnEntriesOf(router).Entries.Any(e => e.Carries);
}
