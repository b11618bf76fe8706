namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>Refusals say what is wrong as Kubernetes does, all of it, and by the reasons that programs branch on.</summary>
public sealed class CauseTests(WritesServer api) : IClassFixture<WritesServer>
{
    private const string Cn2 = "/apis/core.contrail.juniper.net/v1alpha1";

    private static string Services(string ns) => $"/api/v1/namespaces/{ns}/services";

    [Fact]
    public async Task Each_cause_has_its_reason_and_the_value()
    {
        await api.NamespaceAsync("reasons");
        var refused = await api.CreateAsync(Services("reasons"),
            """{"metadata":{"name":"s","labels":{"a":"-x"}},"spec":{"type":"NodePort","ports":[{"name":"a","port":80},{"name":"a","port":80,"nodePort":5},{"port":90000}],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"SingleStack"}}""");
        Has(refused, "spec.ports[1].name", "FieldValueDuplicate", "Duplicate value: \"a\"");
        Has(refused, "spec.ports[1].port", "FieldValueDuplicate", "Duplicate value: 80");
        Has(refused, "spec.ports[2].name", "FieldValueRequired", "Required value");
        Has(refused, "spec.ports[2].port", "FieldValueInvalid", "Invalid value: 90000: must be from 1 to 65535");
        Has(refused, "spec.ports[1].nodePort", "FieldValueInvalid", "Invalid value: 5: ");
        Has(refused, "spec.ipFamilyPolicy", "FieldValueInvalid", "Invalid value: \"SingleStack\": must be PreferDualStack or RequireDualStack");
        Has(refused, "metadata.labels[a]", "FieldValueInvalid", "Invalid value: \"-x\": ");
        Has(await api.CreateAsync(Services("reasons"), """{"metadata":{"name":"s"},"spec":{}}"""), "spec.ports", "FieldValueRequired", "Required value: must have at least one port");
    }

    [Fact]
    public async Task A_node_port_that_is_taken_is_named()
    {
        await api.NamespaceAsync("ports");
        static string Service(string name, params int[] ports) =>
            $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"type":"NodePort","ports":[{{{{string.Join(",", ports.Select((p, i) => $$$"""{"name":"p{{{i}}}","port":{{{i + 1}}},"nodePort":{{{p}}}}"""))}}}}]}}""";
        (await api.CreateAsync(Services("ports"), Service("first", 30123))).Expect(201);
        var refused = (await api.CreateAsync(Services("ports"), Service("second", 30124, 30123))).Expect(422, "Invalid");
        Assert.Equal("Service \"second\" is invalid: spec.ports[1].nodePort: Invalid value: 30123: provided port is already allocated", refused.Message);
        (await api.CreateAsync(Services("ports"), Service("third", 30124))).Expect(201); // nothing of the refused one was taken
        var v1 = (await api.PostAsync("/v1/namespaces/ports/services", """{"name":"x","type":"NodePort","ports":[{"port":1,"nodePort":30123}]}""")).Expect(409).Json!;
        Assert.Equal("node-port-in-use", (string?)v1["code"]);
        (await api.RemoveAsync($"{Services("ports")}/first")).Expect(200);
        (await api.CreateAsync(Services("ports"), Service("second", 30123))).Expect(201);
    }

    [Fact]
    public async Task An_address_that_is_taken_is_named()
    {
        await api.NamespaceAsync("addresses", "48.0.0.0/24");
        static string FloatingIP(string name) => $$$$"""{"metadata":{"name":"addresses.{{{{name}}}}"},"spec":{"floatingIPAddress":"48.0.0.9","virtualNetworkReference":{"namespace":"addresses","name":"net"}}}""";
        (await api.CreateAsync($"{Cn2}/floatingips", FloatingIP("one"))).Expect(201);
        Has(await api.CreateAsync($"{Cn2}/floatingips", FloatingIP("two")), "spec.floatingIPAddress", "FieldValueInvalid", "Invalid value: \"48.0.0.9\": 48.0.0.9 is held by FloatingIP addresses/one");
        await api.NamespaceAsync("others");
        Has(await api.CreateAsync(Services("others"), """{"metadata":{"name":"s","annotations":{"service.contrail.juniper.net/externalNetwork":"addresses/net"}},"spec":{"type":"LoadBalancer","loadBalancerIP":"48.0.0.9","ports":[{"port":80}]}}"""),
            "spec.loadBalancerIP", "FieldValueInvalid", "Invalid value: \"48.0.0.9\": ");
        static string Interface(string name) => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"instanceIPAddresses":["10.6.0.1"],"virtualRouterReference":{"name":"x"}}}""";
        (await api.CreateAsync($"{Cn2}/namespaces/others/virtualmachineinterfaces", Interface("v1"))).Expect(201);
        Has(await api.CreateAsync($"{Cn2}/namespaces/others/virtualmachineinterfaces", Interface("v2")), "spec.instanceIPAddresses", "FieldValueInvalid", "Invalid value: [\"10.6.0.1\"]: ");
    }

    [Fact]
    public async Task A_service_of_type_ClusterIP_has_no_node_ports()
    {
        await api.NamespaceAsync("none");
        Has(await api.CreateAsync(Services("none"), """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80,"nodePort":30200}]}}"""), "spec.ports[0].nodePort", "FieldValueForbidden",
            "Forbidden: may not be used when `type` is 'ClusterIP'");
        (await api.CreateAsync(Services("none"), """{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30201}]}}""")).Expect(201);
        // The ports that the Service had go with its type.
        var changed = (await api.ChangeAsync($"{Services("none")}/s", """{"spec":{"type":"ClusterIP"}}""", WritesServer.Merge)).Expect(200).Json!;
        Assert.Null(changed["spec"]!["ports"]![0]!["nodePort"]);
        Has(await api.ChangeAsync($"{Services("none")}/s", """{"spec":{"ports":[{"port":80,"nodePort":30201}]}}""", WritesServer.Merge), "spec.ports[0].nodePort", "FieldValueForbidden", "Forbidden");
    }

    [Fact]
    public async Task The_families_of_a_service_change_as_in_kubernetes()
    {
        await api.NamespaceAsync("families");
        const string Both = """{"spec":{"ipFamilies":["IPv4","IPv6"]}}""";
        (await api.CreateAsync(Services("families"), """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        var dual = (await api.ChangeAsync($"{Services("families")}/s", Both, WritesServer.Merge)).Expect(200).Json!["spec"]!;
        Assert.Equal(("PreferDualStack", 2), ((string?)dual["ipFamilyPolicy"], dual["clusterIPs"]!.AsArray().Count));
        var single = (await api.ChangeAsync($"{Services("families")}/s", """{"spec":{"ipFamilyPolicy":"SingleStack"}}""", WritesServer.Merge)).Expect(200).Json!["spec"]!;
        Assert.Equal(("[\"IPv4\"]", 1), (single["ipFamilies"]!.ToJsonString(), single["clusterIPs"]!.AsArray().Count));
        Assert.Equal((string?)dual["clusterIP"], (string?)single["clusterIP"]);
    }

    [Fact]
    public async Task A_strict_patch_names_each_unknown_field_once()
    {
        await api.NamespaceAsync("strict");
        (await api.CreateAsync(Services("strict"), """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        var refused = (await api.ChangeAsync($"{Services("strict")}/s?fieldValidation=Strict", """{"spec":{"foo":1,"type":"Bar","ports":[{"port":0}]}}""", WritesServer.Merge)).Expect(422, "Invalid");
        Assert.Equal(2, refused.Message!.Split("spec.foo").Length);
        foreach (var field in (string[])["patch", "spec.type", "spec.ports[0].port"]) Assert.Single(refused.Fields, field);
    }

    [Fact]
    public async Task Every_fault_stands_beside_a_wrong_word()
    {
        await api.NamespaceAsync("words");
        var network = await api.CreateAsync($"{Cn2}/namespaces/words/virtualnetworks",
            """{"metadata":{"name":"A_b"},"spec":{"virtualNetworkProperties":{"rpf":"maybe"},"routeTargetList":["x"],"fabricForwarding":true,"isProviderNetwork":true}}""");
        foreach (var field in (string[])["metadata.name", "spec.virtualNetworkProperties.rpf", "spec.routeTargetList[0]", "spec.isProviderNetwork"]) Assert.Contains(field, network.Expect(422).Fields);
        var subnet = await api.CreateAsync($"{Cn2}/namespaces/words/subnets", """{"metadata":{"name":"A_b"},"spec":{"cidr":"1.2.3","defaultGateway":"x","enableDHCP":"yes"}}""");
        foreach (var field in (string[])["metadata.name", "spec.cidr", "spec.enableDHCP"]) Assert.Contains(field, subnet.Expect(422).Fields);
        var manager = await api.ChangeAsync("/apis/configplane.juniper.net/v1/namespaces/contrail/kubemanagers/contrail-k8s-kubemanager",
            """{"spec":{"externalNetworkSelectors":{"A_b":{"networkSelector":{}},"b":{"networkSelector":{"matchExpressions":[{"key":"a","operator":"Like"}]}},"c":{"networkSelector":{"matchLabels":{"-":"x"}}}}}}""", WritesServer.Merge);
        Assert.Equal(3, manager.Expect(422).Fields.Distinct().Count());
        var attachment = await api.CreateAsync("/apis/k8s.cni.cncf.io/v1/namespaces/words/network-attachment-definitions", """{"metadata":{"name":"n","finalizers":["-"]},"spec":{"config":"{"}}""");
        foreach (var field in (string[])["metadata.finalizers[0]", "spec.config"]) Assert.Contains(field, attachment.Expect(422).Fields);
        Assert.Contains("metadata.name", (await api.CreateAsync(Services("words"), """{"metadata":{},"spec":{"ports":[{"port":0}]}}""")).Expect(422).Fields);
        Assert.Contains("spec.ports[0].port", (await api.CreateAsync(Services("words"), """{"metadata":{},"spec":{"ports":[{"port":0}]}}""")).Expect(422).Fields);
    }

    [Fact]
    public async Task The_generation_of_the_kubemanager_never_goes_back()
    {
        const string Path = "/apis/configplane.juniper.net/v1/namespaces/contrail/kubemanagers/contrail-k8s-kubemanager";
        async Task<long> ReadAsync() => (long)(await api.ReadAsync(Path)).Expect(200).Json!["metadata"]!["generation"]!;
        var last = await ReadAsync();
        foreach (var patch in (string[])["{\"one\":{\"networkSelector\":{}}}", "{\"one\":{\"networkSelector\":{\"matchLabels\":{\"a\":\"b\"}}}}", "{\"one\":null}"])
        {
            var answer = (long)(await api.ChangeAsync(Path, $$$"""{"spec":{"externalNetworkSelectors":{{{patch}}}}}""", WritesServer.Merge)).Expect(200).Json!["metadata"]!["generation"]!;
            var now = await ReadAsync();
            Assert.Equal(now, answer);
            Assert.True(now > last, $"{last} to {now} by {patch}");
            last = now;
        }

        (await api.PutAsync("/v1/external-network-selectors/two", """{"networkSelector":{}}""")).Expect(201);
        (await api.DeleteAsync("/v1/external-network-selectors/two")).Expect(204);
        Assert.True(await ReadAsync() > last);
    }

    [Theory]
    [InlineData("?gracePeriodSeconds=x", null)]
    [InlineData("?orphanDependents=x", null)]
    [InlineData("", """{"gracePeriodSeconds":"x"}""")]
    [InlineData("", """{"preconditions":7}""")]
    public async Task Options_of_a_deletion_that_cannot_be_read_delete_nothing(string query, string? body)
    {
        var ns = $"grace-{Guid.NewGuid():N}"[..20];
        await api.NamespaceAsync(ns);
        (await api.CreateAsync(Services(ns), """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        (await api.RemoveAsync($"{Services(ns)}/s{query}", body)).Expect(400, "BadRequest");
        (await api.RemoveAsync($"{Services(ns)}{query}", body)).Expect(400, "BadRequest");
        (await api.ReadAsync($"{Services(ns)}/s")).Expect(200);
        (await api.RemoveAsync($"{Services(ns)}/s?gracePeriodSeconds=0", """{"gracePeriodSeconds":5}""")).Expect(200);
    }

    [Fact]
    public async Task A_token_goes_on_with_its_own_list_alone()
    {
        await api.NamespaceAsync("tokens");
        for (var i = 0; i < 3; i++) (await api.CreateAsync(Services("tokens"), $$$$"""{"metadata":{"name":"s{{{{i}}}}","labels":{"a":"b"}},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        var token = (string)(await api.ReadAsync($"{Services("tokens")}?limit=1&labelSelector=a%3Db")).Expect(200).Json!["metadata"]!["continue"]!;
        (await api.ReadAsync($"{Services("tokens")}?limit=1&labelSelector=a%3Db&continue={token}")).Expect(200);
        foreach (var path in (string[])
        [
            $"{Services("tokens")}?limit=1&", $"{Services("tokens")}?limit=1&labelSelector=a%3Dc&", $"{Services("tokens")}?limit=1&labelSelector=a%3Db&fieldSelector=metadata.name%3Ds1&",
            $"{Services("default")}?limit=1&labelSelector=a%3Db&", "/api/v1/services?limit=1&labelSelector=a%3Db&", "/api/v1/namespaces/tokens/pods?limit=1&labelSelector=a%3Db&",
        ])
        {
            (await api.ReadAsync($"{path}continue={token}")).Expect(400, "BadRequest");
        }
    }

    [Fact]
    public async Task A_subnet_of_kubectl_is_not_taken_over_by_a_network_that_grows()
    {
        await api.NamespaceAsync("grown");
        (await api.PutAsync("/v1/namespaces/grown/external-networks/foo", """{"subnets":[{"cidr":"47.0.0.0/24"}]}""")).Expect(201);
        (await api.CreateAsync($"{Cn2}/namespaces/grown/subnets", """{"metadata":{"name":"foo-v6"},"spec":{"cidr":"fd47::/120"}}""")).Expect(201);
        (await api.CreateAsync($"{Cn2}/namespaces/grown/subnets", """{"metadata":{"name":"foo-v4-2"},"spec":{"cidr":"47.0.7.0/24"}}""")).Expect(201);
        Assert.Contains("Subnet grown/foo-v6", (string?)(await api.PutAsync("/v1/namespaces/grown/external-networks/foo", """{"subnets":[{"cidr":"47.0.0.0/24"},{"cidr":"fd48::/120"}]}""")).Expect(409).Json!["detail"], StringComparison.Ordinal);
        Assert.Contains("Subnet grown/foo-v4-2", (string?)(await api.PatchAsync("/v1/namespaces/grown/external-networks/foo", """{"subnets":[{"cidr":"47.0.0.0/24"},{"cidr":"47.0.1.0/24"}]}""")).Expect(409).Json!["detail"], StringComparison.Ordinal);
        (await api.CreateAsync("/apis/k8s.cni.cncf.io/v1/namespaces/grown/network-attachment-definitions",
            """{"metadata":{"name":"bar","annotations":{"juniper.net/networks":"{\"ipamV4Subnet\":\"47.1.0.0/24\"}"}},"spec":{}}""")).Expect(201);
        (await api.CreateAsync($"{Cn2}/namespaces/grown/subnets", """{"metadata":{"name":"bar-v6"},"spec":{"cidr":"fd49::/120"}}""")).Expect(201);
        (await api.ChangeAsync("/apis/k8s.cni.cncf.io/v1/namespaces/grown/network-attachment-definitions/bar",
            """{"metadata":{"annotations":{"juniper.net/networks":"{\"ipamV4Subnet\":\"47.1.0.0/24\",\"ipamV6Subnet\":\"fd50::/120\"}"}}}""", WritesServer.Merge)).Expect(409);
        Assert.Equal("fd49::/120", (string?)(await api.ReadAsync($"{Cn2}/namespaces/grown/subnets/bar-v6")).Expect(200).Json!["spec"]!["cidr"]);
        (await api.PutAsync("/v1/namespaces/grown/external-networks/foo", """{"subnets":[{"cidr":"47.0.0.0/25"}]}""")).Expect(200);
    }

    private static void Has(KubernetesReply reply, string field, string reason, string beginning) => Assert.Contains(
        reply.Expect(422, "Invalid").Json!["details"]!["causes"]!.AsArray(),
        c => (string?)c!["field"] == field && (string?)c["reason"] == reason && ((string?)c["message"])!.StartsWith(beginning, StringComparison.Ordinal));
}
