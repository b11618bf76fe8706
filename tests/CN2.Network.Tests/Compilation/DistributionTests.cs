using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Compilation;

/// <summary>With <see cref="ServiceDistribution.Namespace"/>, cluster IPs are where the pods of the namespace are.</summary>
public sealed class DistributionTests
{
    private readonly NetworkState _state = new(ServiceDistribution.Namespace);
    private readonly Service _web = Given.Service("ns1/web", "app=web", Given.Port(8080, 80, 30001));
    private readonly Service _other = Given.Service("ns2/other", "app=web", Given.Port(8080, 80));

    public DistributionTests()
    {
        _state.Put(Given.Network("vn"));
        for (var n = 1; n <= 3; n++) _state.Put(Given.VirtualRouter($"compute{n}", $"172.27.115.{n}"));
        _state.Put(_web);
        _state.Put(Given.ClusterIP("10.233.0.1", "ns1/web"));
        _state.Put(Given.External("100.0.0.4", "vn", "ns1/web"));
        _state.Put(Given.Endpoint("ns1/pod-1", "app=web", "compute1", "10.233.64.10"));
        _state.Put(_other);
        _state.Put(Given.ClusterIP("10.233.0.2", "ns2/other"));
        _state.Put(Given.Endpoint("ns2/pod-9", "app=web", "compute3", "10.233.66.10"));
        _state.TakeDirtyOwners();
    }

    [Fact]
    public void A_cluster_IP_is_on_the_vRouters_with_an_endpoint_of_the_namespace()
    {
        Assert.Equal(["compute1"], ClusterIPOn(_web));
        Assert.Equal([_web.Uid], Dirty(s => s.Put(Given.Endpoint("ns1/client", "app=client", "compute2", "10.233.65.10"))));
        Assert.Equal(["compute1", "compute2"], ClusterIPOn(_web));
        Assert.Equal(["compute3"], ClusterIPOn(_other));
        Assert.Equal([_web.Uid], Dirty(s => s.RemoveVirtualMachineInterface(Given.Uid("interface", "ns1/client"))));
        Assert.Equal(["compute1"], ClusterIPOn(_web));
    }

    [Fact]
    public void Node_ports_and_FloatingIPs_of_External_Networks_are_on_every_vRouter()
    {
        var others = _state.Compile(_web.Uid)!.NatEntries.Where(e => !IsClusterIP(e)).ToList();
        Assert.Equal(["100.0.0.4 TCP/8080", "node port IPv4 TCP/30001"], others.Select(e => e.Key.ToString()).Order(StringComparer.Ordinal));
        Assert.All(others, e => Assert.True(e.ReachesEveryVirtualRouter && e.Elsewhere() is not null));
        var clusterIP = _state.Compile(_web.Uid)!.NatEntries.Single(IsClusterIP);
        Assert.False(clusterIP.ReachesEveryVirtualRouter);
        Assert.Null(clusterIP.Elsewhere());
    }

    [Fact]
    public void Only_the_first_endpoint_and_the_last_of_a_namespace_on_a_vRouter_mark_its_services()
    {
        Assert.Equal([_web.Uid], Dirty(s => s.Put(Given.Endpoint("ns1/a", "app=client", "compute2", "10.233.65.10"))));
        Assert.Empty(Dirty(s => s.Put(Given.Endpoint("ns1/b", "app=client", "compute2", "10.233.65.11"))));
        Assert.Empty(Dirty(s => s.RemoveVirtualMachineInterface(Given.Uid("interface", "ns1/a"))));
        Assert.Equal([_web.Uid], Dirty(s => s.RemoveVirtualMachineInterface(Given.Uid("interface", "ns1/b"))));
    }

    [Fact]
    public void An_endpoint_that_goes_and_comes_back_between_two_rounds_marks_nothing_and_one_that_moves_marks_once()
    {
        var client = Given.Endpoint("ns1/client", "app=client", "compute2", "10.233.65.10");
        _state.Put(client);
        _state.TakeDirtyOwners();
        var before = ClusterIPEntry(_web).OnlyOn;
        Assert.Empty(Dirty(s =>
        {
            s.RemoveVirtualMachineInterface(client.Uid);
            s.Put(client with { Uid = Given.Uid("interface", "its successor") });
        }));
        Assert.Same(before, ClusterIPEntry(_web).OnlyOn);
        Assert.Equal([_web.Uid], Dirty(s => s.Put(client with { Uid = Given.Uid("interface", "its successor"), VirtualRouter = "compute3" })));
        Assert.Equal(["compute1", "compute3"], ClusterIPOn(_web));
        Assert.Equal(["compute3"], ClusterIPOn(_other));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_vRouter_with_a_drained_endpoint_and_one_that_is_lost_keep_what_they_have(bool drained, bool lost)
    {
        _state.Put(Given.Endpoint("ns1/client", "app=client", "compute2", "10.233.65.10") with { Ready = !drained });
        if (lost) _state.Put(Given.VirtualRouter("compute2", "172.27.115.2") with { Lost = true });
        Assert.Equal(["compute1", "compute2"], ClusterIPOn(_web));
    }

    [Fact]
    public void A_vRouter_that_is_registered_after_its_endpoints_finds_its_entries_already_named()
    {
        Assert.Equal([_web.Uid], Dirty(s => s.Put(Given.Endpoint("ns1/client", "app=client", "compute7", "10.233.65.10"))));
        Assert.Equal(["compute1", "compute7"], ClusterIPEntry(_web).OnlyOn);
        Assert.Empty(Dirty(s => s.Put(Given.VirtualRouter("compute7", "172.27.115.7"))));
        Assert.Empty(Dirty(s => s.RemoveVirtualRouter(Given.Uid("virtual-router", "compute7"))));
    }

    [Fact]
    public void A_namespace_on_more_vRouters_than_are_named_is_on_all_of_them()
    {
        for (var n = 2; n <= NamespacePlaces.MostNamed; n++) _state.Put(Given.Endpoint($"ns1/client-{n}", "app=client", $"node{n}", $"10.1.0.{n}"));
        Assert.Equal(NamespacePlaces.MostNamed, ClusterIPEntry(_web).OnlyOn?.Count);
        Assert.Equal([_web.Uid], Dirty(s =>
        {
            s.TakeDirtyOwners();
            s.Put(Given.Endpoint("ns1/one-more", "app=client", "node1", "10.1.0.1"));
        }));
        Assert.Null(ClusterIPEntry(_web).OnlyOn);
        Assert.NotNull(ClusterIPEntry(_web).Elsewhere());
        Assert.Equal(["compute3"], ClusterIPOn(_other));
        Assert.Empty(Dirty(s => s.Put(Given.Endpoint("ns1/another", "app=client", "node0", "10.1.0.100"))));
        _state.RemoveVirtualMachineInterface(Given.Uid("interface", "ns1/another"));
        Assert.Equal([_web.Uid], Dirty(s => s.RemoveVirtualMachineInterface(Given.Uid("interface", "ns1/one-more"))));
        Assert.Equal(NamespacePlaces.MostNamed, ClusterIPEntry(_web).OnlyOn?.Count);
    }

    [Fact]
    public void All_services_of_a_namespace_share_one_list()
    {
        _state.Put(Given.Service("ns1/second", "app=web"));
        _state.Put(Given.ClusterIP("10.233.0.3", "ns1/second"));
        Assert.Same(ClusterIPEntry(_web).OnlyOn, _state.Compile(Given.Uid("service", "ns1/second"))!.NatEntries.Single().OnlyOn);
    }

    private static bool IsClusterIP(NatEntry entry) => entry.Key.Address?.ToString().StartsWith("10.233.0.", StringComparison.Ordinal) == true;

    private NatEntry ClusterIPEntry(Service service) => _state.Compile(service.Uid)!.NatEntries.Single(IsClusterIP);

    /// <summary>The vRouters compute1 to compute3 that get the cluster IP.</summary>
    private List<string> ClusterIPOn(Service service) =>
        [.. Enumerable.Range(1, 3).Select(n => $"compute{n}").Where(name => ClusterIPEntry(service).On(name)?.Carries == true)];

    private List<Guid> Dirty(Action<NetworkState> change)
    {
        change(_state);
        return [.. _state.TakeDirtyOwners()];
    }
}
