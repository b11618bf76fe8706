using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Network.Tests.Compilation;

public sealed class NetworkStateTests
{
    private readonly NetworkState _state = new();
    private readonly Service _web = Given.Service("web", "app=web");
    private readonly FloatingIP _external = Given.External("100.0.0.4", "vn", "web");
    private readonly VirtualMachineInterface _pod = Given.Endpoint("pod-1", "app=web", "compute1", "10.233.64.10");
    private readonly VirtualRouter _compute1 = Given.VirtualRouter("compute1", "172.27.115.242");

    public NetworkStateTests()
    {
        _state.Put(_web);
        _state.Put(_external);
        _state.Put(Given.Network("vn"));
        _state.Put(_pod);
        _state.Put(_compute1);
        _state.TakeDirtyOwners();
        _state.TakeDirtyInterfaces();
    }

    [Fact]
    public void A_change_marks_its_owner_and_putting_the_same_again_marks_no_owner()
    {
        Assert.Equal([_web.Uid], Dirty(s => s.Put(_pod with { Ready = false })));
        Assert.Empty(Dirty(s => s.Put(_pod with { Ready = false })));
        Assert.Empty(Dirty(s => s.Put(Given.Service("web", "app=web"))));
        Assert.Empty(Dirty(s => s.Put(Given.External("100.0.0.4", "vn", "web"))));
        Assert.Empty(Dirty(s => s.Put(Given.VirtualRouter("compute1", "172.27.115.242"))));
        Assert.Empty(Dirty(s => s.Put(Given.Network("vn"))));
        Assert.Empty(Dirty(s => s.RemoveService(Guid.NewGuid())));
    }

    /// <summary>There are a hundred thousand Services, and many have the endpoints or the vRouters of others.</summary>
    [Fact]
    public void Equal_parts_of_compiled_services_are_in_memory_once()
    {
        ServicePort[] ports = [new("http", TransportProtocol.TCP, 80, 8080, 0)];
        var (first, second) = (Given.Service("first", "app=web", ports), Given.Service("second", "app=web", ports));
        _state.Put(first);
        _state.Put(second);
        _state.Put(Given.External("100.0.0.5", "vn", "first"));
        _state.Put(Given.External("100.0.0.6", "vn", "second"));
        var (one, other) = (Assert.Single(_state.Compile(first.Uid)!.NatEntries), Assert.Single(_state.Compile(second.Uid)!.NatEntries));
        Assert.Same(one.Backends, other.Backends);
        Assert.Same(one.Answers, other.Answers);
    }

    [Fact]
    public void An_endpoint_with_new_labels_marks_only_the_services_that_lose_or_gain_it()
    {
        var gold = Given.Service("gold", "app=web,tier=gold");
        var silver = Given.Service("silver", "tier=silver");
        _state.Put(gold);
        _state.Put(silver);
        _state.Put(_pod with { Labels = Given.Labels("app=web,tier=silver") });
        _state.TakeDirtyOwners();
        Assert.Equal(
            new HashSet<Guid> { gold.Uid, silver.Uid },
            Dirty(s => s.Put(_pod with { Labels = Given.Labels("app=web,tier=gold") })));
    }

    [Fact]
    public void A_virtual_router_marks_the_owners_with_endpoints_on_it()
    {
        _state.Put(Given.Service("other", "app=other"));
        _state.Put(Given.Endpoint("pod-2", "app=other", "compute2", "10.233.65.10"));
        _state.TakeDirtyOwners();
        Assert.Equal([_web.Uid], Dirty(s => s.Put(_compute1 with { Lost = true })));
        Assert.Empty(Compiled().Routes);
        Assert.Equal(0, Compiled().EndpointsReady);
        Assert.Equal([_web.Uid], Dirty(s => s.Put(_compute1)));
        Assert.Single(Compiled().Routes);
    }

    [Fact]
    public void A_network_marks_the_owners_of_its_floating_IPs()
    {
        Assert.Equal([_web.Uid], Dirty(s => s.Put(Given.Network("vn") with { Advertisement = Advertisement.Default with { Med = 50 } })));
        Assert.Equal(50u, Compiled().Routes[0].Network.Advertisement.Med);
        Assert.Equal([_web.Uid], Dirty(s => s.RemoveExternalNetwork(Given.Uid("network", "vn"))));
        Assert.Empty(Compiled().Routes);
    }

    [Fact]
    public void A_floating_IP_that_a_service_takes_is_compiled_with_the_service()
    {
        var reserved = Given.External("100.0.0.9", "vn") with { Reserved = true, Interfaces = ["pod-1"] };
        Assert.Equal([reserved.Uid], Dirty(s => s.Put(reserved)));
        Assert.NotNull(_state.Compile(reserved.Uid));
        Assert.Equal(new HashSet<Guid> { reserved.Uid, _web.Uid }, Dirty(s => s.Put(_pod with { Ready = false })));

        Assert.Equal(new HashSet<Guid> { reserved.Uid, _web.Uid }, Dirty(s => s.Put(reserved with { Service = _web.Uid, Interfaces = [] })));
        Assert.Null(_state.Compile(reserved.Uid));
        Assert.Equal(2, _state.FloatingIPsOf(_web.Uid).Count);
    }

    [Fact]
    public void An_owner_that_is_gone_compiles_to_null()
    {
        Assert.Equal([_web.Uid], Dirty(s => s.RemoveService(_web.Uid)));
        Assert.Null(_state.Compile(_web.Uid));
        Assert.Null(_state.Compile(_external.Uid));
        Assert.Empty(Dirty(s => s.Put(_pod with { Ready = false })));
    }

    [Fact]
    public void A_service_deleted_or_a_floating_IP_deleted_asks_for_nothing()
    {
        _state.Put(Given.ClusterIP("10.233.0.5", "web"));
        _state.Put(_external with { Deleting = true });
        Assert.All(Compiled().NatEntries, f => Assert.Equal("10.233.0.5", f.Key.Address!.ToString()));
        Assert.Empty(Compiled().Routes);
        _state.Put(_web with { Deleting = true });
        Assert.Empty(Compiled().NatEntries);
        Assert.Equal(1, Compiled().EndpointsTotal);
    }

    [Fact]
    public void A_checked_endpoint_gets_no_traffic_before_its_first_success_and_a_missing_check_is_a_problem()
    {
        _state.Put(_pod with { HealthCheck = "http-hc" });
        Assert.Equal(0, Compiled().EndpointsReady);
        Assert.Contains(Compiled().Problems, p => p.Reason == ConditionReason.HealthCheckNotFound && p.Message.Contains("ns1/http-hc", StringComparison.Ordinal));
        Assert.Null(_state.ProbeOf(_pod.Uid));

        _state.TakeDirtyOwners();
        _state.TakeDirtyInterfaces();
        Assert.Equal([_web.Uid], Dirty(s => s.Put(Given.HealthCheck("http-hc"))));
        Assert.Equal([_pod.Uid], _state.TakeDirtyInterfaces());
        Assert.Empty(Compiled().Problems);
        Assert.Equal(0, Compiled().EndpointsReady);
        Assert.Equal(new Probe(_pod.Uid, "compute1", _pod.Addresses[0], Given.HealthCheck("http-hc"), EndpointHealth.Unknown), _state.ProbeOf(_pod.Uid));

        _state.Put(_pod with { HealthCheck = "http-hc", Health = EndpointHealth.Healthy });
        Assert.Equal(1, Compiled().EndpointsReady);
        Assert.Equal([_pod.Uid], _state.TakeDirtyInterfaces());

        _state.TakeDirtyOwners();
        Assert.Empty(Dirty(s => s.Put(_pod with { HealthCheck = "http-hc", Health = EndpointHealth.Healthy })));
        Assert.Equal([_pod.Uid], _state.TakeDirtyInterfaces());
        Assert.Empty(Dirty(s => s.Put(Given.HealthCheck("http-hc") with { Delay = 9 })));
        Assert.Equal([_pod.Uid], _state.TakeDirtyInterfaces());
        _state.RemoveVirtualMachineInterface(_pod.Uid);
        Assert.Equal([_pod.Uid], _state.TakeDirtyInterfaces());
        Assert.Null(_state.ProbeOf(_pod.Uid));
    }

    [Fact]
    public void Attachments_show_the_chosen_endpoints_with_their_address_of_the_family()
    {
        _state.Put(Given.Endpoint("pod-0", "app=web", "compute9", "2001:db8::5", "10.233.64.11"));
        Assert.Equal(
            ["pod-0 compute9 10.233.64.11 False", "pod-1 compute1 10.233.64.10 True"],
            _state.AttachmentsOf(_web.Uid, IPFamily.IPv4).Select(a => $"{a.VirtualMachineInterface} {a.VirtualRouter} {a.Address} {a.Ready}"));
        Assert.Equal(["2001:db8::5"], _state.AttachmentsOf(_web.Uid, IPFamily.IPv6).Select(a => a.Address.ToString()));
        Assert.Empty(_state.AttachmentsOf(Guid.NewGuid()));
        Assert.Contains(Compiled().Problems, p => p.Reason == ConditionReason.VirtualRouterNotFound);
    }

    [Fact]
    public void An_endpoint_with_an_address_of_the_infrastructure_is_not_served()
    {
        Assert.NotEmpty(Compiled().NatEntries);
        _state.Put(_pod with { HasInfrastructureAddress = true });
        Assert.Empty(Compiled().NatEntries);
        Assert.Equal(0, Compiled().EndpointsReady);
        Assert.Contains(Compiled().Problems, p => p.Reason == ConditionReason.InfrastructureAddress);
        _state.Put(_pod with { HasInfrastructureAddress = true, Ready = false });
        Assert.Empty(Compiled().NatEntries);
    }

    [Fact]
    public void A_floating_IP_with_an_address_of_the_infrastructure_is_not_served_and_the_others_of_its_owner_are()
    {
        _state.Put(Given.External("100.0.0.5", "vn", "web"));
        _state.TakeDirtyOwners();
        Assert.Equal([_web.Uid], Dirty(s => s.Put(_external with { HasInfrastructureAddress = true })));
        Assert.DoesNotContain(Compiled().NatEntries, e => _external.Address.Equals(e.Key.Address));
        Assert.Equal(["100.0.0.5"], Compiled().Routes.Select(r => r.Address.ToString()));
        Assert.Contains(Compiled().NatEntries, e => e.Key.Address?.ToString() == "100.0.0.5");
        Assert.Contains(Compiled().Problems, p => p is { Reason: ConditionReason.InfrastructureAddress, WithholdsAddress: true });
        _state.Put(_external);
        Assert.Equal(2, Compiled().Routes.Count);
        Assert.Empty(Compiled().Problems);

        var attached = Given.External("100.0.0.9", "vn") with { Reserved = true, Interfaces = ["pod-1"], HasInfrastructureAddress = true };
        _state.Put(attached);
        var compiled = _state.Compile(attached.Uid)!;
        Assert.Empty(compiled.NatEntries);
        Assert.Empty(compiled.Routes);
        Assert.Contains(compiled.Problems, p => p.Reason == ConditionReason.InfrastructureAddress);
    }

    [Fact]
    public void The_younger_of_two_resources_with_one_name_counts_in_any_order()
    {
        var replacement = _compute1 with { Uid = Guid.Parse("ffffffff-ffff-7fff-bfff-ffffffffffff"), Address = System.Net.IPAddress.Parse("172.27.115.200") };
        _state.Put(replacement);
        Assert.Equal("172.27.115.200", Compiled().Routes[0].NextHop.ToString());
        _state.Put(_compute1 with { AdminDown = true });
        Assert.Equal("172.27.115.200", Compiled().Routes[0].NextHop.ToString());
        _state.RemoveVirtualRouter(_compute1.Uid);
        Assert.Equal("172.27.115.200", Compiled().Routes[0].NextHop.ToString());
    }

    [Fact]
    public void A_first_load_marks_every_owner_and_every_checked_endpoint()
    {
        var state = new NetworkState();
        var direct = Given.External("100.0.0.9", "vn") with { Reserved = true, Interfaces = ["pod-1"] };
        var check = Given.Endpoint("pod-2", "app=other", "compute1", "10.233.64.11") with { HealthCheck = "http-hc" };
        state.Put(_web);
        state.Put(_external);
        state.Put(_pod);
        state.Put(check);
        state.Put(direct);
        state.Put(Given.External("100.0.0.10", "vn") with { Reserved = true });
        Assert.Equal(new HashSet<Guid> { _web.Uid, direct.Uid }, [.. state.TakeDirtyOwners()]);
        Assert.Equal([check.Uid], state.TakeDirtyInterfaces());
    }

    private CompiledOwner Compiled() => _state.Compile(_web.Uid)!;

    private HashSet<Guid> Dirty(Action<NetworkState> change)
    {
        change(_state);
        return [.. _state.TakeDirtyOwners()];
    }
}
