using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;

namespace CN2.Api.Tests.Kubernetes.Kinds;

public sealed class MappingTests
{
    private static readonly string Kept = """{"metadata": {"name": "x", "namespace": "ns1", "finalizers": ["a/b"], "labels": {"old": "1"}}, "spec": """;

    [Fact]
    public void A_network_of_v1_shows_its_first_subnets_by_name_and_an_edit_keeps_what_kubernetes_cannot_say()
    {
        var network = Parse("""
            {"name": "net", "namespace": "ns1", "fabricForwarding": true, "routeTargets": ["target:1:1", "target:1:2"], "priority": 7, "labels": {"a": "b"},
             "subnets": [{"cidr": "10.0.0.0/24"}, {"cidr": "2001:db8::/64"}, {"cidr": "10.0.1.0/24"}], "status": {"state": "Success", "routingInstance": {"number": 5}}}
            """);
        var shown = ObjectOverlay.Show(new VirtualNetworkMapping(), network, null);
        Assert.Equal("net-v4", shown["spec"]!["v4SubnetReference"]!["name"]!.ToString());
        Assert.Equal("net-v6", shown["spec"]!["v6SubnetReference"]!["name"]!.ToString());
        Assert.Equal("5", shown["status"]!["virtualNetworkNetworkId"]!.ToString());
        Assert.Equal(["net-v4", "net-v6", "net-v4-2"], SubnetNames.Of(network).Select(s => s.Name));

        shown["spec"]!["routeTargetList"] = new JsonArray("target:1:3");
        ((JsonObject)shown["metadata"]!).Remove("labels");
        var request = new VirtualNetworkMapping().ToRequest(shown, Parse("""{"name": "net", "labels": {"a": "b"}, "routeTargets": ["target:1:1"], "priority": 7, "importRouteTargets": ["target:9:9"]}"""), []);
        Assert.Equal("""{"name":"net","routeTargets":["target:1:3"],"priority":7,"fabricForwarding":true}""", request.ToJsonString());
    }

    [Fact]
    public void A_network_is_shown_with_its_writers_references_and_order_while_they_mean_the_same()
    {
        var kept = Parse(Kept + """{"routeTargetList": ["target:1:2", "target:1:1"], "podNetwork": true, "v4SubnetReference": {"kind": "Subnet", "name": "mine", "namespace": "ns2", "fqName": ["a"]}}}""");
        var network = Parse("""{"name": "x", "namespace": "ns1", "uid": "u", "fabricForwarding": false, "routeTargets": ["target:1:1", "target:1:2"], "subnets": [{"cidr": "10.0.0.0/24"}]}""");
        var shown = ObjectOverlay.Show(new VirtualNetworkMapping(), network, kept);
        Manifests.AssertContains(shown["spec"], kept["spec"]);
        Assert.Null(shown["spec"]!["fabricForwarding"]);
        Assert.Equal("a/b", shown["metadata"]!["finalizers"]![0]!.ToString());
        Assert.Null(shown["metadata"]!["labels"]);

        network["routeTargets"] = new JsonArray("target:1:1");
        network["subnets"] = new JsonArray();
        shown = ObjectOverlay.Show(new VirtualNetworkMapping(), network, kept);
        Assert.Equal("[\"target:1:1\"]", shown["spec"]!["routeTargetList"]!.ToJsonString());
        Assert.Null(shown["spec"]!["v4SubnetReference"]);
        Assert.Equal("true", shown["spec"]!["podNetwork"]!.ToString());
    }

    [Theory]
    [InlineData("true", null, null)]
    [InlineData("false", null, "false")]
    [InlineData("true", "true", "true")]
    [InlineData("false", "true", "false")]
    [InlineData("true", "false", null)]
    public void A_network_that_answers_no_ping_says_so_and_one_that_does_only_where_its_writer_said_it(string answerPing, string? written, string? expected)
    {
        var kept = Parse(Kept + (written is null ? "{}}" : "{\"answerPing\": " + written + "}}"));
        var network = Parse($$"""{"name": "x", "namespace": "ns1", "uid": "u", "fabricForwarding": false, "answerPing": {{answerPing}}, "subnets": []}""");
        var shown = ObjectOverlay.Show(new VirtualNetworkMapping(), network, kept);
        Assert.Equal(expected, shown["spec"]!["answerPing"]?.ToString());
        var request = new VirtualNetworkMapping().ToRequest(shown, network, []);
        Assert.Equal(expected, request["answerPing"]?.ToString());
    }

    [Theory]
    [InlineData("30", null, null)]
    [InlineData("0", null, "0")]
    [InlineData("30", "30", "30")]
    [InlineData("60", "30", "60")]
    [InlineData("30", "60", null)]
    public void The_quarantine_of_a_network_is_shown_where_it_is_not_the_default_or_its_writer_said_it(string seconds, string? written, string? expected)
    {
        var kept = Parse(Kept + (written is null ? "{}}" : "{\"quarantineSeconds\": " + written + "}}"));
        var network = Parse($$"""{"name": "x", "namespace": "ns1", "uid": "u", "fabricForwarding": false, "quarantineSeconds": {{seconds}}, "subnets": []}""");
        var shown = ObjectOverlay.Show(new VirtualNetworkMapping(), network, kept);
        Assert.Equal(expected, shown["spec"]!["quarantineSeconds"]?.ToString());
        var request = new VirtualNetworkMapping().ToRequest(shown, network, []);
        Assert.Equal(expected, request["quarantineSeconds"]?.ToString());
    }

    [Theory]
    [InlineData(1, null, null)]
    [InlineData(5, null, "5")]
    [InlineData(1, "1", "1")]
    [InlineData(5, "1", "5")]
    [InlineData(1, "5", null)]
    public void The_weight_of_an_endpoint_is_shown_where_it_is_not_1_or_its_writer_said_it(int weight, string? written, string? expected)
    {
        var endpoint = Parse($$$"""{"name": "x", "namespace": "ns1", "uid": "u", "addresses": ["10.1.1.1"], "virtualRouter": "compute1", "weight": {{{weight}}}, "ready": true, "status": {"state": "Success"}}""");
        var kept = Parse(Kept + (written is null ? "{}}" : "{\"weight\": " + written + "}}"));
        var mapping = new VirtualMachineInterfaceMapping();
        var shown = ObjectOverlay.Show(mapping, endpoint, kept);
        Assert.Equal(expected, shown["spec"]!["weight"]?.ToString());
        Assert.Equal(expected, mapping.ToRequest(shown, endpoint, [])["weight"]?.ToString());

        var pod = Parse(Kept + "{}}");
        if (written is not null) pod["metadata"]!["annotations"] = new JsonObject { ["core.juniper.net/weight"] = written };
        shown = ObjectOverlay.Show(new PodMapping(), endpoint, pod);
        Assert.Equal(expected, shown["metadata"]!["annotations"]?["core.juniper.net/weight"]?.ToString());
        var faults = new FaultList();
        var request = new PodMapping().ToRequest(shown, endpoint, faults);
        Assert.Equal(expected, request["weight"]?.ToString());
        Assert.False(request["annotations"] is JsonObject { Count: > 0 });
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("two")]
    [InlineData("1.5")]
    [InlineData("")]
    [InlineData("-1")]
    public void A_weight_of_a_pod_that_is_no_number_is_told_where_it_stands(string weight)
    {
        var pod = Parse(Kept + """{"nodeName": "compute1"}, "status": {"podIP": "10.1.1.1"}}""");
        pod["metadata"]!["annotations"] = new JsonObject { ["core.juniper.net/weight"] = weight };
        var faults = new FaultList();
        new PodMapping().ToRequest(pod, faults);
        Assert.Equal("metadata.annotations[core.juniper.net/weight]", Assert.Single(faults).Path);
        // One that is out of range is found with the other faults of an endpoint.
        Assert.Equal("metadata.annotations[core.juniper.net/weight]", new PodMapping().ToObjectPath("weight"));
        Assert.Equal("spec.weight", new VirtualMachineInterfaceMapping().ToObjectPath("weight"));
    }

    [Theory]
    [InlineData("100.0.0.0/24", true, 0, "1.17%", 3)]
    [InlineData("100.0.0.0/24", true, 253, "100.00%", 256)]
    [InlineData("10.0.0.0/31", false, 1, "50.00%", 1)]
    [InlineData("2001:db8::/64", true, 5, "0.00%", 8)]
    public void The_usage_of_a_subnet_is_counted_as_in_cn2(string cidr, bool hasGateway, int allocated, string usage, int count) =>
        Assert.Equal((usage, (UInt128)count), SubnetMapping.UsageOf(IPNetwork.Parse(cidr), hasGateway, (UInt128)allocated));

    [Fact]
    public void The_ranges_of_a_subnet_keep_their_keys_until_they_change()
    {
        var kept = Parse(Kept + """{"cidr": "10.0.0.0/24", "ranges": [{"key": "a", "ipRanges": [{"from": "10.0.0.2", "to": "10.0.0.3"}]}, {"key": "b", "ipRanges": [{"from": "10.0.0.9", "to": "10.0.0.9"}]}]}}""");
        var faults = new FaultList();
        var request = new SubnetMapping().ToRequest(kept, faults);
        Assert.Empty(faults);
        Assert.Equal("""[{"from":"10.0.0.2","to":"10.0.0.3"},{"from":"10.0.0.9","to":"10.0.0.9"}]""", request["ranges"]!.ToJsonString());
        var resource = SubnetMapping.ResourceOf(Parse("""{"namespace": "ns1", "status": {"state": "Success", "subnets": [{"cidr": "10.0.0.0/24", "allocated": "1"}]}}"""), request, "x");
        var shown = ObjectOverlay.Show(new SubnetMapping(), resource, kept);
        Manifests.AssertContains(shown["spec"], kept["spec"]);
        resource["ranges"]!.AsArray().RemoveAt(0);
        Assert.Equal("default", ObjectOverlay.Show(new SubnetMapping(), resource, kept)["spec"]!["ranges"]![0]!["key"]!.ToString());

        kept["spec"]!["ranges"]![1]!["key"] = "a";
        new SubnetMapping().ToRequest(kept, faults);
        Assert.Equal("spec.ranges[1].key", Assert.Single(faults).Path);
    }

    [Fact]
    public void An_interface_has_its_addresses_node_and_one_health_check()
    {
        var mapping = new VirtualMachineInterfaceMapping();
        var source = Parse(Kept + """{"instanceIPAddresses": ["10.1.1.1"], "virtualRouterReference": {"name": "compute1", "kind": "VirtualRouter", "uid": "7"}, "serviceHealthCheckReferences": [{"name": "hc"}], "portSecurityEnabled": true}}""");
        var faults = new FaultList();
        Assert.Equal("""{"name":"x","labels":{"old":"1"},"ready":false,"addresses":["10.1.1.1"],"virtualRouter":"compute1","healthCheck":"hc"}""",
            Ordered(mapping.ToRequest(source, Parse("""{"name": "x", "ready": false}"""), faults), "name", "labels", "ready", "addresses", "virtualRouter", "healthCheck"));
        Assert.Empty(faults);
        var shown = ObjectOverlay.Show(mapping, Parse("""{"name": "x", "namespace": "ns1", "labels": {"old": "1"}, "addresses": ["10.1.1.1"], "virtualRouter": "compute1", "healthCheck": "hc", "ready": true, "status": {"state": "Success"}}"""), source);
        Manifests.AssertContains(shown["spec"], source["spec"]);

        source["spec"]!["serviceHealthCheckReferences"] = new JsonArray(new JsonObject { ["name"] = "hc", ["namespace"] = "ns2" }, new JsonObject());
        mapping.ToRequest(source, faults);
        Assert.Equal(["spec.serviceHealthCheckReferences", "spec.serviceHealthCheckReferences[0].namespace"], faults.Select(f => f.Path));
    }

    [Fact]
    public void A_router_keeps_the_families_that_do_not_exist_here_and_its_key_is_nowhere()
    {
        var mapping = new BgpRouterMapping(64512);
        var source = Parse("""
            {"metadata": {"name": "vmx1", "namespace": "contrail", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{\"authData\":{\"keyItems\":[{\"key\":\"secret\",\"keyID\":0}]}}}"}},
             "spec": {"bgpRouterParameters": {"address": "1.1.1.1", "holdTime": 0, "vendor": "contrail", "addressFamilies": {"family": ["e-vpn", "inet", "route-target"]},
              "authData": {"keyType": "md5", "keyItems": [{"keyID": 0, "key": "secret"}]}}}}
            """);
        var faults = new FaultList();
        var request = mapping.ToRequest(source, faults);
        Assert.Empty(faults);
        Assert.Equal("secret", request["authKey"]!.ToString());
        Assert.Equal("64512", request["autonomousSystem"]!.ToString());
        Assert.Equal("""["inet","route-target"]""", request["addressFamilies"]!.ToJsonString());
        request.Remove("authKey");
        mapping.Hide(source);
        Assert.DoesNotContain("secret", source.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", request.ToJsonString(), StringComparison.Ordinal);
        request["holdTime"] = 90;
        var shown = ObjectOverlay.Show(mapping, request, source);
        Manifests.AssertContains(shown, source);

        source["spec"]!["bgpRouterParameters"]!["addressFamilies"]!["family"] = new JsonArray("e-vpn");
        mapping.ToRequest(source, faults);
        Assert.Equal("spec.bgpRouterParameters.addressFamilies.family", Assert.Single(faults).Path);
    }

    [Theory]
    [InlineData("""{"phase": "Running", "podIP": "10.1.1.1"}""", true)]
    [InlineData("""{"phase": "Running", "podIP": "10.1.1.1", "conditions": [{"type": "Ready", "status": "False"}]}""", false)]
    [InlineData("""{"phase": "Succeeded", "podIP": "10.1.1.1", "conditions": [{"type": "Ready", "status": "True"}]}""", false)]
    public void A_pod_is_an_endpoint_once_it_has_node_and_address(string status, bool ready)
    {
        var pod = Parse(Kept + """{"containers": [{"name": "c"}]}}""");
        pod["metadata"]!["annotations"] = Parse("""{"core.juniper.net/health-check": "[{\"name\": \"hc\"}]", "kubectl.kubernetes.io/last-applied-configuration": "{}", "k8s.v1.cni.cncf.io/networks": "ns1/vn1"}""");
        Assert.False(PodMapping.IsComplete(pod));
        pod["spec"]!["nodeName"] = "compute1";
        Assert.False(PodMapping.IsComplete(pod));
        pod["status"] = JsonNode.Parse(status);
        Assert.True(PodMapping.IsComplete(pod));
        var faults = new FaultList();
        var request = new PodMapping().ToRequest(pod, faults);
        Assert.Empty(faults);
        Assert.Equal(ready, request["ready"]!.GetValue<bool>());
        Assert.Equal("hc", request["healthCheck"]!.ToString());
        Assert.Equal("""{"k8s.v1.cni.cncf.io/networks":"ns1/vn1"}""", request["annotations"]!.ToJsonString());
        Assert.Equal("""["10.1.1.1"]""", request["addresses"]!.ToJsonString());

        request["namespace"] = "ns1";
        var shown = ObjectOverlay.Show(new PodMapping(), request, pod);
        Manifests.AssertContains(shown, pod);
        request["healthCheck"] = "other";
        Assert.Contains("other", ObjectOverlay.Show(new PodMapping(), request, pod)["metadata"]!["annotations"]!["core.juniper.net/health-check"]!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"annotations": {"juniper.net/networks": "{"}}""", null, "metadata.annotations[juniper.net/networks]")]
    [InlineData("""{"annotations": {"juniper.net/networks": "{\"ipamV4Subnet\": 5, \"routeTargetList\": \"a\"}"}}""", null, "metadata.annotations[juniper.net/networks].ipamV4Subnet metadata.annotations[juniper.net/networks].routeTargetList")]
    [InlineData("{}", "{ \"cniVersion\": ", "spec.config")]
    [InlineData("{}", "[]", "spec.config")]
    [InlineData("{}", "{}", "")]
    public void A_broken_attachment_is_told_where_it_is_broken(string metadata, string? config, string paths)
    {
        var faults = new FaultList();
        NetworkAttachmentMapping.Check(new JsonObject { ["metadata"] = JsonNode.Parse(metadata), ["spec"] = new JsonObject { ["config"] = config } }, faults);
        Assert.Equal(paths, string.Join(' ', faults.Select(f => f.Path)));
    }

    [Fact]
    public void An_attachment_shows_an_edit_of_its_network_in_its_annotation()
    {
        var mapping = new NetworkAttachmentMapping();
        var kept = Parse("""{"metadata": {"name": "x", "namespace": "ns1", "annotations": {"juniper.net/networks": "{ \"ipamV4Subnet\": \"10.0.0.0/24\", \"fabricSNAT\": true, \"routeTargetList\": [\"target:1:2\", \"target:1:1\"] }"}}, "spec": {"config": "{}"}}""");
        Assert.True(NetworkAttachmentMapping.MakesNetwork(kept));
        var request = mapping.ToRequest(kept, []);
        Assert.Equal("""[{"cidr":"10.0.0.0/24"}]""", request["subnets"]!.ToJsonString());
        Assert.Null(request["annotations"]!["juniper.net/networks"]);
        request["namespace"] = "ns1";
        request["routeTargets"] = new JsonArray("target:1:1", "target:1:2");
        Manifests.AssertContains(ObjectOverlay.Show(mapping, request, kept), kept);
        request["routeTargets"] = new JsonArray("target:1:1");
        Assert.Equal("""{"ipamV4Subnet":"10.0.0.0/24","fabricSNAT":true,"routeTargetList":["target:1:1"]}""",
            ObjectOverlay.Show(mapping, request, kept)["metadata"]!["annotations"]!["juniper.net/networks"]!.ToString());
    }

    [Fact]
    public void The_kubemanager_has_all_selectors_in_one_map()
    {
        var mapping = new KubemanagerMapping();
        var items = Parse("""{"name": "contrail-k8s-kubemanager", "items": [{"name": "default-external", "networkSelector": {"matchLabels": {"a": "b"}, "matchExpressions": []}, "namespaceSelector": {}}]}""");
        var shown = ObjectOverlay.Show(mapping, items, Parse(Kept + """{"clusterName": "c", "externalNetworkSelectors": {"gone": {}}}}"""));
        Assert.Equal("""{"default-external":{"networkSelector":{"matchLabels":{"a":"b"}},"namespaceSelector":{}}}""", shown["spec"]!["externalNetworkSelectors"]!.ToJsonString());
        Assert.Equal("c", shown["spec"]!["clusterName"]!.ToString());
        Assert.Equal("""[{"name":"default-external","networkSelector":{"matchLabels":{"a":"b"}},"namespaceSelector":{}}]""", mapping.ToRequest(shown, [])["items"]!.ToJsonString());
    }

    [Fact]
    public void A_node_has_the_first_internal_address_of_each_family()
    {
        var node = Parse("""{"metadata": {"name": "compute1"}, "spec": {"unschedulable": true}, "status": {"addresses": [{"type": "Hostname", "address": "c1.example"}, {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "2001:db8::1"}, {"type": "ExternalIP", "address": "9.9.9.9"}]}}""");
        var request = new NodeMapping().ToRequest(node, []);
        Assert.Equal("10.0.0.1 2001:db8::1", $"{request["address"]} {request["address6"]}");
        request["status"] = Parse("""{"agentVersion": "1.2", "conditions": [{"type": "Connected", "status": "True", "reason": "Connected", "message": "m"}]}""");
        var shown = ObjectOverlay.Show(new NodeMapping(), request, node);
        Assert.Equal("True", shown["status"]!["conditions"]![0]!["status"]!.ToString());
        Assert.Equal(["InternalIP 10.0.0.1", "InternalIP 2001:db8::1", "Hostname c1.example", "ExternalIP 9.9.9.9"], shown["status"]!["addresses"]!.AsArray().Select(a => $"{a!["type"]} {a["address"]}"));
        Assert.Equal("true", shown["spec"]!["unschedulable"]!.ToString());
    }

    [Fact]
    public void The_endpoints_of_a_service_are_one_object_and_slices_of_each_family()
    {
        var service = Parse("""{"name": "web", "namespace": "ns1", "uid": "u", "selector": {"app": "web"}, "ipFamilies": ["IPv4", "IPv6"], "ports": [{"port": 8080, "targetPort": 80, "protocol": "TCP"}]}""");
        var endpoints = Enumerable.Range(1, 101).Select(i => new ServiceEndpoint("ns1", $"p{i}", Guid.Empty, IsPod: true, "compute1", i == 1 ? ["10.0.0.1", "2001:db8::1"] : [$"10.0.0.{i}"], IsReady: i != 2)).ToList();
        var subset = EndpointsMapping.ToEndpoints(service, endpoints)["subsets"]![0]!;
        Assert.Equal((100, "10.0.0.2", "80"), (subset["addresses"]!.AsArray().Count, subset["notReadyAddresses"]![0]!["ip"]!.ToString(), subset["ports"]![0]!["port"]!.ToString()));
        var slices = EndpointsMapping.ToSlices(service, endpoints).ToList();
        Assert.Equal(["web-ipv4 100", "web-ipv4-2 1", "web-ipv6 1"], slices.Select(s => $"{s["metadata"]!["name"]} {s["endpoints"]!.AsArray().Count}"));
        Assert.All(slices, s => Assert.Equal("", s["ports"]![0]!["name"]?.ToString()));
        service["selector"] = new JsonObject();
        Assert.Empty(EndpointsMapping.ToSlices(service, []));
        Assert.Null(EndpointsMapping.ToEndpoints(service, [])["subsets"]);
    }

    [Fact]
    public void An_event_is_in_the_namespace_of_its_object_and_its_number_is_in_its_name()
    {
        var row = new EventRow { Id = 255, Name = "compute1", Type = "Warning", Reason = "Lost", Message = "m" };
        var shown = EventMapping.ToObject(row, new InvolvedObject("v1", "Node", null, "compute1", Guid.Empty));
        Assert.Equal("default compute1.ff", $"{shown["metadata"]!["namespace"]} {shown["metadata"]!["name"]}");
        Assert.Equal(255, EventMapping.IdOf("compute1.ff"));
        Assert.Null(EventMapping.IdOf("compute1"));
        Assert.Null(EventMapping.IdOf("compute1.-1"));
    }

    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    private static string Ordered(JsonObject value, params string[] members) => new JsonObject(members.Select(m => KeyValuePair.Create(m, value[m]?.DeepClone()))).ToJsonString();
}
