using System.Net;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The order in which tunnels and entries change, with engine and tables in memory.</summary>
public sealed class NodeDataplaneOrderTests : IAsyncLifetime
{
    private static readonly DataplaneNatEntry Web = Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 80, "10.0.0.1:80");

    private readonly MemoryOverlay _engine = new();
    private readonly MemoryDataplane _tables = new();
    private readonly List<string> _seen = [];
    private readonly NodeDataplane _dataplane;
    private DataplaneConfig _before = Config();

    public NodeDataplaneOrderTests()
    {
        _dataplane = new NodeDataplane(_tables, _engine);
        // The contents of engine and tables at each call of the engine.
        _engine.Called = () => _seen.Add($"{string.Join(' ', _engine.RoutingInstances.Keys)}/{string.Join(' ', _tables.NatEntries.Keys.Select(k => k.RoutingInstance).Order())}");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _dataplane.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tunnels_are_added_before_entries_and_removed_after_them(bool named)
    {
        await ApplyAsync(Config(5), named);
        await ApplyAsync(Config(6), named);
        // Before each call of the engine: nothing; 5; and, before 5 is removed, both with the entries of 6.
        Assert.Equal(["/", "5/5", "5 6/6"], _seen);
        Assert.Equal([6], _engine.RoutingInstances.Keys);
        Assert.Equal([6], _engine.Routes.Keys.Select(k => k.RoutingInstance));
        Assert.Equal([6], _tables.NatEntries.Keys.Select(k => k.RoutingInstance));
    }

    [Fact]
    public async Task Additions_alone_take_one_call_of_the_engine()
    {
        await ApplyAsync(Config(5), named: true);
        await ApplyAsync(Config(5, 6), named: true);
        Assert.Equal(2, _engine.Calls);
        await ApplyAsync(Config(5, 6), named: true);
        Assert.Equal([5, 6], _engine.RoutingInstances.Keys);
    }

    [Fact]
    public async Task A_refusal_of_the_engine_leaves_the_entries_unchanged()
    {
        await ApplyAsync(Config(5), named: true);
        _engine.Refusal = "no tun";
        var e = await Assert.ThrowsAsync<DataplaneException>(() => ApplyAsync(Config(6), named: true));
        Assert.Equal("no tun", e.Message);
        Assert.Equal([5], _tables.NatEntries.Keys.Select(k => k.RoutingInstance));
        _engine.Refusal = null;
        await ApplyAsync(Config(6), named: false);
        Assert.Equal([6], _engine.RoutingInstances.Keys);
        Assert.Equal([6], _tables.NatEntries.Keys.Select(k => k.RoutingInstance));
    }

    [Fact]
    public async Task A_refusal_of_the_tables_keeps_old_and_new_tunnels_until_a_call_succeeds()
    {
        await ApplyAsync(Config(5), named: true);
        _tables.Refusal = "no memory";
        await Assert.ThrowsAsync<DataplaneException>(() => ApplyAsync(Config(6), named: true));
        Assert.Equal([5, 6], _engine.RoutingInstances.Keys);
        _tables.Refusal = null;
        await ApplyAsync(Config(6), named: false);
        Assert.Equal([6], _engine.RoutingInstances.Keys);
        Assert.Equal([6], _engine.Routes.Keys.Select(k => k.RoutingInstance));
    }

    [Fact]
    public async Task A_label_that_moves_to_another_RoutingInstance_is_never_held_twice()
    {
        var before = Config(5);
        await ApplyAsync(before, named: true);
        var after = Config(6);
        after.Overlay.RoutingInstances[6] = before.Overlay.RoutingInstances[5];
        _engine.Called = () => Assert.Equal(_engine.RoutingInstances.Count, _engine.RoutingInstances.Values.Distinct().Count());
        await ApplyAsync(after, named: true);
        Assert.Equal([6], _engine.RoutingInstances.Keys);
    }

    [Fact]
    public async Task Drift_of_tunnels_or_tables_is_reported_and_the_next_call_reaches_both()
    {
        await ApplyAsync(Config(5), named: true);
        _engine.ChangeByHand();
        Assert.Equal("another process removed a device", await _dataplane.Drift.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(2), Cancellation));
        _tables.ChangeByHand();
        Assert.Equal("another process changed the tables", await _dataplane.Drift.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(2), Cancellation));
        await _dataplane.ApplyAsync(_before, new DataplaneChange(), Cancellation);
        Assert.Equal(2, _engine.Calls);
        Assert.Single(_tables.NatEntries);
    }

    private static DataplaneConfig Config(params int[] instances)
    {
        var config = Configs.Config([.. instances.Select(i => Web.In(i))]);
        foreach (var instance in instances)
        {
            config.Overlay.RoutingInstances[instance] = 16 + (uint)instance;
            config.Overlay.Routes[new VpnRouteKey(instance, IPNetwork.Parse("192.0.2.0/24"))] = [new VpnPath(IPAddress.Parse("172.16.0.2"), 100, true, false)];
        }

        return config;
    }

    private async Task ApplyAsync(DataplaneConfig config, bool named)
    {
        DataplaneChange? change = null;
        if (named)
        {
            change = new DataplaneChange();
            foreach (var of in (DataplaneConfig[])[_before, config])
            {
                change.NatEntries.UnionWith(of.NatEntries.Keys);
                change.Overlay.RoutingInstances.UnionWith(of.Overlay.RoutingInstances.Keys);
                change.Overlay.Routes.UnionWith(of.Overlay.Routes.Keys);
            }
        }

        await _dataplane.ApplyAsync(config, change, Cancellation);
        _before = config;
    }
}
