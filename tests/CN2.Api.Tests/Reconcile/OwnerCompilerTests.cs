using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>One bad resource never stops the rest.</summary>
public sealed class OwnerCompilerTests : IAsyncDisposable
{
    private readonly LoopParts _parts = new();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void An_owner_that_cannot_be_compiled_keeps_what_it_has_and_all_others_are_compiled()
    {
        var resources = _parts.State.Resources;
        resources.Put(Sample.Network);
        resources.Put(Sample.Router("compute1").Router);
        foreach (var n in new[] { 1, 2, 3 })
        {
            resources.Put(Sample.Endpoint(n, "compute1"));
            resources.Put(Sample.Service(n));
            resources.Put(Sample.FloatingIP(n, service: n));
        }

        _parts.Compile();
        Assert.Equal(3, _parts.State.Sequencer.Compiled.Count);
        var before = _parts.State.Sequencer.Compiled[Sample.Uid(4002)];

        resources.Put(Sample.Service(1) with { Ports = [new(null, CN2.Network.Resources.TransportProtocol.TCP, 81, 8080, 0)] });
        resources.Put(Sample.Service(2) with { LoadBalancerSourceRanges = null! });
        resources.Put(Sample.Service(3) with { Ports = [new(null, CN2.Network.Resources.TransportProtocol.TCP, 83, 8080, 0)] });
        _parts.Compile();

        Assert.Equal([81, 83], new[] { 4001, 4003 }.Select(n => (int)Assert.Single(_parts.State.Sequencer.Compiled[Sample.Uid(n)].NatEntries).Key.Port));
        Assert.Same(before, _parts.State.Sequencer.Compiled[Sample.Uid(4002)]);
        var error = Assert.Single(_parts.Log.Errors);
        Assert.Contains(Sample.Uid(4002).ToString(), error.Text, StringComparison.Ordinal);
        Assert.NotNull(error.Exception);
    }

    [Fact]
    public void An_address_is_held_in_the_underlay_and_in_the_overlay_only_until_its_last_entry_there_is_gone()
    {
        var (resources, dispatcher) = (_parts.State.Resources, _parts.Get<VRouterDispatcher>());
        var changes = _parts.Get<ResourceChanges>();
        changes.Put(Sample.Network);
        changes.Put(Sample.FloatingIP(1));
        dispatcher.Connected("compute1");
        Assert.Equal([Sample.AddressOf(1)], Flush().FloatingIPs);

        // A network that moves to the overlay: nothing of the FloatingIP is in the underlay.
        changes.Put(Sample.Network with { FabricForwarding = false });
        Assert.Equal([Sample.AddressOf(1)], Delta().RemovedFloatingIPs);
        changes.Put(Sample.Network);
        Assert.Equal([Sample.AddressOf(1)], Delta().FloatingIPs);

        // With a route in the underlay, the address stays until the route and its entries are gone.
        _parts.State.Sequencer.Set(Sample.Uid(1), Compiled.With(Sample.Uid(1), Sample.Route(1)), _parts.Now);
        Compiled.Acknowledge(_parts, "compute1");
        Assert.NotNull(resources.TryGetFloatingIP(Sample.Uid(1)));
        _parts.Publisher.Deltas.Clear();
        changes.Put(Sample.Network with { FabricForwarding = false });
        _parts.Get<HeldAddresses>().Settle();
        dispatcher.Flush();
        Assert.DoesNotContain(_parts.Publisher.Deltas, d => d.Delta.RemovedFloatingIPs.Count > 0);
        changes.RemoveFloatingIP(Sample.Uid(1));
        _parts.Get<HeldAddresses>().Settle();
        dispatcher.Flush();
        Assert.Contains(_parts.Publisher.Deltas, d => d.Delta.RemovedFloatingIPs.Contains(Sample.AddressOf(1)));

        CN2.Api.Drivers.VRouterConfig Flush()
        {
            _parts.Get<HeldAddresses>().Settle();
            dispatcher.Flush();
            return _parts.Publisher.Configs[^1].Config;
        }

        CN2.Api.Drivers.VRouterDelta Delta()
        {
            _parts.Get<HeldAddresses>().Settle();
            dispatcher.Flush();
            return _parts.Publisher.Deltas[^1].Delta;
        }
    }
}
