using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes.Kinds;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Bindings;

public sealed class BindingTests(ApiServer api) : IClassFixture<ApiServer>
{
    private readonly BindingRoom _room = new(api);

    [Fact]
    public void Every_kind_with_stored_objects_has_a_binding()
    {
        var bindings = api.Services.GetRequiredService<ObjectBindings>();
        Assert.Equal([], KubernetesResources.All.Where(r => r.Verbs.Contains("list") && bindings.Find(r) is null).Select(r => r.Plural));
    }

    [Fact]
    public async Task A_pod_is_an_endpoint_of_its_service_once_it_is_bound_and_has_an_address()
    {
        await _room.NamespaceAsync("pods");
        foreach (var document in Manifests.Documents("ClusterIP.yaml")) Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(document.Replace("namespace: ns1", "namespace: pods", StringComparison.Ordinal)));
        var pod = (await _room.GetAsync("Pod", "pods", "nginx"))!;
        Assert.Equal("Pending", pod["status"]!["phase"]!.ToString());
        (await api.GetAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx")).Expect(404);

        var target = """{"metadata": {"name": "nginx", "namespace": "pods"}, "target": {"kind": "Node", "name": "compute1"}}""";
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("Pod"), (JsonObject)JsonNode.Parse(target)!, "binding"));
        Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(_room.Of("Pod"), (JsonObject)JsonNode.Parse(target)!, "binding"));
        pod = (await _room.GetAsync("Pod", "pods", "nginx"))!;
        Assert.Equal("compute1", pod["spec"]!["nodeName"]!.ToString());
        (await api.GetAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx")).Expect(404);
        pod["status"] = JsonNode.Parse("""{"phase": "Running", "podIP": "10.233.64.10", "hostIP": "172.16.0.1"}""");
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("Pod"), (JsonObject)pod.DeepClone(), "status"));
        var endpoint = (await api.GetAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx")).Expect(200).Json!;
        Assert.Equal($"compute1 10.233.64.10 web {pod["metadata"]!["uid"]}", $"{endpoint["virtualRouter"]} {endpoint["addresses"]![0]} {endpoint["labels"]!["app"]} {endpoint["uid"]}");
        var shown = (await _room.GetAsync("Pod", "pods", "nginx"))!;
        Assert.Equal("10.233.64.10 172.16.0.1 nginx", $"{shown["status"]!["podIP"]} {shown["status"]!["hostIP"]} {shown["spec"]!["containers"]![0]!["image"]}");
        Assert.Equal(["nginx"], await _room.ListAsync("Pod", "pods"));
        Assert.Equal(["nginx"], await _room.ListAsync("VirtualMachineInterface", "pods"));

        // Its node does not exist yet, so it is not ready.
        var endpoints = (await _room.GetAsync("Endpoints", "pods", "my-service"))!;
        Assert.Equal("10.233.64.10 Pod", $"{endpoints["subsets"]![0]!["notReadyAddresses"]![0]!["ip"]} {endpoints["subsets"]![0]!["notReadyAddresses"]![0]!["targetRef"]!["kind"]}");
        (await api.PutAsync("/v1/virtual-routers/compute1", """{"address": "172.16.0.1"}""")).Expect(201);
        var slice = (await _room.GetAsync("EndpointSlice", "pods", "my-service-ipv4"))!;
        Assert.Equal("true 80", $"{slice["endpoints"]![0]!["conditions"]!["ready"]} {slice["ports"]![0]!["port"]}");
        Assert.Equal(["my-service-ipv4"], await _room.ListAsync("EndpointSlice", "pods"));
        Assert.Equal(["my-service"], await _room.ListAsync("Endpoints", "pods"));
        Assert.Equal("172.16.0.1", (await _room.GetAsync("Node", null, "compute1"))!["status"]!["addresses"]![0]!["address"]!.ToString());

        // An edit through /v1 is seen at once; a Pod that has ended takes no new flows.
        (await api.PatchAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx", """{"addresses": ["10.233.64.11"]}""")).Expect(200);
        Assert.Equal("10.233.64.11", (await _room.GetAsync("Pod", "pods", "nginx"))!["status"]!["podIP"]!.ToString());
        pod["status"]!["phase"] = "Succeeded";
        await _room.ApplyAsync(_room.Of("Pod"), (JsonObject)pod.DeepClone(), "status");
        Assert.Equal("false", (await api.GetAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx")).Json!["ready"]!.ToString());
        pod["status"] = JsonNode.Parse("""{"phase": "Pending"}""");
        await _room.ApplyAsync(_room.Of("Pod"), (JsonObject)pod.DeepClone(), "status");
        (await api.GetAsync("/v1/namespaces/pods/virtual-machine-interfaces/nginx")).Expect(404);
        Assert.Equal("Pending", (await _room.GetAsync("Pod", "pods", "nginx"))!["status"]!["phase"]!.ToString());
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("Pod", "pods", "nginx"));
        Assert.Null(await _room.GetAsync("Pod", "pods", "nginx"));
    }

    [Fact]
    public async Task A_pod_does_not_take_the_name_of_an_endpoint_of_v1()
    {
        await _room.NamespaceAsync("taken");
        (await api.PutAsync("/v1/namespaces/taken/virtual-machine-interfaces/nginx", """{"addresses": ["10.1.1.1"], "virtualRouter": "c9"}""")).Expect(201);
        var refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(Manifests.Documents("ClusterIP.yaml")[1].Replace("namespace: ns1", "namespace: taken", StringComparison.Ordinal)));
        Assert.Equal("already-exists", refused.Problem.Code);
        Assert.Empty(await _room.ListAsync("Pod", "taken"));
    }

    [Fact]
    public async Task A_router_is_in_namespace_contrail_and_an_edit_keeps_what_cn2_cannot_say()
    {
        var manifest = Manifests.Documents("ExternalRouter.yaml")[0];
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(manifest));
        var router = (await api.GetAsync("/v1/bgp-routers/vmx1")).Expect(200).Json!;
        Assert.Equal("1.1.1.1 64512", $"{router["address"]} {router["autonomousSystem"]}");
        Assert.Equal(["route-target", "inet-vpn", "inet"], router["addressFamilies"]!.AsArray().Select(f => f!.ToString()));
        (await api.PatchAsync("/v1/bgp-routers/vmx1", """{"passive": true, "maxAdvertised": 5}""")).Expect(200);

        var shown = (await _room.GetAsync("BGPRouter", "contrail", "vmx1"))!;
        Manifests.AssertContains(shown, Manifests.Object(manifest).Written);
        shown["spec"]!["bgpRouterParameters"]!["holdTime"] = 30;
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("BGPRouter"), shown));
        router = (await api.GetAsync("/v1/bgp-routers/vmx1")).Json!;
        Assert.Equal("30 true 5", $"{router["holdTime"]} {router["passive"]} {router["maxAdvertised"]}");
        await _room.NamespaceAsync("elsewhere");
        var refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(manifest.Replace("namespace: contrail\n  name: vmx1", "namespace: elsewhere\n  name: vmx2", StringComparison.Ordinal)));
        Assert.Contains("metadata.namespace", refused.Problem.Errors!.Keys);
        Assert.Equal(["vmx1"], await _room.ListAsync("BGPRouter", "contrail"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("BGPRouter", "contrail", "vmx1"));
        (await api.GetAsync("/v1/bgp-routers/vmx1")).Expect(404);
        Assert.NotNull(await _room.GetAsync("Namespace", null, "contrail"));
        (await api.DeleteAsync("/v1/namespaces/contrail")).Expect(409);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha1")]
    public async Task The_selectors_of_the_kubemanager_are_those_of_v1(string version)
    {
        var binding = _room.Of("Kubemanager", version);
        var manager = (await _room.GetAsync("Kubemanager", "contrail", "contrail-k8s-kubemanager", version))!;
        var selectors = manager["spec"]!["externalNetworkSelectors"]!.AsObject();
        Assert.Contains("default-external", selectors.Select(s => s.Key));
        selectors["default-external"] = JsonNode.Parse($$$$"""{"networkSelector": {"matchLabels": {"a": "{{{{version}}}}"}}, "namespaceSelector": {"matchLabels": {"ns": "ns1"}}}""");
        selectors["own"] = JsonNode.Parse("""{"networkSelector": {}}""");
        manager["spec"]!["clusterName"] = "kept";
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(binding, (JsonObject)manager.DeepClone()));
        Assert.Equal(version, (await api.GetAsync("/v1/external-network-selectors/default-external")).Json!["networkSelector"]!["matchLabels"]!["a"]!.ToString());
        (await api.GetAsync("/v1/external-network-selectors/own")).Expect(200);
        (await api.PutAsync("/v1/external-network-selectors/rest", """{"networkSelector": {}}""")).Expect(201);
        var shown = (await _room.GetAsync("Kubemanager", "contrail", "contrail-k8s-kubemanager", version))!;
        Assert.Equal(["default-external", "own", "rest"], shown["spec"]!["externalNetworkSelectors"]!.AsObject().Select(s => s.Key));
        Assert.Equal("kept", shown["spec"]!["clusterName"]!.ToString());

        selectors["own"] = JsonNode.Parse("""{"networkSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": []}]}}""");
        selectors["NOT"] = JsonNode.Parse("{}");
        var refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(binding, (JsonObject)manager.DeepClone()));
        Assert.Contains(refused.Problem.Errors!.Keys, k => k.StartsWith("spec.externalNetworkSelectors.own.networkSelector", StringComparison.Ordinal));
        Assert.Contains(refused.Problem.Errors!.Keys, k => k.StartsWith("spec.externalNetworkSelectors.NOT", StringComparison.Ordinal));

        shown["spec"]!["externalNetworkSelectors"] = new JsonObject();
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(binding, shown));
        (await api.GetAsync("/v1/external-network-selectors/own")).Expect(404);
        (await api.GetAsync("/v1/external-network-selectors/default-external")).Expect(200);
    }

    [Fact]
    public async Task Health_checks_routers_nodes_and_interfaces_are_the_resources_of_v1()
    {
        await _room.NamespaceAsync("plain");
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync("apiVersion: core.contrail.juniper.net/v1alpha1\nkind: ServiceHealthCheck\nmetadata: {name: hc, namespace: plain}\nspec:\n  serviceHealthCheckProperties: {delay: 2, timeout: 5, maxRetries: 5, monitorType: HTTP, urlPath: /x, targetIPAll: true, enabled: true}"));
        Assert.Equal("/x 5", $"{(await api.GetAsync("/v1/namespaces/plain/service-health-checks/hc")).Expect(200).Json!["urlPath"]} {(await _room.GetAsync("ServiceHealthCheck", "plain", "hc"))!["spec"]!["serviceHealthCheckProperties"]!["maxRetries"]}");
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync("apiVersion: v1\nkind: Node\nmetadata: {name: c2, labels: {a: b}}\nspec: {unschedulable: true}\nstatus: {addresses: [{type: InternalIP, address: 172.16.0.2}]}"));
        var router = (await _room.GetAsync("VirtualRouter", null, "c2"))!;
        Assert.Equal("172.16.0.2 b", $"{router["spec"]!["virtualRouterIPAddress"]} {router["metadata"]!["labels"]!["a"]}");
        router["spec"]!["adminDown"] = true;
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("VirtualRouter"), router));
        Assert.Equal("true", (await api.GetAsync("/v1/virtual-routers/c2")).Json!["adminDown"]!.ToString());
        Assert.Equal("true", (await _room.GetAsync("Node", null, "c2"))!["spec"]!["unschedulable"]!.ToString());

        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync("apiVersion: core.contrail.juniper.net/v1alpha1\nkind: VirtualMachineInterface\nmetadata: {name: vm, namespace: plain}\nspec:\n  instanceIPAddresses: [10.7.7.7]\n  virtualRouterReference: {name: c2}\n  serviceHealthCheckReferences: [{name: hc}]"));
        Assert.Equal("hc", (await api.GetAsync("/v1/namespaces/plain/virtual-machine-interfaces/vm")).Expect(200).Json!["healthCheck"]!.ToString());
        Assert.IsType<ObjectOutcome.InUse>(await _room.DeleteAsync("ServiceHealthCheck", "plain", "hc"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("VirtualMachineInterface", "plain", "vm"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("ServiceHealthCheck", "plain", "hc"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("Node", null, "c2"));
        Assert.Null(await _room.GetAsync("VirtualRouter", null, "c2"));
    }
}
