using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Network.Tests.Status;

public sealed class ServiceStatusTests
{
    private static readonly ServiceFacts Serving = new()
    {
        Generation = 3,
        HasExternal = true,
        EndpointsTotal = 3,
        EndpointsReady = 2,
        Programmed = true,
        RoutesWanted = 2,
        RoutesInSpeaker = 2,
        RoutesSent = 2,
    };

    // Expected: the state, then T or F and the reason of Allocated, Programmed, Advertised and Ready.
    public static TheoryData<string, ServiceFacts, string> Cases => new()
    {
        { "serving", Serving, "Success | T Allocated | T Programmed | T Advertised | T Ready" },
        { "fresh", new ServiceFacts { HasExternal = true }, "Success | T Allocated | F AwaitingVirtualRouters | F NoReadyEndpoints | F AwaitingVirtualRouters" },
        { "no network", new ServiceFacts { PendingReason = "NoExternalNetwork", Programmed = true }, "Pending | F NoExternalNetwork | T Programmed | F NotAllocated | F NotAllocated" },
        { "exhausted", Serving with { PendingReason = "AddressesExhausted" }, "Pending | F AddressesExhausted | T Programmed | T Advertised | F NotAllocated" },
        { "awaited", Serving with { Programmed = false, VirtualRoutersAwaited = ["compute1"], RoutesInSpeaker = 1, RoutesSent = 1 }, "Success | T Allocated | F AwaitingVirtualRouters | F AwaitingSpeaker | F AwaitingVirtualRouters" },
        { "refused", Serving with { Programmed = false, VirtualRouterErrors = [new("compute1", "No space left.")] }, "Failure | T Allocated | F VirtualRouterRefused | T Advertised | F VirtualRouterRefused" },
        { "no endpoints", Serving with { EndpointsTotal = 0, EndpointsReady = 0, RoutesWanted = 0, RoutesInSpeaker = 0, RoutesSent = 0 }, "Success | T Allocated | T Programmed | F NoReadyEndpoints | F NoEndpoints" },
        { "none ready", Serving with { EndpointsReady = 0, RoutesWanted = 0, RoutesInSpeaker = 0, RoutesSent = 0 }, "Success | T Allocated | T Programmed | F NoReadyEndpoints | F NoReadyEndpoints" },
        { "no peer", Serving with { FamiliesWithoutPeer = ["inet"], RoutesSent = 0 }, "Success | T Allocated | T Programmed | F NoPeer | F NoPeer" },
        { "a route refused", Serving with { RoutesInSpeaker = 1, RoutesSent = 1, RoutesRefused = 1, RouteRefusal = "Label 9 cannot be advertised." }, "Success | T Allocated | T Programmed | F RouteRefused | F RouteRefused" },
        { "a route refused, no BGP", Serving with { BgpEnabled = false, RoutesRefused = 1, RouteRefusal = "Label 9 cannot be advertised." }, "Success | T Allocated | T Programmed | F BgpDisabled | T Ready" },
        { "not sent", Serving with { RoutesSent = 1 }, "Success | T Allocated | T Programmed | F AwaitingPeers | F AwaitingPeers" },
        { "no ADD-PATH", Serving with { RoutesSent = 1, AddPathLimited = true }, "Success | T Allocated | T Programmed | T AddPathLimited | T Ready" },
        { "outside of the grant", Serving with { OutsideGrantOf = ["tenant"], RoutesSent = 0 }, "Success | T Allocated | T Programmed | F OutsideGrant | F OutsideGrant" },
        { "outside of the grant, and no peer", Serving with { OutsideGrantOf = ["tenant"], RoutesSent = 0, FamiliesWithoutPeer = ["inet"] }, "Success | T Allocated | T Programmed | F OutsideGrant | F OutsideGrant" },
        { "a router is full", Serving with { RoutersFull = ["vmx1"], RoutesSent = 0 }, "Success | T Allocated | T Programmed | F PeerLimit | F PeerLimit" },
        { "another router has it", Serving with { RoutersFull = ["vmx1"] }, "Success | T Allocated | T Programmed | F PeerLimit | F PeerLimit" },
        { "engine away", Serving with { FamiliesWithoutPeer = ["inet"], EngineAwayAt = "cn-a", RoutesSent = 0 }, "Success | T Allocated | T Programmed | F NoPeer | F NoPeer" },
        { "no BGP", Serving with { BgpEnabled = false, RoutesInSpeaker = 0, RoutesSent = 0, FamiliesWithoutPeer = ["inet"] }, "Success | T Allocated | T Programmed | F BgpDisabled | T Ready" },
        { "maintenance", Serving with { RoutesWanted = 0, RoutesInSpeaker = 0, RoutesSent = 0 }, "Success | T Allocated | T Programmed | F VirtualRoutersDown | F VirtualRoutersDown" },
        { "overlay", Serving with { RoutesWanted = 0, Problems = [new CompilationProblem("NoRouteTarget", "None.", true)] }, "Success | T Allocated | T Programmed | F NoRouteTarget | F NoRouteTarget" },
        { "one node without address6", Serving with { Problems = [new CompilationProblem("NextHopMissing", "VirtualRouter compute2 has no IPv6 address.")] }, "Success | T Allocated | T Programmed | T Advertised | T Ready" },
        { "no node with address6", Serving with { Problems = [new CompilationProblem("NextHopMissing", "No.", true)] }, "Success | T Allocated | T Programmed | F NextHopMissing | F NextHopMissing" },
        { "v6 only, v4 pods", Serving with { RoutesWanted = 0, Problems = [new CompilationProblem("NoEndpointOfFamily", "No.")] }, "Success | T Allocated | T Programmed | F NoEndpointOfFamily | F NoEndpointOfFamily" },
        { "cluster IP", new ServiceFacts { Type = ServiceType.ClusterIP, Programmed = true, EndpointsTotal = 1, EndpointsReady = 1 }, "Success | T Allocated | T Programmed | T NotApplicable | T Ready" },
        { "cluster IPs exhausted", new ServiceFacts { Type = ServiceType.ClusterIP, PendingReason = "ClusterIPsExhausted" }, "Pending | F ClusterIPsExhausted | F AwaitingVirtualRouters | T NotApplicable | F NotAllocated" },
        { "deleting, routes left", Serving with { Deleting = true }, "Deleting | T Allocated | T Programmed | T Deleting | F Deleting" },
        { "deleting, a control node gone", Serving with { Deleting = true, RoutesInSpeaker = 0, ControlNodesGone = ["control"] }, "Deleting | T Allocated | T Programmed | T AwaitingControlNodes | F AwaitingControlNodes" },
        { "deleting, another control node announces", Serving with { Deleting = true, RoutesInSpeaker = 0, ControlNodesAnnouncing = ["control"] }, "Deleting | T Allocated | T Programmed | T AwaitingControlNodes | F Deleting" },
        { "a control node gone", Serving with { ControlNodesGone = ["control"] }, "Success | T Allocated | T Programmed | T Advertised | T Ready" },
        { "deleting, pending", new ServiceFacts { Deleting = true, PendingReason = "NoExternalNetwork" }, "Deleting | F NoExternalNetwork | F AwaitingVirtualRouters | F Deleting | F Deleting" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Facts_give_state_and_conditions(string name, ServiceFacts facts, string expected)
    {
        var status = ServiceStatusCompiler.Compile(facts);
        Assert.True(expected == Text(status), $"{name}: {Text(status)}");
        Assert.Equal(["Allocated", "Programmed", "Advertised", "Ready"], status.Conditions.Select(c => c.Type));
        Assert.All(status.Conditions, c => Assert.Equal(facts.Generation, c.ObservedGeneration));
        Assert.All(status.Conditions, c => Assert.Matches("^[A-Z0-9v].*[.]$", c.Message));
        Assert.Equal(status, ServiceStatusCompiler.Compile(facts with { }));
    }

    [Fact]
    public void Messages_name_the_awaited_vRouters_and_the_refusal()
    {
        var awaited = ServiceStatusCompiler.Compile(Serving with { VirtualRoutersAwaited = ["c1", "c2", "c3", "c4", "c5"] });
        Assert.Contains("vRouters c1, c2, c3 and 2 more", awaited[ConditionType.Programmed].Message, StringComparison.Ordinal);
        var refused = ServiceStatusCompiler.Compile(Serving with { VirtualRouterErrors = [new("compute1", "No space left.")] });
        Assert.Contains("compute1 refused its entries: No space left.", refused[ConditionType.Ready].Message, StringComparison.Ordinal);
        var elsewhere = ServiceStatusCompiler.Compile(Serving with { RefusedElsewhere = ["compute2"] });
        Assert.Contains("vRouter compute2 refuses entries of it", elsewhere[ConditionType.Programmed].Message, StringComparison.Ordinal);
        Assert.Equal(ConditionStatus.True, elsewhere[ConditionType.Programmed].Status);
        var dangling = ServiceStatusCompiler.Compile(Serving with { Problems = [new("HealthCheckNotFound", "ServiceHealthCheck ns1/hc does not exist.")] });
        Assert.EndsWith("ServiceHealthCheck ns1/hc does not exist.", dangling[ConditionType.Ready].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, TrafficKinds.All, false, "vRouter compute1 stops the traffic, and no other node")]
    [InlineData(2, TrafficKinds.All, true, "vRouter compute1 stops the traffic: clients")]
    [InlineData(1, TrafficKinds.IPv6, false, "vRouter compute1 stops the IPv6 traffic, and no other node")]
    [InlineData(2, TrafficKinds.IPv4 | TrafficKinds.Vpn, true, "vRouter compute1 stops the IPv4 and VPN traffic: clients")]
    public void Ready_is_lost_when_something_on_every_node_that_carries_it_stops_the_traffic(int carriers, TrafficKinds stopped, bool ready, string expected)
    {
        var status = ServiceStatusCompiler.Compile(Serving with { Carriers = carriers, NotForwarding = [new("compute1", stopped)] })[ConditionType.Ready];
        Assert.Equal(ready ? (ConditionStatus.True, ConditionReason.Ready) : (ConditionStatus.False, ConditionReason.NotForwarding), (status.Status, status.Reason));
        Assert.Contains(expected, status.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_that_stop_different_kinds_of_traffic_leave_each_kind_a_way()
    {
        var status = ServiceStatusCompiler.Compile(Serving with { Carriers = 2, NotForwarding = [new("compute1", TrafficKinds.IPv4), new("compute2", TrafficKinds.IPv6)] })[ConditionType.Ready];
        Assert.Equal(ConditionStatus.True, status.Status);
        Assert.Contains("vRouters compute1, compute2 stops the IPv4 and IPv6 traffic: clients", status.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_engine_that_is_away_is_named_by_its_control_node(bool deleting)
    {
        var away = Serving with { Deleting = deleting, FamiliesWithoutPeer = ["inet"], EngineAwayAt = "cn-a", RoutesInSpeaker = 0, RoutesSent = 0 };
        Assert.Contains("BGP engine of control node cn-a", ServiceStatusCompiler.Compile(away)[ConditionType.Advertised].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_next_hop_that_nobody_withdraws_is_named_with_who_announces_it()
    {
        var status = ServiceStatusCompiler.Compile(Serving with { NextHopsLeft = [new("cn-b", "172.27.115.243")] });
        Assert.Equal(ConditionReason.AwaitingControlNodes, status[ConditionType.Advertised].Reason);
        foreach (var type in new[] { ConditionType.Advertised, ConditionType.Ready })
            Assert.Contains("Control node cn-b is gone, and its BGP engine may still send clients to 172.27.115.243, where", status[type].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_family_that_no_peer_has_is_named()
    {
        var message = ServiceStatusCompiler.Compile(Serving with { RoutesWanted = 2, FamiliesWithoutPeer = ["inet6"] })[ConditionType.Advertised].Message;
        Assert.StartsWith("No BgpRouter with the address family inet6 is Established", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_loss_of_many_vRouters_holds_up_says_so_and_what_to_do()
    {
        var held = Serving with { Programmed = false, VirtualRoutersAwaited = ["c1", "c2"], VirtualRoutersHeld = ["c2"] };
        var (programmed, deleting) = (ServiceStatusCompiler.Compile(held)[ConditionType.Programmed], ServiceStatusCompiler.Compile(held with { Deleting = true })[ConditionType.Ready]);
        Assert.Equal((ConditionReason.AwaitingVirtualRouters, ConditionReason.Deleting), (programmed.Reason, deleting.Reason));
        foreach (var message in new[] { programmed.Message, deleting.Message })
            Assert.Contains("VirtualRouter c2 went away together with many others (MassLoss)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("MassLoss", ServiceStatusCompiler.Compile(held with { VirtualRoutersHeld = [] })[ConditionType.Programmed].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reserved", "Success | T Allocated | T NotAttached | F NotAttached | F NotAttached")]
    [InlineData("cluster", "Success | T Allocated | T Programmed | T NotApplicable | T Ready")]
    [InlineData("external", "Success | T Allocated | T Programmed | T Advertised | T Ready")]
    [InlineData("refused", "Failure | T Allocated | F VirtualRouterRefused | T Advertised | F VirtualRouterRefused")]
    [InlineData("deleting", "Deleting | T Allocated | T Programmed | F Deleting | F Deleting")]
    public void A_floating_IP_has_the_same_conditions(string name, string expected)
    {
        var serving = new FloatingIPFacts
        {
            Kind = FloatingIPKind.External,
            Attached = true,
            EndpointsTotal = 1,
            EndpointsReady = 1,
            Programmed = true,
            RoutesWanted = 1,
            RoutesInSpeaker = 1,
            RoutesSent = 1,
        };
        var facts = name switch
        {
            "reserved" => new FloatingIPFacts { Kind = FloatingIPKind.External },
            "cluster" => serving with { Kind = FloatingIPKind.ClusterIP, RoutesWanted = 0 },
            "refused" => serving with { VirtualRouterErrors = [new("c1", "no")] },
            "deleting" => new FloatingIPFacts { Kind = FloatingIPKind.External, Deleting = true, Programmed = true },
            _ => serving,
        };
        Assert.Equal(expected, Text(FloatingIPStatusCompiler.Compile(facts)));
    }

    [Fact]
    public void A_port_map_is_written_as_in_CN2()
    {
        Assert.Equal("TCP/8080->80,UDP/53->53", PortMappingText.Of([new PortMapping(TransportProtocol.TCP, 8080, 80), new(TransportProtocol.UDP, 53, 53)]));
        Assert.Equal("TCP/8080->80", PortMappingText.Of([new ServicePort("http", TransportProtocol.TCP, 8080, 80, 30001)]));
        Assert.Equal("", PortMappingText.Of(EquatableList<PortMapping>.Empty));
    }

    private static string Text(StatusResult status) => $"{status.State} | " + string.Join(
        " | ",
        status.Conditions.Select(c => $"{(c.Status == ConditionStatus.True ? "T" : "F")} {c.Reason}"));
}
