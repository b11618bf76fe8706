using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>From a message of an agent to what the loop knows: <see cref="AgentInbox"/>, <see cref="AgentEventHandler"/>, <see cref="AgentProgress"/>.</summary>
public sealed class AgentEventsTests : IAsyncDisposable
{
    private static readonly VRouterHello Hello = new("compute1", IPAddress.Parse("172.27.115.242"), null, "1.0");
    private readonly LoopParts _parts = new();
    private readonly IVRouterListener _inbox;

    public AgentEventsTests()
    {
        _parts.Get<AgentInbox>().Listen();
        _inbox = _parts.Publisher.Listener!;
    }

    private VirtualRouterLedger.Account Account => _parts.State.Ledger.Open("compute1");

    private static NatEntryKey Key => new(IPFamily.IPv4, Sample.AddressOf(1), TransportProtocol.TCP, 80);

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Every_message_becomes_an_event_in_the_order_of_arrival()
    {
        _inbox.Connected(Hello);
        _inbox.Applied("compute1", 7, null, [new VRouterRefusal(new VirtualRouterItem.NatEntry(Key), "no")]);
        _inbox.Health("compute1", [(Sample.Uid(1), EndpointHealth.Healthy, null)]);
        _inbox.Noticed("compute1", "ip_forward is 0");
        _inbox.Seen("compute1", 3);
        Assert.Collection(
            _parts.TakeEvents(),
            e => Assert.Same(Hello, Assert.IsType<AgentEvent.Connected>(e).Hello),
            e => Assert.Equal("no", Assert.Single(Assert.IsType<AgentEvent.Applied>(e).Refused).Reason),
            e => Assert.Single(Assert.IsType<AgentEvent.Health>(e).Endpoints),
            e => Assert.Equal("ip_forward is 0", Assert.IsType<AgentEvent.Noticed>(e).Message),
            e => Assert.Equal(3, Assert.IsType<AgentEvent.Seen>(e).Repairs));
        _inbox.Disconnected("compute1");
        Assert.IsType<AgentEvent.Disconnected>(Assert.Single(_parts.TakeEvents()));
    }

    [Fact]
    public void An_agent_that_connects_waits_for_its_whole_configuration_and_forgets_its_earlier_error()
    {
        Account.Error = "no memory";
        Handle(new AgentEvent.Connected(Hello));
        Assert.True(Account is { ConnectedHere: true, Answered: false, Recorded: false, Error: null, AgentVersion: "1.0" });
        _parts.Get<VRouterDispatcher>().Flush();
        Assert.Equal("compute1", Assert.Single(_parts.Publisher.Configs).Name);
        Handle(new AgentEvent.Disconnected("compute1"));
        Assert.Null(_parts.State.Ledger.Find("compute1")); // there is no such VirtualRouter
    }

    [Fact]
    public void Only_the_hello_that_counts_is_recorded()
    {
        Handle(new AgentEvent.Connected(Hello));
        Handle(new AgentEvent.Recorded(Hello with { }));
        Assert.False(Account.Recorded);
        Handle(new AgentEvent.Recorded(Hello));
        Assert.True(Account.Recorded);
    }

    [Fact]
    public void A_revision_with_a_refused_item_counts_for_everybody_else()
    {
        Connect();
        Handle(new AgentEvent.Applied("compute1", Account.LastRevision, null, [new VRouterRefusal(new VirtualRouterItem.NatEntry(Key), "no")]));
        Assert.True(Account.Answered);
        Assert.False(Account.IsBehind);
        Assert.True(_parts.State.Ledger.IsRefused("compute1", Key));
        Assert.False(_parts.State.Ledger.IsRefused("compute1", Key with { Port = 81 }));
        Handle(new AgentEvent.Applied("compute1", Account.LastRevision, null, []));
        Assert.False(_parts.State.Ledger.RefusesAny("compute1"));
    }

    [Fact]
    public void Other_refusals_are_read_in_the_statuses_of_those_that_they_concern_and_of_no_other()
    {
        for (var n = 1; n <= 200; n++)
        {
            _parts.State.Resources.Put(Sample.Service(n));
            _parts.State.Resources.Put(Sample.FloatingIP(n, service: n));
        }

        _parts.State.Resources.Put(Sample.FloatingIP(201)); // no Service has it
        _parts.State.Resources.Put(Sample.Router("compute1").Router);
        _parts.State.Resources.Put(Sample.Network);
        for (var n = 1; n <= 4; n++) _parts.State.Resources.Put(Sample.Endpoint(n, "compute1"));
        _parts.Compile();
        Connect();
        Refuse(OfService(1, "no"), OfService(2, "no"), OfAddress(150));
        _parts.State.Statuses.Clear();

        Refuse(OfService(1, "no"), OfService(2, "not now"), OfService(3, "no"), OfAddress(201));
        Assert.Equal([Sample.Uid(201), Sample.Uid(4002), Sample.Uid(4003), Sample.Uid(4150)], Due().Order());

        _parts.State.Statuses.Clear();
        Handle(new AgentEvent.Inspected("compute1", [new VRouterNodeFault("NotForwarding", "ip_forward is 0", Suspicion: false)]));
        Assert.Equal([Sample.Uid(4001), Sample.Uid(4002), Sample.Uid(4003), Sample.Uid(4004)], Due().Order());

        void Refuse(params VRouterRefusal[] refused) => Handle(new AgentEvent.Applied("compute1", Account.LastRevision, null, refused));
        static VRouterRefusal OfService(int n, string reason) => new(new VirtualRouterItem.NatEntry(Key with { Address = Sample.AddressOf(n) }), reason);
        static VRouterRefusal OfAddress(int n) => new(new VirtualRouterItem.FloatingIP(Sample.AddressOf(n)), "no");
        IReadOnlyList<Guid> Due()
        {
            _parts.State.Statuses.Take(_parts.Now, new NextTick(), _ => false); // it begins to settle
            _parts.Time.Advance(2 * StatusQueue.SettleTime);
            return _parts.State.Statuses.Take(_parts.Now, new NextTick(), _ => false);
        }
    }

    [Fact]
    public void A_revision_that_is_refused_as_a_whole_counts_for_nobody()
    {
        Connect();
        Handle(new AgentEvent.Applied("compute1", Account.LastRevision, "no memory", []));
        Assert.False(Account.Answered);
        Assert.Equal("no memory", Account.Error);
    }

    [Fact]
    public void The_database_is_told_again_only_of_a_connection_that_it_knew()
    {
        Connect();
        Handle(new AgentEvent.Recorded(Hello));
        var changes = _parts.Get<ResourceChanges>();
        changes.Put(Sample.Router("compute1"));
        Assert.True(Account.Recorded);
        changes.Put(Sample.Router("compute1") with { ControlNode = "cn-b" });
        Assert.False(Account.Recorded); // a hello is on its way
        changes.Put(Sample.Router("compute1") with { ControlNode = "cn-b" });
        Handle(new AgentEvent.Recorded(Hello));
        changes.RemoveVirtualRouter(Sample.Router("compute1").Router.Uid);
        Assert.False(Account.Recorded);
        Assert.True(Account.ConnectedHere);
    }

    [Fact]
    public void Refused_items_of_an_agent_elsewhere_come_from_its_row()
    {
        var document = RefusedItems.Of([new VRouterRefusal(new VirtualRouterItem.NatEntry(Key), "no")]).Document;
        _parts.Get<ResourceChanges>().Put(Sample.Router("compute1") with { ControlNode = "cn-b", Refused = document });
        Assert.True(_parts.State.Ledger.IsRefused("compute1", Key));
        _parts.Get<ResourceChanges>().Put(Sample.Router("compute1") with { ControlNode = "cn-b" });
        Assert.False(_parts.State.Ledger.IsRefused("compute1", Key));
    }

    [Fact]
    public void Refused_items_are_read_as_they_were_written()
    {
        VRouterRefusal[] refusals =
        [
            new(new VirtualRouterItem.NatEntry(Key), "a"),
            new(new VirtualRouterItem.NatEntry(new NatEntryKey(IPFamily.IPv6, null, TransportProtocol.SCTP, 30000)), "b"),
            new(new VirtualRouterItem.NatEntry(new NatEntryKey(IPFamily.IPv6, IPAddress.Parse("fd00::1"), null, 0, 7)), "c"),
            new(new VirtualRouterItem.FloatingIP(IPAddress.Parse("100.0.0.9")), "d"),
            new(new VirtualRouterItem.Probe(Sample.Uid(3)), "e"),
            new(new VirtualRouterItem.RoutingInstance(9), "f"),
            new(new VirtualRouterItem.VpnRoute(new CN2.Network.Overlay.VpnRouteKey(9, IPNetwork.Parse("10.0.0.0/8"))), "g"),
        ];
        var items = RefusedItems.Parse(RefusedItems.Of(refusals).Document);
        Assert.Equal(refusals.Select(r => r.Item).ToHashSet(), items.Items.ToHashSet());
        Assert.Equal(RefusedItems.Of(refusals).Document, RefusedItems.Of([.. refusals.Reverse()]).Document);
        Assert.Equal("f", items.ReasonOf(Key with { RoutingInstance = 9 })); // nothing is in force in a RoutingInstance that is refused
        Assert.Equal("d", items.ReasonOf(new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("100.0.0.9"), TransportProtocol.UDP, 53)));
        Assert.Null(items.ReasonOf(Key with { Port = 81 }));
        Assert.Null(RefusedItems.Of([]).Document);
        Assert.Empty(RefusedItems.Parse("""[{"Kind":99}]""").Items); // of a later version
        Assert.Empty(RefusedItems.Parse("nonsense").Items);
    }

    [Fact]
    public void An_acknowledgement_of_what_was_never_sent_counts_for_nothing()
    {
        Connect();
        Handle(new AgentEvent.Applied("compute1", ulong.MaxValue, null, []));
        Assert.True(Account is { Answered: false, AppliedRevision: 0 });
        Handle(new AgentEvent.Applied("compute1", Account.LastRevision, null, []));
        Assert.True(Account.Answered);
    }

    [Fact]
    public async Task Health_counts_of_endpoints_that_the_agent_probes_and_of_no_other()
    {
        var store = new HealthReports();
        await using var parts = new LoopParts(replace: services => services.AddSingleton<IEndpointHealthStore>(store));
        var resources = parts.Get<ResourceChanges>();
        var check = new ServiceHealthCheck(Sample.Uid(5001), new NamespacedName("ns1", "hc"), MonitorType.TCP, 5, 1, 3, "GET", "/", ExpectedCodes.Default, 80);
        resources.Put(check);
        resources.Put(Sample.Endpoint(1, "compute1") with { HealthCheck = "hc" });
        resources.Put(Sample.Endpoint(2, "compute2") with { HealthCheck = "hc" });
        resources.Put(Sample.Endpoint(3, "compute1"));
        // While the database is away, what is reported waits in memory: an agent must not be able to fill it.
        parts.Get<AgentEventHandler>().Handle(new AgentEvent.Health("compute1", [
            (Sample.Uid(3001), EndpointHealth.Healthy, null), (Sample.Uid(3002), EndpointHealth.Healthy, null), (Sample.Uid(3003), EndpointHealth.Healthy, null),
            .. Enumerable.Range(0, 1000).Select(_ => (Guid.NewGuid(), EndpointHealth.Healthy, (string?)null))]));
        using var stop = new CancellationTokenSource();
        var run = parts.Get<AgentRecorder>().RunAsync(stop.Token);
        var saved = await store.Saved.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await run.ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.Equal(Sample.Uid(3001), Assert.Single(saved).Uid);
    }

    [Fact]
    public void A_change_that_is_too_large_for_an_agent_comes_as_the_whole()
    {
        Connect();
        _parts.Publisher.WantsWhole = true;
        _parts.Get<VRouterDispatcher>().Hold(Sample.Uid(1), Sample.AddressOf(1));
        _parts.Get<VRouterDispatcher>().Flush();
        Assert.Equal(2, _parts.Publisher.Configs.Count);
        Assert.Equal([Sample.AddressOf(1)], _parts.Publisher.Configs[1].Config.FloatingIPs);
        Handle(new AgentEvent.Applied("compute1", _parts.Publisher.Configs[1].Revision, null, []));
        Assert.False(Account.IsBehind);
    }

    private void Connect()
    {
        Handle(new AgentEvent.Connected(Hello));
        _parts.Get<VRouterDispatcher>().Flush();
    }

    private void Handle(AgentEvent agentEvent) => _parts.Get<AgentEventHandler>().Handle(agentEvent);

    /// <summary>A database that takes the first reports of health.</summary>
    private sealed class HealthReports : IEndpointHealthStore
    {
        public TaskCompletionSource<IReadOnlyCollection<EndpointHealthReport>> Saved { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task SaveAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct)
        {
            Saved.TrySetResult(reports);
            return Task.CompletedTask;
        }

        public Task<int> ReleaseAsync(LeaderLease lease, CancellationToken ct) => Task.FromResult(0);
    }
}
