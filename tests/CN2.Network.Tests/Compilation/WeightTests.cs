using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Compilation;

/// <summary>Endpoints of different weights: their shares of a node's new flows, and the nodes' shares of the router's.</summary>
public sealed class WeightTests
{
    private readonly NetworkState _state = new();

    public WeightTests()
    {
        Put(weighted: true);
        _state.Put(Given.VirtualRouter("compute1", "172.27.115.242"));
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243"));
        _state.Put(Given.Endpoint("pod-1", "app=web", "compute1", "10.233.64.10") with { Weight = 3 });
        _state.Put(Given.Endpoint("pod-2", "app=web", "compute1", "10.233.64.11"));
        _state.Put(Given.Endpoint("pod-3", "app=web", "compute2", "10.233.65.10", "fd00::20") with { Weight = 7 });
        _state.Put(Given.External("100.0.0.4", "vn", "web"));
        _state.Put(Given.ClusterIP("10.233.0.5", "web"));
    }

    [Fact]
    public void Entries_name_the_weights_of_their_endpoints_on_every_node()
    {
        var compiled = Compile();
        var cluster = compiled.NatEntries.Single(e => e.Key.Address?.ToString() == "10.233.0.5");
        Assert.Equal([3, 1, 7], cluster.On("compute1")!.Backends.Select(b => b.Weight));
        var external = compiled.NatEntries.Single(e => e.Key.Address?.ToString() == "100.0.0.4");
        Assert.Equal([3, 1], external.On("compute1")!.Backends.Select(b => b.Weight));
        Assert.Equal([3, 1, 7], external.On("compute9")!.Inside.Select(b => b.Weight));
    }

    [Fact]
    public void A_route_has_the_weights_of_the_endpoints_of_its_node_that_take_new_flows()
    {
        Assert.Equal([4, 7], Weights());
        _state.Put(Given.Endpoint("pod-1", "app=web", "compute1", "10.233.64.10") with { Weight = 3, Ready = false });
        Assert.Equal([1, 7], Weights());
        // A draining endpoint counts no more, whatever its weight.
        var entry = Compile().NatEntries.Single(e => e.Key.Address?.ToString() == "100.0.0.4").On("compute1")!;
        Assert.Equal((1, 1), (Assert.Single(entry.Backends).Weight, Assert.Single(entry.Draining).Weight));

        _state.Put(Given.Endpoint("pod-3", "app=web", "compute2", "10.233.65.10") with { Weight = 100 });
        Assert.Equal([1, 100], Weights());
        _state.Put(Given.HealthCheck("hc"));
        _state.Put(Given.Endpoint("pod-3", "app=web", "compute2", "10.233.65.10") with { Weight = 100, HealthCheck = "hc", Health = EndpointHealth.Unhealthy });
        Assert.Equal([1], Weights());
    }

    [Fact]
    public void Only_endpoints_of_the_family_of_the_address_count()
    {
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243", "2001:db8:115::243"));
        _state.Put(Given.Endpoint("pod-4", "app=web", "compute2", "10.233.65.11") with { Weight = 10 });
        _state.Put(Given.External("2001:db8::4", "vn", "web"));
        Assert.Equal([4, 17, 7], Weights());
    }

    [Fact]
    public void Routes_have_no_weight_where_the_network_asks_for_none_in_the_overlay_and_with_policy_Cluster()
    {
        Assert.Equal([0, 0], Weights(ExternalTrafficPolicy.Cluster));
        Put(weighted: false);
        Assert.Equal([0, 0], Weights());
        _state.Put(Given.Network("vn", underlay: false) with { Advertisement = Advertisement.Default with { Weighted = true } });
        Assert.Equal([0, 0], Weights());
    }

    [Fact]
    public void A_floatingIP_that_is_attached_directly_has_weights_too()
    {
        var direct = Given.External("100.0.0.9", "vn") with { Reserved = true, Interfaces = ["pod-1", "pod-2", "pod-3"] };
        _state.Put(direct);
        Assert.Equal([4, 7], _state.Compile(direct.Uid)!.Routes.Select(r => r.Weight));
    }

    [Fact]
    public void An_address_used_on_two_nodes_has_the_weight_of_the_local_endpoint()
    {
        _state.Put(Given.Endpoint("pod-4", "app=web", "compute2", "10.233.64.10") with { Weight = 9 });
        var cluster = Compile().NatEntries.Single(e => e.Key.Address?.ToString() == "10.233.0.5");
        Assert.Equal([3, 1, 7], cluster.On("compute1")!.Backends.Select(b => b.Weight));
        Assert.Equal([9, 1, 7], cluster.On("compute2")!.Backends.Select(b => b.Weight));
    }

    private void Put(bool weighted) => _state.Put(Given.Network("vn") with { Advertisement = Advertisement.Default with { Weighted = weighted } });

    private IEnumerable<int> Weights(ExternalTrafficPolicy policy = ExternalTrafficPolicy.Local) => Compile(policy).Routes.Select(r => r.Weight);

    private CompiledOwner Compile(ExternalTrafficPolicy policy = ExternalTrafficPolicy.Local)
    {
        var service = Given.Service("web", "app=web") with { ExternalTrafficPolicy = policy };
        _state.Put(service);
        return _state.Compile(service.Uid)!;
    }
}
