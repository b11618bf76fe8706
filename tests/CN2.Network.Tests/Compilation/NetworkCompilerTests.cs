using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Compilation;

public sealed class NetworkCompilerTests
{
    private readonly NetworkState _state = new();

    public NetworkCompilerTests()
    {
        _state.Put(Given.Network("vn"));
        _state.Put(Given.VirtualRouter("compute1", "172.27.115.242", "2001:db8:115::242"));
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243"));
        _state.Put(Given.Endpoint("pod-1", "app=web", "compute1", "10.233.64.10", "fd00::10"));
        _state.Put(Given.Endpoint("pod-2", "app=web", "compute1", "10.233.64.11"));
        _state.Put(Given.Endpoint("pod-3", "app=web", "compute2", "10.233.65.10", "fd00::20"));
        _state.Put(Given.External("100.0.0.4", "vn", "web"));
        _state.Put(Given.ClusterIP("10.233.0.5", "web"));
    }

    [Fact]
    public void An_empty_selector_selects_nothing()
    {
        var compiled = Compile(Given.Service("web", ""));
        Assert.Equal(0, compiled.EndpointsTotal);
        Assert.Empty(compiled.NatEntries);
        Assert.Empty(compiled.Routes);
    }

    [Fact]
    public void An_endpoint_that_is_held_back_takes_no_flows_and_the_service_says_why()
    {
        _state.Put(Given.HealthCheck("hc"));
        foreach (var (name, held) in new[] { ("pod-1", true), ("pod-2", false) })
            _state.Put(Given.Endpoint(name, "app=web", "compute1", name == "pod-1" ? "10.233.64.10" : "10.233.64.11") with { HealthCheck = "hc", Health = EndpointHealth.Healthy, HeldBack = held });
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Equal(["10.233.64.11:80 local"], On(NatEntry(compiled, "100.0.0.4"), "compute1"));
        Assert.Equal((3, 2), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.Equal(ConditionReason.Flapping, Assert.Single(compiled.Problems).Reason);
    }

    [Fact]
    public void Of_too_many_endpoints_the_oldest_that_take_flows_are_used_and_every_route_has_one()
    {
        const int more = 500;
        _state.Put(Given.VirtualRouter("compute3", "172.27.115.244"));
        var added = Enumerable.Range(0, Limits.EndpointsOfService + more).Select(i => Given.Endpoint($"many-{i}", "app=web", "compute2", $"10.100.{i >> 8}.{i & 255}") with
        {
            Uid = new Guid(i, 7, 0, new byte[8]),
            // The oldest are down, and the youngest are alone on their node.
            Ready = true,
            HealthCheck = i < more ? "gone" : null,
            VirtualRouter = i >= Limits.EndpointsOfService + more - 5 ? "compute3" : "compute2",
        }).ToList();
        foreach (var endpoint in added) _state.Put(endpoint);
        foreach (var young in new[] { "pod-1", "pod-2", "pod-3" }) _state.RemoveVirtualMachineInterface(Given.Uid("interface", young));
        _state.Put(added[0] with { Uid = Guid.Parse("ffffffff-0000-7000-8000-000000000000"), Id = Given.Name("youngest"), VirtualRouter = "compute1", HealthCheck = null });
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Equal(Limits.EndpointsOfService, NatEntry(compiled, "100.0.0.4").Backends.Count);
        Assert.Equal(["172.27.115.243", "172.27.115.244"], compiled.Routes.Select(r => r.NextHop.ToString()));
        Assert.Equal((Limits.EndpointsOfService + more + 1, Limits.EndpointsOfService), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.Contains(compiled.Problems, p => p.Reason == ConditionReason.TooManyEndpoints && !p.WithholdsAddress);
    }

    [Theory]
    [InlineData(1, Limits.EndpointsOfService)]
    [InlineData(2, Limits.EndpointsOfService)]
    [InlineData(3, Limits.EntriesOfService / 3)]
    [InlineData(Limits.Ports, Limits.EntriesOfService / Limits.Ports)]
    public void With_many_ports_fewer_endpoints_are_used(int ports, int used)
    {
        var service = Given.Service("web", "app=web", [.. Enumerable.Range(1, ports).Select(p => Given.Port((ushort)p, 80))]);
        var compiled = CompileWithEndpoints(service, used);
        Assert.Equal((used, used), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.Empty(compiled.Problems);

        compiled = CompileWithEndpoints(service, used + 1);
        Assert.Equal((used + 1, used), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.Equal((2 * ports, used), (compiled.NatEntries.Count, compiled.NatEntries.Select(e => e.Backends.Count).Distinct().Single()));
        Assert.DoesNotContain(compiled.NatEntries[0].Backends, b => b.VirtualRouter == "compute1");
        var problem = Assert.Single(compiled.Problems);
        Assert.Equal((ConditionReason.TooManyEndpoints, false), (problem.Reason, problem.WithholdsAddress));
        Assert.StartsWith($"{used + 1} endpoints could take traffic and {used} do, the oldest", problem.Message);
        Assert.Equal(used < Limits.EndpointsOfService, problem.Message.Contains($"{ports} ports", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 8192)]
    [InlineData(4, 8192)]
    [InlineData(5, 4096)]
    [InlineData(Limits.Ports, 256)]
    public void The_slots_of_a_service_are_shared_by_its_ports_at_all_its_addresses_whatever_their_health(int ports, int slots)
    {
        var service = Given.Service("web", "app=web", [.. Enumerable.Range(1, ports).Select(p => Given.Port((ushort)p, 80))]);
        foreach (var endpoints in (int[])[1, 100])
        {
            var compiled = CompileWithEndpoints(service, endpoints);
            Assert.Equal(2 * ports, compiled.NatEntries.Count);
            Assert.All(compiled.NatEntries, e => Assert.Equal((slots, slots, slots), (e.MostSlots, e.On("compute1")!.MostSlots, SlotBudget.OfEach(2 * ports))));
        }
    }

    [Fact]
    public void A_stored_service_with_more_ports_than_entries_has_one_endpoint()
    {
        var service = Given.Service("web", "app=web", [.. Enumerable.Range(1, Limits.EntriesOfService + 1).Select(p => Given.Port((ushort)p, 80))]);
        var compiled = CompileWithEndpoints(service, 2);
        Assert.Equal((2, 1), (compiled.EndpointsTotal, compiled.EndpointsReady));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(20, 0)]
    [InlineData(21, 1000 - (Limits.EntriesOfService / 21))]
    [InlineData(Limits.Ports, 1000 - (Limits.EntriesOfService / Limits.Ports))]
    public void A_floatingIP_with_many_port_mappings_uses_fewer_of_its_interfaces(int mappings, int unused)
    {
        var floatingIP = Given.External("100.0.0.9", "vn") with { PortMappings = [.. Enumerable.Range(1, mappings).Select(p => new PortMapping(TransportProtocol.UDP, (ushort)p, 80))] };
        var endpoints = Endpoints(Limits.Interfaces);
        var compiled = NetworkCompiler.CompileFloatingIP(floatingIP with { Interfaces = [.. endpoints.Select(e => e.Interface.Id.Name)] }, endpoints, _ => Given.Network("vn"));
        Assert.Equal((1000, 1000 - unused), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.All(compiled.NatEntries, e => Assert.Equal(1000 - unused, e.Backends.Count));
        Assert.Equal(unused == 0 ? [] : [ConditionReason.TooManyEndpoints], compiled.Problems.Select(p => p.Reason));
    }

    [Fact]
    public void Endpoints_of_another_namespace_are_never_chosen()
    {
        _state.Put(Given.Endpoint("ns2/pod-9", "app=web", "compute1", "10.233.64.99"));
        Assert.Equal(3, Compile(Given.Service("web", "app=web")).EndpointsTotal);
    }

    [Fact]
    public void Local_external_traffic_stays_on_its_node_and_a_cluster_IP_reaches_all()
    {
        var compiled = Compile(Given.Service("web", "app=web"));
        var external = NatEntry(compiled, "100.0.0.4");
        var cluster = NatEntry(compiled, "10.233.0.5");
        Assert.Equal(["10.233.64.10:80 local", "10.233.64.11:80 local"], On(external, "compute1"));
        Assert.Equal(["10.233.65.10:80 local"], On(external, "compute2"));
        Assert.Empty((external.On("compute3")?.Backends ?? []));
        Assert.Equal(["10.233.64.10:80 remote", "10.233.64.11:80 remote", "10.233.65.10:80 remote"], On(cluster, "compute3"));
        Assert.Equal(["10.233.64.10:80 local", "10.233.64.11:80 local", "10.233.65.10:80 remote"], On(cluster, "compute1"));
        Assert.Equal(["172.27.115.242", "172.27.115.243"], compiled.Routes.Select(r => r.NextHop.ToString()));
    }

    [Fact]
    public void Callers_inside_reach_the_endpoints_of_other_nodes_from_a_node_without_a_ready_one()
    {
        var web = Given.Service("web", "app=web");
        var external = NatEntry(Compile(web), "100.0.0.4");
        Assert.Equal(["10.233.64.10:80", "10.233.64.11:80", "10.233.65.10:80"], Inside(external, "compute3"));
        Assert.False(external.On("compute3")!.Carries);
        Assert.Empty(Inside(external, "compute1"));

        _state.Put(Given.Endpoint("pod-3", "app=web", "compute2", "10.233.65.10") with { Ready = false });
        var drains = NatEntry(Compile(web), "100.0.0.4").On("compute2")!;
        Assert.Equal((0, 1, 2), (drains.Backends.Count, drains.Draining.Count, drains.Inside.Count));

        // The endpoints of a lost vRouter are reached by itself alone.
        _state.Put(Given.VirtualRouter("compute1", "172.27.115.242") with { Lost = true });
        Assert.Empty(Inside(NatEntry(Compile(web), "100.0.0.4"), "compute3"));
    }

    [Fact]
    public void An_attached_floatingIP_is_reached_from_inside_as_well_and_one_in_a_VPN_is_not()
    {
        var endpoints = Endpoints(2);
        var floatingIP = Given.External("100.0.0.9", "vn") with { Interfaces = [.. endpoints.Select(e => e.Interface.Id.Name)] };
        foreach (var forwarding in (bool[])[true, false])
        {
            var compiled = NetworkCompiler.CompileFloatingIP(floatingIP, endpoints, _ => Given.Network("vn") with { FabricForwarding = forwarding });
            var entry = Assert.Single(compiled.NatEntries);
            Assert.Equal(forwarding ? 2 : 0, entry.On("compute9")?.Inside.Count ?? 0);
            Assert.Equal(forwarding, entry.ReachesEveryVirtualRouter);
        }
    }

    [Fact]
    public void Only_the_nodes_of_routes_refuse_other_ports_and_answer_echo_requests()
    {
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243") with { AdminDown = true });
        foreach (var policy in Enum.GetValues<ExternalTrafficPolicy>())
        {
            var compiled = Compile(Given.Service("web", "app=web") with { ExternalTrafficPolicy = policy });
            var external = NatEntry(compiled, "100.0.0.4");
            Assert.Equal([(true, true), (false, false), (false, false)], ((string[])["compute1", "compute2", "compute3"]).Select(n => (external.On(n)!.RefusesOthers, external.On(n)!.AnswersPing)));
            Assert.False(NatEntry(compiled, "10.233.0.5").On("compute1")!.RefusesOthers);
        }

        _state.Put(Given.Network("vn") with { AnswerPing = false });
        var silent = NatEntry(Compile(Given.Service("web", "app=web")), "100.0.0.4").On("compute1")!;
        Assert.Equal((true, false), (silent.RefusesOthers, silent.AnswersPing));
    }

    [Fact]
    public void Cluster_policy_uses_any_endpoint_but_routes_only_to_nodes_with_a_local_one()
    {
        _state.Put(Given.VirtualRouter("compute3", "172.27.115.244"));
        var compiled = Compile(Given.Service("web", "app=web") with { ExternalTrafficPolicy = ExternalTrafficPolicy.Cluster });
        Assert.Equal(3, (NatEntry(compiled, "100.0.0.4").On("compute3")?.Backends ?? []).Count);
        Assert.Equal(["compute1", "compute2"], compiled.Routes.Select(r => r.VirtualRouter));
    }

    [Fact]
    public void A_lost_virtual_router_keeps_its_entries_loses_its_routes_and_gets_no_traffic_from_others()
    {
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243") with { Lost = true });
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Equal(["compute1"], compiled.Routes.Select(r => r.VirtualRouter));
        Assert.Equal(["10.233.65.10:80 local"], On(NatEntry(compiled, "100.0.0.4"), "compute2"));
        Assert.Equal(["10.233.64.10:80 local", "10.233.64.11:80 local"], On(NatEntry(compiled, "10.233.0.5"), "compute1"));
        Assert.Equal(3, (NatEntry(compiled, "10.233.0.5").On("compute2")?.Backends ?? []).Count);
        Assert.Equal(2, compiled.EndpointsReady);
    }

    [Fact]
    public void Maintenance_withdraws_routes_and_keeps_everything_else()
    {
        var before = Compile(Given.Service("web", "app=web"));
        _state.Put(Given.VirtualRouter("compute2", "172.27.115.243") with { AdminDown = true });
        var after = _state.Compile(before.Owner)!;
        Assert.Equal(before.NatEntries.Select(Silent), after.NatEntries.Select(Silent));
        Assert.Equal(3, after.EndpointsReady);
        Assert.Equal(["compute1"], after.Routes.Select(r => r.VirtualRouter));

        static NatEntry Silent(NatEntry entry) => entry with { Answers = FloatingIPAnswers.None };
    }

    [Fact]
    public void Ready_health_and_virtual_router_decide_which_endpoints_take_new_flows()
    {
        _state.Put(Given.HealthCheck("hc"));
        _state.Put(Given.Endpoint("pod-1", "app=web", "compute1", "10.233.64.10") with { Ready = false });
        _state.Put(Given.Endpoint("pod-2", "app=web", "compute1", "10.233.64.11") with { HealthCheck = "hc", Health = EndpointHealth.Unhealthy });
        _state.Put(Given.Endpoint("pod-3", "app=web", "compute9", "10.233.65.10"));
        _state.Put(Given.Endpoint("pod-4", "app=web", "compute2", "10.233.65.11") with { HealthCheck = "hc", Health = EndpointHealth.Healthy });
        _state.Put(Given.Endpoint("pod-5", "app=web", "compute2", "10.233.65.12") with { Health = EndpointHealth.Unhealthy });
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Equal((5, 2), (compiled.EndpointsTotal, compiled.EndpointsReady));
        Assert.Equal(["10.233.65.11:80 local", "10.233.65.12:80 local"], On(NatEntry(compiled, "100.0.0.4"), "compute2"));
        Assert.Equal(["compute2"], compiled.Routes.Select(r => r.VirtualRouter));
    }

    [Fact]
    public void Node_ports_are_on_every_address_of_every_node_once_for_each_family()
    {
        _state.Put(Given.ClusterIP("fd85::5", "web"));
        var compiled = Compile(Given.Service("web", "app=web", Given.Port(8080, 80, 30001), Given.Port(53, 53, 0, TransportProtocol.UDP)));
        var nodePorts = compiled.NatEntries.Where(f => f.Key.Address is null).ToList();
        Assert.Equal(["node port IPv4 TCP/30001", "node port IPv6 TCP/30001"], nodePorts.Select(f => f.Key.ToString()));
        Assert.All(nodePorts, f => Assert.Equal((null, NatEntryScope.EveryVirtualRouter), (f.FloatingIP, f.Scope)));
        Assert.Equal(3, nodePorts[0].Backends.Count);
        Assert.Equal(2, nodePorts[1].Backends.Count);
        Assert.DoesNotContain(Compile(Given.Service("web", "app=web", Given.Port(8080, 80, 30001)) with { Type = ServiceType.ClusterIP }).NatEntries, f => f.Key.Address is null);
    }

    [Fact]
    public void An_IPv6_address_is_routed_through_address6_and_a_virtual_router_without_one_is_a_problem()
    {
        _state.Put(Given.External("2001:db8:100::4", "vn", "web"));
        var compiled = Compile(Given.Service("web", "app=web"));
        var v6 = Assert.Single(compiled.Routes, r => r.Address.ToString() == "2001:db8:100::4");
        Assert.Equal(("compute1", "2001:db8:115::242"), (v6.VirtualRouter, v6.NextHop.ToString()));
        var problem = Assert.Single(compiled.Problems);
        Assert.Equal((ConditionReason.NextHopMissing, false), (problem.Reason, problem.WithholdsAddress));
        Assert.Contains("VirtualRouter compute2 has no IPv6 address", problem.Message, StringComparison.Ordinal);

        _state.Put(Given.VirtualRouter("compute1", "172.27.115.242"));
        Assert.All(_state.Compile(compiled.Owner)!.Problems, p => Assert.True(p.WithholdsAddress));
    }

    [Fact]
    public void Source_ranges_apply_to_external_addresses_of_their_family_only()
    {
        _state.Put(Given.External("2001:db8:100::4", "vn", "web"));
        var compiled = Compile(Given.Service("web", "app=web") with
        {
            LoadBalancerSourceRanges = [IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.0.2.0/24")],
        });
        Assert.Equal(["10.0.0.0/8", "192.0.2.0/24"], NatEntry(compiled, "100.0.0.4").SourceRanges.Select(r => r.ToString()));
        Assert.Empty(NatEntry(compiled, "10.233.0.5").SourceRanges);

        // No IPv6 range is allowed: the entry admits nobody, and there is no route.
        Assert.Equal(["10.0.0.0/8", "192.0.2.0/24"], NatEntry(compiled, "2001:db8:100::4").SourceRanges.Select(r => r.ToString()));
        Assert.DoesNotContain(compiled.Routes, r => r.Address.ToString() == "2001:db8:100::4");
        Assert.Contains(compiled.Problems, p => p is { Reason: ConditionReason.SourceRangesExcludeFamily, WithholdsAddress: true });
    }

    [Fact]
    public void ClientIP_affinity_is_on_every_entry_of_the_service() =>
        Assert.All(Compile(Given.Service("web", "app=web", Given.Port(1, 1, 30001)) with { SessionAffinity = SessionAffinity.ClientIP }).NatEntries, f => Assert.True(f.ClientIPAffinity));

    [Fact]
    public void An_overlay_network_has_entries_and_routes_in_its_own_routing_instance()
    {
        _state.Put(Given.Network("vn", underlay: false));
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Empty(compiled.Problems);
        Assert.All(compiled.Routes, r => Assert.Equal(1, r.RoutingInstance));
        Assert.NotEmpty(compiled.Routes);
        Assert.Equal([0, 1], compiled.NatEntries.Select(f => f.Key.RoutingInstance));
    }

    [Fact]
    public void An_overlay_network_that_exports_no_route_target_is_a_problem()
    {
        _state.Put(Given.Network("vn", underlay: false) with { ExportRouteTargets = [] });
        var compiled = Compile(Given.Service("web", "app=web"));
        Assert.Empty(compiled.Routes);
        Assert.Equal(ConditionReason.NoRouteTarget, Assert.Single(compiled.Problems).Reason);
    }

    [Fact]
    public void A_directly_attached_floating_IP_is_translated_one_to_one_or_by_its_port_map()
    {
        var direct = Given.External("100.0.0.9", "vn") with { Reserved = true, Interfaces = ["pod-3", "pod-1", "pod-8"] };
        _state.Put(direct);
        var compiled = _state.Compile(direct.Uid)!;
        var natEntry = Assert.Single(compiled.NatEntries);
        Assert.Equal("100.0.0.9 (one to one)", natEntry.Key.ToString());
        Assert.Equal(["10.233.64.10:0 local"], On(natEntry, "compute1"));
        Assert.Equal(["10.233.65.10:0 local"], On(natEntry, "compute2"));
        Assert.Equal(2, compiled.Routes.Count);
        Assert.Equal(ConditionReason.InterfaceNotFound, Assert.Single(compiled.Problems).Reason);

        _state.Put(direct with { PortMappings = [new(TransportProtocol.UDP, 53, 5353), new(TransportProtocol.TCP, 8080, 80)] });
        compiled = _state.Compile(direct.Uid)!;
        Assert.Equal(["100.0.0.9 TCP/8080", "100.0.0.9 UDP/53"], compiled.NatEntries.Select(f => f.Key.ToString()));
        Assert.Equal(["10.233.64.10:5353 local"], On(compiled.NatEntries[1], "compute1"));
    }

    [Fact]
    public void An_address_used_on_two_nodes_means_the_local_one()
    {
        _state.Put(Given.Endpoint("pod-4", "app=web", "compute2", "10.233.64.10"));
        var cluster = NatEntry(Compile(Given.Service("web", "app=web")), "10.233.0.5");
        Assert.Equal(["10.233.64.10:80 local", "10.233.64.11:80 remote", "10.233.65.10:80 local"], On(cluster, "compute2"));
        Assert.Equal(["10.233.64.10:80 remote", "10.233.64.11:80 remote", "10.233.65.10:80 remote"], On(cluster, "compute3"));
    }

    private CompiledOwner Compile(Service service)
    {
        _state.Put(service);
        return _state.Compile(service.Uid)!;
    }

    /// <summary>The Service with that many endpoints, and with an address inside and outside.</summary>
    private static CompiledOwner CompileWithEndpoints(Service service, int count) =>
        NetworkCompiler.CompileService(service, [Given.External("100.0.0.4", "vn", "web"), Given.ClusterIP("10.233.0.5", "web")], Endpoints(count), _ => Given.Network("vn"));

    /// <summary>Endpoints that take flows; the youngest is the first, alone on compute1.</summary>
    private static List<ChosenEndpoint> Endpoints(int count)
    {
        var router = Given.VirtualRouter("compute2", "172.27.115.243");
        return
        [
            .. Enumerable.Range(0, count).Select(i => new ChosenEndpoint(
                Given.Endpoint($"many-{i}", "app=web", i == 0 ? "compute1" : "compute2", $"10.100.{i >> 8}.{i & 255}") with { Uid = new Guid(count - i, 7, 0, new byte[8]) },
                i == 0 ? Given.VirtualRouter("compute1", "172.27.115.242") : router,
                true)),
        ];
    }

    private static NatEntry NatEntry(CompiledOwner compiled, string address) => compiled.NatEntries.Single(f => f.Key.Address?.ToString() == address);

    private static IEnumerable<string> Inside(NatEntry natEntry, string virtualRouter) => (natEntry.On(virtualRouter)?.Inside ?? []).Select(b => $"{b.Address}:{b.Port}");

    private static IEnumerable<string> On(NatEntry natEntry, string virtualRouter) =>
        (natEntry.On(virtualRouter)?.Backends ?? []).Select(b => $"{b.Address}:{b.Port} {(b.Local ? "local" : "remote")}");
}
