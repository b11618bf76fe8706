using CN2.Api.Drivers;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Agents learn the nodes of a FloatingIP with routes through several, so that they pass ICMP errors on to each other (docs/contract.md §5).</summary>
public sealed class CarrierListsTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string First = "172.27.115.242";
    private const string Second = "172.27.115.243";

    [Fact]
    public async Task Nodes_with_a_route_are_told_of_each_other_while_there_are_several()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        Assert.Empty(plane.Compute1.CarriersOf(Address));

        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await UntilToldAsync(plane, First, Second);
        // Another endpoint on a node with a route changes nothing for the other node.
        var told = plane.Compute2.CarrierListsTold;
        await plane.EndpointAsync("pod3", "compute1", "10.0.0.3");
        await ControlPlane.UntilAsync(() => plane.Compute1.Entries(Address).Any(e => e.Backends.Count == 2));
        Assert.Equal(told, plane.Compute2.CarrierListsTold);

        // An agent that connects anew is told too.
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await UntilToldAsync(plane, First, Second);

        (await plane.Api.DeleteAsync("/v1/namespaces/default/virtual-machine-interfaces/pod2")).Expect(204);
        await UntilToldAsync(plane);
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await UntilToldAsync(plane, First, Second);
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await UntilToldAsync(plane);
    }

    [Fact]
    public async Task A_FloatingIP_that_another_Service_takes_over_keeps_the_list_of_its_new_owner()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        (await plane.Api.PutAsync("/v1/namespaces/default/floating-ips/vip", """{"externalNetwork":"default/vn"}""")).Expect(201);
        await plane.ServiceAsync("web", $$""","loadBalancerIPs":["{{Address}}"]""");
        await UntilToldAsync(plane, First, Second);
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        await UntilToldAsync(plane);
        await plane.ServiceAsync("web2", $$""","loadBalancerIPs":["{{Address}}"]""");
        await UntilToldAsync(plane, First, Second);
    }

    [Fact]
    public async Task In_a_VPN_it_is_a_list_of_the_RoutingInstance()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var network = (await plane.Api.PostAsync("/v1/namespaces/default/external-networks", """{"name":"vpn","subnets":[{"cidr":"30.0.0.0/24"}],"routeTargets":["target:64512:1"]}""")).Expect(201);
        var number = (int)network.Json!["status"]!["routingInstance"]!["number"]!;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web", ""","externalNetwork":"vpn" """);
        foreach (var node in (FakeNode[])[plane.Compute1, plane.Compute2]) await ControlPlane.UntilAsync(() => node.CarriersOf("30.0.0.2", number).SequenceEqual(new[] { First, Second }));
        Assert.Empty(plane.Compute1.CarriersOf("30.0.0.2"));
    }

    [Fact]
    public async Task Metrics_show_what_agents_count()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        plane.Compute1.Count(new VRouterIcmpCounters(1, 2, 3, 4, 5, 6, 7));
        string[] expected = ["no_flow", "over_limit", "sent", "received", "delivered", "refused", "unmatched"];
        var lines = await LinesAsync();
        Assert.All(expected.Index(), e => Assert.Contains($$"""cn2_icmp_errors_total{virtual_router="compute1",what="{{e.Item}}"} {{e.Index + 1}}""", lines));
        plane.Compute1.Disconnect();
        Assert.DoesNotContain(await LinesAsync(), l => l.StartsWith("cn2_icmp_errors_total{", StringComparison.Ordinal));

        async Task<string[]> LinesAsync() => (await plane.Api.GetAsync("/metrics")).Text.Split('\n');
    }

    private static async Task UntilToldAsync(ControlPlane plane, params string[] nodes)
    {
        foreach (var node in (FakeNode[])[plane.Compute1, plane.Compute2]) await ControlPlane.UntilAsync(() => node.CarriersOf(Address).SequenceEqual(nodes));
    }
}
