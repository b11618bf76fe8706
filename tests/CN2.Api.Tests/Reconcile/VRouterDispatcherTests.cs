using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What each vRouter is sent, and when.</summary>
public sealed class VRouterDispatcherTests : IAsyncDisposable
{
    private static readonly Guid Owner = Sample.Uid(4001);
    private readonly LoopParts _parts = new();
    private readonly VRouterDispatcher _dispatcher;

    public VRouterDispatcherTests() => _dispatcher = _parts.Get<VRouterDispatcher>();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void An_agent_that_connects_gets_the_whole_configuration_and_then_only_changes()
    {
        _dispatcher.Hold(Sample.Uid(1), Sample.AddressOf(1));
        Set(Sample.Route(1));
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        var (name, revision, config) = Assert.Single(_parts.Publisher.Configs);
        Assert.Equal("compute1", name);
        Assert.Equal([Sample.AddressOf(1)], config.FloatingIPs);
        Assert.Equal(Sample.AddressOf(1), Assert.Single(config.NatEntries).Key.Address);
        Assert.True(_parts.State.Ledger.Open("compute1").Awaits(Owner));

        _dispatcher.Flush();
        Assert.Empty(_parts.Publisher.Deltas);
        Set(Sample.Route(1), Sample.Route(2));
        _dispatcher.Flush();
        var delta = Assert.Single(_parts.Publisher.Deltas);
        Assert.True(delta.Revision > revision);
        Assert.Equal(Sample.AddressOf(2), Assert.Single(delta.Delta.NatEntries).Key.Address);
        Assert.Empty(delta.Delta.RemovedNatEntries);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("between")]
    [InlineData("after")]
    public void An_agent_that_comes_while_the_control_node_starts_gets_everything_once(string when)
    {
        _parts.State.Ledger.Open("compute1"); // its VirtualRouter was read
        if (when == "before") _dispatcher.Connected("compute1");
        Set(Sample.Route(1), Sample.Route(2));
        if (when == "between") _dispatcher.Connected("compute1");
        Set(Sample.Route(2), Sample.Route(3)); // another compilation before anything may be sent
        if (when == "after")
        {
            _dispatcher.Flush();
            Assert.Empty(_parts.Publisher.Configs);
            _dispatcher.Connected("compute1");
        }

        _dispatcher.Flush();
        var (_, revision, config) = Assert.Single(_parts.Publisher.Configs);
        Assert.Equal([Sample.AddressOf(2), Sample.AddressOf(3)], config.NatEntries.Select(e => e.Key.Address).Order(Comparer<IPAddress?>.Create((a, b) => string.CompareOrdinal(a?.ToString(), b?.ToString()))));
        Assert.Empty(_parts.Publisher.Deltas);
        var account = _parts.State.Ledger.Open("compute1");
        Assert.True(account.Awaits(Owner));
        account.Applied(revision);
        Assert.False(account.Awaits(Owner));

        Set(Sample.Route(3), Sample.Route(4));
        var delta = Flush();
        Assert.Equal(Sample.AddressOf(4), Assert.Single(delta.NatEntries).Key.Address);
        Assert.Equal(Sample.AddressOf(2), Assert.Single(delta.RemovedNatEntries).Address);
        Assert.Single(_parts.Publisher.Configs);
    }

    [Fact]
    public void Every_agent_knows_the_nodes_and_the_networks_of_all_endpoints()
    {
        var changes = _parts.Get<ResourceChanges>();
        changes.Put(Sample.Router("compute1"));
        changes.Put(Endpoint(1, "10.0.0.1", "fd00:1::1"));
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        Assert.Equal(["10.0.0.0/24", $"{Sample.Router("compute1").Router.Address}/32", "fd00:1::/64"], Texts(Assert.Single(_parts.Publisher.Configs).Config.Inside));

        // Another endpoint there changes nothing, one elsewhere does.
        changes.Put(Endpoint(2, "10.0.0.2"));
        changes.Put(Endpoint(1, "10.0.0.3", "fd00:1::1"));
        _dispatcher.Flush();
        Assert.Empty(_parts.Publisher.Deltas);
        changes.Put(Endpoint(2, "10.0.1.2"));
        changes.Put(Sample.Router("compute2"));
        changes.RemoveVirtualMachineInterface(Sample.Uid(1));
        _dispatcher.Flush();
        var (_, _, delta) = Assert.Single(_parts.Publisher.Deltas, d => d.Name == "compute1");
        Assert.Equal(["10.0.1.0/24", $"{Sample.Router("compute2").Router.Address}/32"], Texts(delta.Inside));
        Assert.Equal(["10.0.0.0/24", "fd00:1::/64"], Texts(delta.RemovedInside));

        static VirtualMachineInterface Endpoint(int n, params string[] addresses) =>
            Sample.Endpoint(n, "compute1") with { Uid = Sample.Uid(n), Addresses = [.. addresses.Select(IPAddress.Parse)] };

        static string[] Texts(IEnumerable<IPNetwork> networks) => [.. networks.Select(n => n.ToString()).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void A_vRouter_whose_agent_is_elsewhere_is_sent_nothing_and_awaited_all_the_same()
    {
        _parts.State.Ledger.Open("compute1").ConnectedElsewhere = true;
        Set(Sample.Route(1));
        _dispatcher.Flush();
        Assert.Empty(_parts.Publisher.Configs);
        Assert.Empty(_parts.Publisher.Deltas);
        Assert.True(_parts.State.Ledger.Open("compute1").Awaits(Owner));
    }

    [Fact]
    public void What_a_connected_agent_is_sent_while_its_vRouter_counts_as_lost_is_awaited_when_that_is_over()
    {
        _dispatcher.Connected("compute1");
        _dispatcher.Flush();
        var account = _parts.State.Ledger.Open("compute1");
        account.Applied(account.LastRevision);
        // Its VirtualRouter was deleted and made anew: such a one is lost at first.
        account.Lost = true;
        Set(Sample.Route(1));
        _dispatcher.Flush();
        account.Lost = false;
        Assert.True(account.Awaits(Owner));
        Assert.True(account.IsBehind);
        account.Applied(account.LastRevision);
        Assert.False(account.Awaits(Owner));
    }

    [Fact]
    public void A_lost_vRouter_is_awaited_by_no_owner()
    {
        _parts.State.Ledger.Open("compute1").Lost = true;
        Set(Sample.Route(1));
        _dispatcher.Flush();
        Assert.False(_parts.State.Ledger.Open("compute1").Awaits(Owner));
    }

    [Fact]
    public void A_change_reaches_the_vRouters_that_it_concerns_and_those_with_callers_inside()
    {
        Connect("compute1", "compute2");
        Set(Sample.Route(1, "compute2"));
        _dispatcher.Flush();
        // The other node serves callers inside from now on.
        Assert.Equal(["compute1", "compute2"], _parts.Publisher.Deltas.Select(d => d.Name).Order());
    }

    [Fact]
    public void An_address_leaves_the_drop_set_with_its_last_holder()
    {
        Connect("compute1");
        _dispatcher.Hold(Sample.Uid(1), Sample.AddressOf(1));
        _dispatcher.Hold(Sample.Uid(2), Sample.AddressOf(1)); // the next holder of the same address appears before the first is removed
        Assert.Equal([Sample.AddressOf(1)], Flush().FloatingIPs);
        _dispatcher.Free(Sample.Uid(1));
        var unchanged = Flush();
        Assert.Equal([Sample.AddressOf(1)], unchanged.FloatingIPs);
        Assert.Empty(unchanged.RemovedFloatingIPs);
        _dispatcher.Free(Sample.Uid(2));
        _dispatcher.Free(Sample.Uid(2));
        Assert.Equal([Sample.AddressOf(1)], Flush().RemovedFloatingIPs);
    }

    [Fact]
    public void A_probe_is_sent_again_when_the_agents_last_result_differs_from_the_stored_one()
    {
        Connect("compute1");
        var endpoint = Sample.Uid(3001);
        SetProbe(EndpointHealth.Unknown);
        Assert.Single(Flush().Probes);

        _dispatcher.ProbeFound("compute1", endpoint, EndpointHealth.Healthy);
        SetProbe(EndpointHealth.Healthy); // stored as reported: nothing to send
        _dispatcher.Flush();
        Assert.Single(_parts.Publisher.Deltas);

        _dispatcher.ProbeFound("compute1", endpoint, EndpointHealth.Unhealthy);
        _dispatcher.ProbeFound("compute2", endpoint, EndpointHealth.Healthy); // not its vRouter
        SetProbe(EndpointHealth.Healthy); // the report was not stored
        Assert.Equal(EndpointHealth.Healthy, Assert.Single(Flush().Probes).LastKnown);

        _dispatcher.SetProbe(endpoint, null);
        Assert.Equal([endpoint], Flush().RemovedProbes);

        void SetProbe(EndpointHealth stored) => _dispatcher.SetProbe(endpoint, ("compute1", new VRouterProbe(endpoint, IPAddress.Parse("10.0.0.1"), Check, stored)));
    }

    [Fact]
    public void A_probe_moves_with_its_endpoint()
    {
        Connect("compute1", "compute2");
        var probe = new VRouterProbe(Sample.Uid(3001), IPAddress.Parse("10.0.0.1"), Check, EndpointHealth.Unknown);
        _dispatcher.SetProbe(probe.Uid, ("compute1", probe));
        _dispatcher.Flush();
        _parts.Publisher.Deltas.Clear();
        _dispatcher.SetProbe(probe.Uid, ("compute2", probe));
        _dispatcher.Flush();
        Assert.Equal([probe.Uid], _parts.Publisher.Deltas.Single(d => d.Name == "compute1").Delta.RemovedProbes);
        Assert.Equal([probe], _parts.Publisher.Deltas.Single(d => d.Name == "compute2").Delta.Probes);
    }

    [Fact]
    public void A_RoutingInstance_comes_with_its_first_entry_and_goes_with_its_last()
    {
        Connect("compute1");
        var network = Sample.Network with { Number = 7, FabricForwarding = false };
        _parts.Get<RoutingInstances>().Put(network);
        var (first, second) = (Sample.Route(1) with { Network = network }, Sample.Route(2) with { Network = network });
        Set(first);
        Assert.Equal(7, Assert.Single(Flush().RoutingInstances).Number);
        Set(first, second);
        Assert.Empty(Flush().RoutingInstances);
        Set(second);
        Assert.Empty(Flush().RemovedRoutingInstances);
        Set();
        Assert.Equal([7], Flush().RemovedRoutingInstances);
    }

    [Fact]
    public void Agents_that_connect_one_after_the_other_share_what_is_alike_until_it_changes()
    {
        _dispatcher.Hold(Sample.Uid(1), Sample.AddressOf(1));
        Set(Sample.Route(1));
        foreach (var router in (string[])["compute1", "compute2"]) Compiled.Acknowledge(_parts, router);
        _dispatcher.Hold(Sample.Uid(2), Sample.AddressOf(2));
        Compiled.Acknowledge(_parts, "compute3");
        Set(Sample.Route(1), Sample.Route(2));
        Compiled.Acknowledge(_parts, "compute4");
        var configs = _parts.Publisher.Configs.Select(c => c.Config).ToList();
        Assert.Same(configs[0].FloatingIPs, configs[1].FloatingIPs);
        Assert.Equal([Sample.AddressOf(1), Sample.AddressOf(2)], configs[2].FloatingIPs);
        Assert.Equal([1, 1, 1, 2], configs.Select(c => c.NatEntries.Count));
    }

    [Fact]
    public async Task What_concerns_every_vRouter_costs_as_much_as_there_is_and_not_the_vRouters_times_the_owners()
    {
        var few = await FlushedBytesAsync(50);
        var many = await FlushedBytesAsync(400);
        Assert.InRange(many, 0, 3 * (400 / 50) * few); // the product is 64 times as much
    }

    /// <summary>Of memory for a flush with so many owners, each with an endpoint on a vRouter of its own.</summary>
    private static async Task<long> FlushedBytesAsync(int count)
    {
        await using var parts = new LoopParts();
        var dispatcher = parts.Get<VRouterDispatcher>();
        dispatcher.Flush(); // the first one is for wholes
        var now = parts.Now;
        for (var i = 1; i <= count; i++)
        {
            parts.State.Ledger.Open($"compute{i}").ConnectedElsewhere = true;
            parts.State.Sequencer.Set(Sample.Uid(4000 + i), Compiled.With(Sample.Uid(4000 + i), Sample.Route(i, $"compute{i}")), now);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        dispatcher.Flush();
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(count, parts.State.Ledger.AwaitedBy(Sample.Uid(4001)).Count());
        return bytes;
    }

    private static readonly ServiceHealthCheck Check =
        new(Sample.Uid(5001), new NamespacedName("ns1", "hc"), MonitorType.TCP, 5, 1, 3, "GET", "/", ExpectedCodes.Default, 80);

    private void Set(params CN2.Network.Compilation.FloatingIPRoute[] routes) => _parts.State.Sequencer.Set(Owner, Compiled.With(Owner, routes), _parts.Now);

    private void Connect(params string[] routers)
    {
        foreach (var router in routers) Compiled.Acknowledge(_parts, router);
        _parts.Publisher.Configs.Clear();
    }

    /// <summary>The one delta of a flush.</summary>
    private VRouterDelta Flush()
    {
        _parts.Publisher.Deltas.Clear();
        _dispatcher.Flush();
        return Assert.Single(_parts.Publisher.Deltas).Delta;
    }
}
