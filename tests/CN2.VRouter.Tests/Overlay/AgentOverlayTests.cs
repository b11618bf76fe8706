using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Probes;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;
using Microsoft.Extensions.Logging.Abstractions;
using OverlayCounters = CN2.VRouter.Dataplane.OverlayCounters;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The agent with a server in the hand of the test, and engine and tables in memory.</summary>
public sealed class AgentOverlayTests : IAsyncLifetime
{
    private readonly MemoryOverlay _engine = new();
    private readonly MemoryDataplane _tables = new();
    private readonly CancellationTokenSource _stop = new();
    private NodeDataplane _dataplane = null!;
    private StubServer _server = null!;
    private VRouterAgent _agent = null!;
    private Task _running = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        _server = await StubServer.StartAsync();
        _dataplane = new NodeDataplane(_tables, _engine);
        var options = new AgentCommand.Run([new Uri(_server.Url)], "compute1", IPAddress.Parse("172.27.115.242"), null, null, "cn2");
        _agent = new VRouterAgent(options, _dataplane, new NetworkProber(), new HealthStore(null, TimeProvider.System), TimeProvider.System, NullLogger<VRouterAgent>.Instance, _engine);
        _running = _agent.RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _agent.DisposeAsync();
        await _dataplane.DisposeAsync();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task The_hello_names_the_engine() => Assert.Equal("memory", (await _server.NextAsync()).Hello.OverlayEngine);

    [Fact]
    public async Task One_acknowledgement_covers_tunnels_and_entries()
    {
        var connection = await _server.NextAsync();
        connection.Send(5, Vpn());
        Assert.Equal(new Applied { Revision = 5 }, await connection.AppliedAsync());
        Assert.Equal(new(5, 21), Assert.Single(_engine.RoutingInstances));
        Assert.Single(_engine.Routes);
        Assert.Equal(5, Assert.Single(_tables.NatEntries.Keys).RoutingInstance);

        connection.Send(new ServerMessage { Delta = new Delta { Revision = 6, RemovedNatEntries = { Wire.NatEntry("100.0.0.4", 80).In(5).Key }, RemovedRoutingInstances = { 5 } } });
        Assert.Equal(new Applied { Revision = 6 }, await connection.AppliedAsync());
        Assert.Empty(_engine.RoutingInstances);
        Assert.Empty(_engine.Routes);
        Assert.Empty(_tables.NatEntries);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refusal_of_tunnels_or_tables_refuses_the_revision_and_is_retried(bool engine)
    {
        var connection = await _server.NextAsync();
        if (engine) _engine.Refusal = "no tun";
        else _tables.Refusal = "no memory";
        connection.Send(5, Vpn());
        Assert.Equal(new Applied { Revision = 5, Error = engine ? "no tun" : "no memory" }, await connection.AppliedAsync());
        _engine.Refusal = _tables.Refusal = null;
        Applied applied;
        do applied = await connection.AppliedAsync();
        while (applied.Error.Length > 0);
        Assert.Equal(5u, applied.Revision);
        Assert.Single(_engine.RoutingInstances);
        Assert.Single(_tables.NatEntries);
    }

    [Fact]
    public async Task A_device_that_another_process_removed_counts_as_a_repair()
    {
        var connection = await _server.NextAsync();
        connection.Send(5, Vpn());
        await connection.AppliedAsync();
        _engine.ChangeByHand();
        AgentMessage beat;
        do beat = await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        while (beat.Heartbeat.Repairs == 0);
        Assert.Equal(2, _engine.Calls);
    }

    [Fact]
    public async Task Heartbeats_carry_counters_and_with_tunnels_the_notice_of_the_engine()
    {
        var connection = await _server.NextAsync();
        _engine.Notice = "VPN packets stop with the agent.";
        var beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
        Assert.Empty(beat.Overlay.Instances);
        Assert.DoesNotContain("VPN packets", beat.Message, StringComparison.Ordinal);

        _engine.Counters = new OverlayCounters(
            new Dictionary<int, RoutingInstanceCounters> { [7] = new(1, 2, 3, 4, 5), [5] = new(6, 7, 8, 9, 10) }, 11, 12, 13, 14, 15, 16);
        do beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
        while (beat.Overlay.Instances.Count == 0);
        Assert.Equal(
            [
                new InstanceCounters { RoutingInstance = 5, PacketsIn = 6, BytesIn = 7, PacketsOut = 8, BytesOut = 9, NoRoute = 10 },
                new InstanceCounters { RoutingInstance = 7, PacketsIn = 1, BytesIn = 2, PacketsOut = 3, BytesOut = 4, NoRoute = 5 },
            ],
            beat.Overlay.Instances);
        Assert.Equal(
            (11ul, 12ul, 13ul, 14ul, 15ul, 16ul),
            (beat.Overlay.UnknownLabel, beat.Overlay.UnknownSource, beat.Overlay.Malformed, beat.Overlay.TtlExpired, beat.Overlay.Oversize, beat.Overlay.SendErrors));
        Assert.Contains("VPN packets stop with the agent", beat.Message, StringComparison.Ordinal);
    }

    private static Items Vpn()
    {
        var items = Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80").In(5));
        items.RoutingInstances.Add(Wire.Instance(5));
        items.VpnRoutes.Add(Wire.Route(5, "192.0.2.0/24", "172.16.0.2", 100));
        return items;
    }
}
