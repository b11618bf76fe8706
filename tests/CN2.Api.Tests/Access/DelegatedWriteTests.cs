using System.Text.Json.Nodes;
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
    public async Task One_write_of_a_Subnet_makes_a_few_networks_and_the_next_write_goes_on()
    {
        (await api.PutAsync("/v1/namespaces/many", "{}")).Expect(201);
        for (var i = 0; i < Limits.CompletedNetworks + 1; i++) await CreateAsync("operator", "many", Network($"m{i:00}", "many", "common"));
        await CreateAsync("operator", "many", Subnet("common", "77.0.0.0/24"));
        Assert.Equal(Limits.CompletedNetworks, (await api.GetAsync("/v1/namespaces/many/external-networks")).Json!["items"]!.AsArray().Count);
        Assert.Equal(200, (await PatchAsync("operator", $"many/virtualnetworks/m{Limits.CompletedNetworks:00}", """{"metadata":{"labels":{"a":"b"}}}""")).Status);
        Assert.Equal(Limits.CompletedNetworks + 1, (await api.GetAsync("/v1/namespaces/many/external-networks")).Json!["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_FloatingIP_that_names_an_interface_of_another_namespace_is_refused_with_the_cause()
    {
        var (status, text) = await api.KubernetesAsync("editor1", HttpMethod.Post, $"{Root}/floatingips?dryRun=All",
            """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"FloatingIP","metadata":{"name":"ns1.vip"},"spec":{"virtualNetworkReference":{"name":"x"},"virtualMachineInterfaceReferences":[{"namespace":"ns2","name":"pod2"}]}}""");
        Assert.True(status == 422 && text.Contains("spec.virtualMachineInterfaceReferences[0].namespace", StringComparison.Ordinal), text);
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
