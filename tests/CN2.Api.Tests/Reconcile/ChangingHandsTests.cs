using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Addresses that a Service waits for, claims, releases or exchanges for others.</summary>
public sealed class ChangingHandsTests(PrivatePostgres postgres)
{
    private const string Hop1 = "172.27.115.242";

    [Fact]
    public async Task A_pending_service_is_served_when_a_network_appears_an_address_is_freed_or_a_namespace_gets_a_label()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("named", ""","externalNetwork":"later" """);
        await plane.UntilConditionAsync(ControlPlane.Path("named"), "Allocated", "False/NetworkNotFound");
        (await plane.Api.PostAsync("/v1/namespaces/default/external-networks", """{"name":"later","subnets":[{"cidr":"100.9.0.0/31","gateway":"100.9.0.0"}],"fabricForwarding":true}""")).Expect(201);
        await plane.UntilReadyAsync("named");

        await plane.ServiceAsync("second", ""","externalNetwork":"later" """);
        await plane.UntilConditionAsync(ControlPlane.Path("second"), "Allocated", "False/AddressesExhausted");
        (await plane.Api.DeleteAsync(ControlPlane.Path("named"))).Expect(202);
        await plane.UntilReadyAsync("second");
        Assert.Equal("second", (string?)(await plane.FloatingIPAsync("100.9.0.1"))!["service"]);

        (await plane.Api.PutAsync("/v1/namespaces/ns1", "{}")).Expect(201);
        (await plane.Api.PostAsync("/v1/namespaces/ns1/external-networks", """{"name":"blue","labels":{"net":"blue"},"subnets":[{"cidr":"100.8.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/external-network-selectors", """{"name":"blue","networkSelector":{"matchLabels":{"net":"blue"}},"namespaceSelector":{"matchLabels":{"colour":"blue"}}}""")).Expect(201);
        await plane.ServiceAsync("third", ""","externalNetworkSelector":"blue" """);
        await plane.UntilConditionAsync(ControlPlane.Path("third"), "Allocated", "False/NoExternalNetwork");
        (await plane.Api.PutAsync("/v1/namespaces/ns1", """{"labels":{"colour":"blue"}}""")).Expect(200);
        await plane.UntilReadyAsync("third");
    }

    [Fact]
    public async Task A_live_service_that_is_given_another_network_serves_by_the_old_address_until_the_new_one_does()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        (await plane.Api.PostAsync("/v1/namespaces/default/external-networks", """{"name":"vn2","subnets":[{"cidr":"200.0.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        plane.Compute1.Acknowledges = false;
        var changed = (await plane.Api.PatchAsync(ControlPlane.Path("web"), """{"externalNetwork":"vn2"}""")).Expect(200);
        Assert.Equal("""["200.0.0.2"]""", changed.Json!["status"]!["externalIPs"]!.ToJsonString());
        await ControlPlane.UntilAsync(() => plane.Compute1.WasTold("200.0.0.2"));
        Assert.Equal([Hop1], plane.HopsOf("100.0.0.2"));
        Assert.True(plane.Compute1.Carries("100.0.0.2"));
        Assert.NotNull(await plane.FloatingIPAsync("100.0.0.2"));

        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync("200.0.0.2", Hop1);
        await plane.UntilHopsAsync("100.0.0.2");
        await Eventually.TrueAsync(async () => await plane.FloatingIPAsync("100.0.0.2") is null, seconds: 30);
        Assert.Empty(plane.Compute1.Entries("100.0.0.2"));
        await plane.UntilReadyAsync("web");
        await plane.ServiceAsync("next");
        Assert.Equal("next", (string?)(await plane.FloatingIPAsync("100.0.0.2"))!["service"]);
    }

    [Fact]
    public async Task A_floating_IP_is_attached_claimed_and_released_without_losing_its_route()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        (await plane.Api.PostAsync("/v1/namespaces/default/floating-ips", """{"name":"vip","externalNetwork":"vn","address":"100.0.0.9"}""")).Expect(201);
        const string vip = "/v1/namespaces/default/floating-ips/vip";
        (await plane.Api.PatchAsync(vip, """{"interfaces":["pod1"]}""")).Expect(200);
        await plane.UntilHopsAsync("100.0.0.9", Hop1);
        await plane.UntilConditionAsync(vip, "Ready", "True/Ready");
        Assert.Null(Assert.Single(plane.Compute1.Entries("100.0.0.9")).Key.Protocol); // every port

        (await plane.Api.PatchAsync(vip, """{"interfaces":[]}""")).Expect(200);
        await plane.UntilHopsAsync("100.0.0.9");
        await ControlPlane.UntilAsync(() => !plane.Compute1.Entries("100.0.0.9").Any());

        await plane.ServiceAsync("web", ""","loadBalancerIPs":["100.0.0.9"]""");
        await plane.UntilReadyAsync("web");
        await plane.UntilHopsAsync("100.0.0.9", Hop1);
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        await plane.UntilHopsAsync("100.0.0.9");
        var kept = (await plane.Api.GetAsync(vip)).Expect(200).Json!;
        Assert.Equal("100.0.0.9", (string?)kept["address"]);
        Assert.Null(kept["service"]);
        await ControlPlane.UntilAsync(() => plane.Compute1.Drops.Any(a => a.ToString() == "100.0.0.9"));
    }

    [Fact]
    public async Task A_node_port_that_two_services_exchange_stays_programmed()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        string Ports(int port) => $$"""{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":80,"nodePort":{{port}}}]}""";
        string PathOf(string name) => ControlPlane.Path(name);
        (await plane.Api.PutAsync(PathOf("a"), Ports(30001))).Expect(201);
        (await plane.Api.PutAsync(PathOf("b"), Ports(30002))).Expect(201);
        await plane.UntilReadyAsync("a");
        await plane.UntilReadyAsync("b");
        for (var i = 0; i < 5; i++)
        {
            var (first, second) = i % 2 == 0 ? (30002, 30001) : (30001, 30002);
            (await plane.Api.PutAsync(PathOf("a"), Ports(30003))).Expect(200);
            (await plane.Api.PutAsync(PathOf("b"), Ports(second))).Expect(200);
            (await plane.Api.PutAsync(PathOf("a"), Ports(first))).Expect(200);
            await ControlPlane.UntilAsync(() => plane.Compute2.Table.Keys.Where(k => k.Address is null).Select(k => (int)k.Port).Order().SequenceEqual([30001, 30002]));
        }
    }

    [Fact]
    public async Task An_unhealthy_endpoint_gets_no_traffic_and_its_health_survives_a_restart()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync("/v1/namespaces/default/service-health-checks", """{"name":"hc","monitorType":"TCP","port":80}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","healthCheck":"hc" """);
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 1);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NoReadyEndpoints");
        var pod = Guid.Parse((string)(await plane.Api.GetAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1")).Json!["uid"]!);

        plane.Compute1.Report(pod, EndpointHealth.Healthy);
        await plane.UntilReadyAsync("web");
        plane.Compute1.Report(pod, EndpointHealth.Unhealthy);
        await plane.UntilHopsAsync("100.0.0.2");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NoReadyEndpoints");

        await plane.StopAsync(plane.Api);
        var api = await plane.AddAsync("cn-a", plane.Engine);
        plane.Compute1.ConnectTo(api.Agents);
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.SingleOrDefault()?.LastKnown == EndpointHealth.Unhealthy);
        Assert.Equal("Unhealthy", (string?)(await api.GetAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1")).Json!["status"]!["health"]);
        Assert.Empty(plane.HopsOf("100.0.0.2"));
        plane.Compute1.Report(pod, EndpointHealth.Healthy);
        await plane.UntilHopsAsync("100.0.0.2", Hop1);
    }

    [Fact]
    public async Task A_result_that_was_reported_while_the_endpoint_was_on_another_node_is_requested_again()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync("/v1/namespaces/default/service-health-checks", """{"name":"hc","monitorType":"TCP","port":80}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","healthCheck":"hc" """);
        await plane.EndpointAsync("pod2", "compute1", "10.0.0.2", ""","healthCheck":"hc" """);
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 2);
        var (pod1, pod2) = (await UidAsync("pod1"), await UidAsync("pod2"));
        plane.Compute1.Report(pod1, EndpointHealth.Healthy);
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        // The endpoint moves away and back before the reconciler reads it; the result that compute1 reports in between is not stored.
        await plane.QueryAsync<string>("UPDATE virtual_machine_interface SET virtual_router = 'compute2' WHERE name = 'pod1' RETURNING name");
        plane.Compute1.Report(pod1, EndpointHealth.Unhealthy);
        plane.Compute1.Report(pod2, EndpointHealth.Healthy);
        await UntilHealthAsync("pod2", "Healthy");
        await plane.QueryAsync<string>("UPDATE virtual_machine_interface SET virtual_router = 'compute1' WHERE name = 'pod1' RETURNING name");
        Assert.Equal("Healthy", await HealthAsync("pod1"));
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","healthCheck":"hc","annotations":{"moved":"twice"}""");

        // An agent that is sent an outdated result reports its own.
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.SingleOrDefault(p => p.Uid == pod1)?.LastKnown == EndpointHealth.Healthy);
        plane.Compute1.Report(pod1, EndpointHealth.Unhealthy);
        await UntilHealthAsync("pod1", "Unhealthy");

        async Task<Guid> UidAsync(string name) => Guid.Parse((string)(await GetAsync(name))["uid"]!);
        async Task<string?> HealthAsync(string name) => (string?)(await GetAsync(name))["status"]!["health"];
        Task UntilHealthAsync(string name, string health) => Eventually.TrueAsync(async () => await HealthAsync(name) == health);
        async Task<JsonNode> GetAsync(string name) => (await plane.Api.GetAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}")).Json!;
    }
}
