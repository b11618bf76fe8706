using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Access;

/// <summary>What one caller asks for and the write of another, or the server, carries out: it gets no more than who asked may have.</summary>
public sealed class DelegatedWriteTests(RoleServer api) : IClassFixture<RoleServer>
{
    private const string Root = "/apis/core.contrail.juniper.net/v1alpha1";

    [Theory]
    [InlineData("editor1", "operator", "operator", 404)]
    [InlineData("operator", "editor1", "editor1", 404)]
    [InlineData("operator", "operator", "operator", 200)]
    public async Task Without_a_grant_a_network_needs_operators_for_all_its_parts(string writer, string completer, string labeler, int expected)
    {
        var name = $"part-{writer}-{completer}";
        var cidr = $"70.{writer.Length}.{completer.Length}.0/24";
        await CreateAsync(writer, "ns1", Network(name, "ns1", name));
        // An operator who only labels it does not answer for it.
        if (writer != "operator") Assert.Equal(200, (await PatchAsync(labeler, $"ns1/virtualnetworks/{name}", """{"metadata":{"labels":{"a":"b"}}}""")).Status);
        await CreateAsync(completer, "ns1", Subnet(name, cidr));
        (await api.GetAsync($"/v1/namespaces/ns1/external-networks/{name}")).Expect(expected);
    }

    [Fact]
    public async Task An_operator_does_not_make_a_network_of_a_Subnet_that_an_editor_chose()
    {
        await CreateAsync("editor1", "ns1", Subnet("chosen", "71.0.0.0/24"));
        var (status, text) = await api.KubernetesAsync("operator", HttpMethod.Post, $"{Root}/namespaces/ns1/virtualnetworks", Network("of-chosen", "ns1", "chosen"));
        Assert.True(status == 403 && text.Contains("has no grant", StringComparison.Ordinal), text);
    }

    [Fact]
    public async Task Within_the_grant_of_its_namespace_a_network_is_completed_by_anybody()
    {
        (await api.PutAsync("/v1/namespaces/granted", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/granted/grant", """{"prefixes":["72.0.0.0/24"]}""")).Expect(201);
        await CreateAsync("editor", "granted", Network("inside", "granted", "inside"));
        await CreateAsync("operator", "granted", Subnet("inside", "72.0.0.0/25"));
        (await api.GetAsync("/v1/namespaces/granted/external-networks/inside")).Expect(200);
    }

    [Fact]
    public async Task A_reference_to_a_Subnet_of_a_hidden_namespace_is_refused_whether_or_not_it_exists()
    {
        await CreateAsync("operator", "ns2", Subnet("hidden", "73.0.0.0/24"));
        var (there, existing) = await api.KubernetesAsync("editor1", HttpMethod.Post, $"{Root}/namespaces/ns1/virtualnetworks", Network("peek", "ns2", "hidden"));
        var (absent, missing) = await api.KubernetesAsync("editor1", HttpMethod.Post, $"{Root}/namespaces/ns1/virtualnetworks", Network("peek", "ns2", "absent"));
        Assert.Equal((403, 403), (there, absent));
        Assert.Equal(missing, existing);
        Assert.DoesNotContain("73.0.0.0", existing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_of_a_hidden_namespace_answers_a_FloatingIP_the_same_whether_or_not_it_exists()
    {
        (await api.PutAsync("/v1/namespaces/ns2/external-networks/shut", """{"subnets":[{"cidr":"74.0.0.0/24"}],"allowedNamespaces":{"matchLabels":{"kind":"none"}}}""")).Expect(201);
        var there = (await api.SendAsAsync("editor1", HttpMethod.Post, "/v1/namespaces/ns1/floating-ips", new { name = "peek", externalNetwork = "ns2/shut" })).Expect(403);
        var absent = (await api.SendAsAsync("editor1", HttpMethod.Post, "/v1/namespaces/ns1/floating-ips", new { name = "peek", externalNetwork = "ns2/absent" })).Expect(403);
        Assert.Equal(((string?)there.Json!["code"], (string?)there.Json["detail"]), ((string?)absent.Json!["code"], (string?)absent.Json["detail"]));
        Assert.Equal(400, (await api.SendAsync(HttpMethod.Post, "/v1/namespaces/ns1/floating-ips", new { name = "peek", externalNetwork = "ns2/absent" })).Status);
    }

    [Theory]
    [InlineData("POST", "")]
    [InlineData("POST", "?dryRun=true")]
    [InlineData("PUT", "/peek")]
    [InlineData("PUT", "/mine")]
    [InlineData("PATCH", "/mine")]
    public async Task A_network_of_a_hidden_namespace_answers_a_Service_the_same_whether_or_not_it_exists(string method, string path)
    {
        await api.PutAsync("/v1/namespaces/ns2/external-networks/shut-to-services", """{"subnets":[{"cidr":"74.1.0.0/24"}],"allowedNamespaces":{"matchLabels":{"kind":"none"}}}""");
        await api.PutAsync("/v1/namespaces/ns1/services/mine", """{"type":"ClusterIP","ports":[{"port":80}]}""");
        var there = await AskAsync("ns2/shut-to-services");
        var absent = await AskAsync("ns2/absent");
        Assert.Equal((403, "network-not-allowed"), (there.Status, (string?)there.Json!["code"]));
        Assert.Equal((there.Status, Told(there)), (absent.Status, Told(absent)));
        // Who may read the namespace hears that there is no such network, and the Service waits for it.
        (await api.SendAsAsync("operator", new HttpMethod(method), $"/v1/namespaces/ns1/services{path}", Body("ns2/absent"))).Expect(method == "POST" || path == "/peek" ? 201 : 200);
        await api.DeleteAsync("/v1/namespaces/ns1/services/peek");
        await api.PutAsync("/v1/namespaces/ns1/services/mine", """{"type":"ClusterIP","ports":[{"port":80}]}""");

        Task<Reply> AskAsync(string network) => api.SendAsAsync("editor1", new HttpMethod(method), $"/v1/namespaces/ns1/services{path}", Body(network));
        object Body(string network) => new { name = path == "/mine" ? "mine" : "peek", type = "LoadBalancer", externalNetwork = network, ports = new[] { new { port = 80 } } };
        static string Told(Reply reply) => $"{reply.Json!["code"]} {reply.Json["title"]} {reply.Json["detail"]} {reply.Json["errors"]}";
    }

    [Fact]
    public async Task The_annotation_of_a_Service_tells_no_more_of_a_hidden_network()
    {
        (await api.PutAsync("/v1/namespaces/ns2/external-networks/shut-to-objects", """{"subnets":[{"cidr":"74.2.0.0/24"}],"allowedNamespaces":{"matchLabels":{"kind":"none"}}}""")).Expect(201);
        Assert.Equal(201, (await PostAsync("mine-too", null)).Status);
        var (there, absent) = (await PostAsync("peek", "ns2/shut-to-objects"), await PostAsync("peek", "ns2/absent"));
        Assert.True(there.Status == 403, there.Text);
        Assert.Equal(there, absent);
        var (changed, missing) = (await ChangeAsync("ns2/shut-to-objects"), await ChangeAsync("ns2/absent"));
        Assert.True(changed.Status == 403, changed.Text);
        Assert.Equal(changed, missing);

        Task<(int Status, string Text)> PostAsync(string name, string? network) => api.KubernetesAsync("editor1", HttpMethod.Post, "/api/v1/namespaces/ns1/services",
            $$$$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{{name}}}}"{{{{(network is null ? "" : $$$"""
            ,"annotations":{"service.contrail.juniper.net/externalNetwork":"{{{network}}}"}
            """)}}}}},"spec":{"type":"{{{{(network is null ? "ClusterIP" : "LoadBalancer")}}}}","ports":[{"port":80}]}}""");
        async Task<(int Status, string Text)> ChangeAsync(string network)
        {
            using var response = await RoleServer.BeginAsync(api.Kubernetes, "editor1", HttpMethod.Patch, "/api/v1/namespaces/ns1/services/mine-too",
                $$$"""{"metadata":{"annotations":{"service.contrail.juniper.net/externalNetwork":"{{{network}}}"}},"spec":{"type":"LoadBalancer"}}""", "application/merge-patch+json");
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("""{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"gone","uid":"00000000-0000-0000-0000-000000000001"}]}}""")]
    [InlineData("""{"metadata":{"finalizers":["foregroundDeletion"]}}""")]
    public async Task Who_may_not_delete_a_network_cannot_have_the_server_delete_it(string patch)
    {
        var name = $"kept-{patch.Length}";
        (await api.PutAsync($"/v1/namespaces/ns1/external-networks/{name}", $$"""{"subnets":[{"cidr":"75.0.{{patch.Length % 250}}.0/24"}]}""")).Expect(201);
        var (status, text) = await PatchAsync("editor1", $"ns1/virtualnetworks/{name}", patch);
        Assert.True(status == 403, text);
        var (held, why) = await PatchAsync("operator", $"ns1/virtualnetworks/{name}", """{"metadata":{"finalizers":["example.org/mine"]}}""");
        Assert.True(held == 200, why);
        Assert.Equal(403, (await api.KubernetesAsync("editor1", HttpMethod.Delete, $"{Root}/namespaces/ns1/virtualnetworks/{name}")).Status);
        var (_, shown) = await api.KubernetesAsync("operator", HttpMethod.Get, $"{Root}/namespaces/ns1/virtualnetworks/{name}");
        Assert.Null(JsonNode.Parse(shown)!["metadata"]!["deletionTimestamp"]);
    }

    [Fact]
    public async Task Objects_that_wait_have_a_bound_in_each_namespace()
    {
        (await api.PutAsync("/v1/namespaces/waiting", "{}")).Expect(201);
        for (var i = 0; i < Limits.WaitingNetworks; i++) await CreateAsync("editor", "waiting", Network($"w{i}", "waiting", "trap"));
        var (status, text) = await api.KubernetesAsync("editor", HttpMethod.Post, $"{Root}/namespaces/waiting/virtualnetworks", Network("more", "waiting", "trap"));
        Assert.True(status == 403 && text.Contains("wait already", StringComparison.Ordinal), text);
        await CreateAsync("operator", "waiting", Subnet("trap", "76.0.0.0/24"));
    }

    [Fact]
    public async Task One_write_of_a_Subnet_makes_a_few_networks_and_the_leader_makes_the_others()
    {
        (await api.PutAsync("/v1/namespaces/many", "{}")).Expect(201);
        for (var i = 0; i < (2 * Limits.CompletedNetworks) + 5; i++) await CreateAsync("operator", "many", Network($"m{i:00}", "many", "common"));
        await CreateAsync("operator", "many", Subnet("common", "77.0.0.0/24"));
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/many/external-networks")).Json!["items"]!.AsArray().Count == (2 * Limits.CompletedNetworks) + 5, "all are networks");
    }

    [Fact]
    public async Task A_network_that_only_the_grant_is_missing_for_says_so_and_is_made_when_there_is_one()
    {
        (await api.PutAsync("/v1/namespaces/later", "{}")).Expect(201);
        await CreateAsync("editor", "later", Network("late", "later", "of-late"));
        Assert.Contains("create Subnet later/of-late", await MessageAsync("later", "late"), StringComparison.Ordinal);
        await CreateAsync("operator", "later", Subnet("of-late", "78.0.0.0/24"));
        var message = await MessageAsync("later", "late");
        Assert.Contains("has no grant", message, StringComparison.Ordinal);
        Assert.DoesNotContain("create Subnet", message, StringComparison.Ordinal);
        (await api.PutAsync("/v1/namespaces/later/grant", """{"prefixes":["78.0.0.0/24"]}""")).Expect(201);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/later/external-networks/late")).Status == 200, "it is a network", seconds: 70);
    }

    [Fact]
    public async Task A_network_that_a_quota_has_no_room_for_refuses_nobody_the_Subnet_that_it_waits_for()
    {
        (await api.PutAsync("/v1/namespaces/full", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/full/grant", """{"prefixes":["79.0.0.0/24"],"quota":{"externalNetworks":0}}""")).Expect(201);
        await CreateAsync("editor", "full", Network("no-room", "full", "of-no-room"));
        await CreateAsync("operator", "full", Subnet("of-no-room", "79.0.0.0/24"));
        Assert.Contains("quota", await MessageAsync("full", "no-room"), StringComparison.OrdinalIgnoreCase);
        (await api.PutAsync("/v1/namespaces/full/grant", """{"prefixes":["79.0.0.0/24"],"quota":{"externalNetworks":1}}""")).Expect(200);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/full/external-networks/no-room")).Status == 200, "it is a network", seconds: 70);
    }

    [Fact]
    public async Task What_a_waiting_network_says_names_nothing_of_a_hidden_namespace()
    {
        (await api.PutAsync("/v1/namespaces/ns2/external-networks/in-the-way", """{"subnets":[{"cidr":"80.0.0.0/16"}],"fabricForwarding":true}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/blocked", "{}")).Expect(201);
        await CreateAsync("operator", "blocked", Network("behind", "blocked", "of-behind").Replace("\"spec\":{", "\"spec\":{\"fabricForwarding\":true,", StringComparison.Ordinal));
        await CreateAsync("operator", "blocked", Subnet("of-behind", "80.0.1.0/24"));
        var message = await MessageAsync("blocked", "behind");
        Assert.Contains("overlaps", message, StringComparison.Ordinal);
        Assert.DoesNotContain("in-the-way", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_FloatingIP_that_names_an_interface_of_another_namespace_is_refused_with_the_cause()
    {
        var (status, text) = await api.KubernetesAsync("editor1", HttpMethod.Post, $"{Root}/floatingips?dryRun=All",
            """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"FloatingIP","metadata":{"name":"ns1.vip"},"spec":{"virtualNetworkReference":{"name":"x"},"virtualMachineInterfaceReferences":[{"namespace":"ns2","name":"pod2"}]}}""");
        Assert.True(status == 422 && text.Contains("spec.virtualMachineInterfaceReferences[0].namespace", StringComparison.Ordinal), text);
    }

    private async Task<string> MessageAsync(string ns, string name)
    {
        var (status, text) = await api.KubernetesAsync("operator", HttpMethod.Get, $"{Root}/namespaces/{ns}/virtualnetworks/{name}");
        Assert.True(status == 200, text);
        return (string?)JsonNode.Parse(text)!["status"]?["observation"] ?? JsonNode.Parse(text)!["status"]!.ToJsonString();
    }

    private async Task CreateAsync(string user, string ns, string body)
    {
        var plural = (string?)JsonNode.Parse(body)!["kind"] == "Subnet" ? "subnets" : "virtualnetworks";
        var (status, text) = await api.KubernetesAsync(user, HttpMethod.Post, $"{Root}/namespaces/{ns}/{plural}", body);
        Assert.True(status == 201, text);
    }

    private async Task<(int Status, string Text)> PatchAsync(string user, string path, string patch)
    {
        using var response = await RoleServer.BeginAsync(api.Kubernetes, user, HttpMethod.Patch, $"{Root}/namespaces/{path}", patch, "application/merge-patch+json");
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static string Subnet(string name, string cidr) =>
        $$$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"Subnet","metadata":{"name":"{{{name}}}"},"spec":{"cidr":"{{{cidr}}}"}}""";

    private static string Network(string name, string ns, string subnet) =>
        $$$$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"{{{{name}}}}"},"spec":{"v4SubnetReference":{"namespace":"{{{{ns}}}}","name":"{{{{subnet}}}}"}}}""";
}
