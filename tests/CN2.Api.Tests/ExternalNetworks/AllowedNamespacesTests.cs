using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.ExternalNetworks;

/// <summary>Which namespaces may use a network (docs/contract.md §3).</summary>
public sealed class AllowedNamespacesTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const string Shared = "/v1/namespaces/owner/external-networks/shared";

    [Fact]
    public async Task Others_are_refused_by_name_and_passed_over_by_selectors_and_who_is_there_stays()
    {
        await NamespaceAsync("owner", "{}");
        await NamespaceAsync("friend", """{"labels":{"team":"a"}}""");
        await NamespaceAsync("stranger", """{"labels":{"team":"b"}}""");
        var labels = "\"labels\":{\"service.contrail.juniper.net/externalNetwork\":\"default-external\"}";
        (await api.PutAsync(Shared, $$"""{{{labels}},"subnets":[{"cidr":"100.64.0.0/24"}]}""")).Expect(201);
        var early = (await api.PostAsync("/v1/namespaces/stranger/services", """{"name":"early","externalNetwork":"owner/shared","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("Allowed", (await api.PatchAsync(Shared, """{"allowedNamespaces":{}}""")).Expect(200).ReasonOf("AllowedUsers"));
        var shut = (await api.PatchAsync(Shared, """{"allowedNamespaces":{"matchLabels":{"team":"a"}}}""")).Expect(200);
        Assert.Equal("UsedByOthers", shut.ReasonOf("AllowedUsers"));
        Assert.Contains("stranger", (string)Reply.Condition(shut.Json, "AllowedUsers")!["message"]!, StringComparison.Ordinal);
        Assert.Equal(shut.Text, (await api.PutAsync(Shared, shut.Text)).Expect(200).Text);

        var named = (await api.PostAsync("/v1/namespaces/stranger/services", """{"name":"s","externalNetwork":"owner/shared","ports":[{"port":80}]}""")).Expect(403);
        Assert.Equal("network-not-allowed", named.Code);
        Assert.Contains("ExternalNetwork owner/shared do not select Namespace stranger", named.Text, StringComparison.Ordinal);
        Assert.Equal("network-not-allowed", (await api.PostAsync("/v1/namespaces/stranger/floating-ips", """{"name":"f","externalNetwork":"owner/shared"}""")).Expect(403).Code);
        Assert.Equal("network-not-allowed", (await api.PostAsync("/v1/namespaces/owner/floating-ips", """{"name":"f","externalNetwork":"shared"}""")).Expect(403).Code);
        Assert.Equal("NoExternalNetwork", (await api.PostAsync("/v1/namespaces/stranger/services", """{"name":"t","ports":[{"port":80}]}""")).Expect(201).ReasonOf("Allocated"));
        Assert.Equal("owner/shared", (string?)(await api.PostAsync("/v1/namespaces/friend/services", """{"name":"s","ports":[{"port":80}]}""")).Expect(201).Json!["status"]!["externalNetwork"]);
        (await api.PostAsync("/v1/namespaces/friend/floating-ips", """{"name":"f","externalNetwork":"owner/shared"}""")).Expect(201);

        // Who was there keeps the address over changes that do not ask for another.
        var kept = (await api.PatchAsync("/v1/namespaces/stranger/services/early", """{"ports":[{"port":90}]}""")).Expect(200);
        Assert.Equal(early.Json!["status"]!["externalIPs"]!.ToJsonString(), kept.Json!["status"]!["externalIPs"]!.ToJsonString());
        Assert.Equal("network-not-allowed", (await api.PatchAsync("/v1/namespaces/stranger/services/early", """{"loadBalancerIPs":["100.64.0.99"]}""")).Expect(403).Code);

        // A label is enough.
        (await api.PatchAsync("/v1/namespaces/stranger", """{"labels":{"team":"a"}}""")).Expect(200);
        (await api.PostAsync("/v1/namespaces/stranger/services", """{"name":"s","externalNetwork":"owner/shared","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("Allowed", (await api.GetAsync(Shared)).ReasonOf("AllowedUsers"));
    }

    [Fact]
    public async Task All_faults_of_the_selector_are_named()
    {
        var refused = (await api.PostAsync("/v1/namespaces/default/external-networks",
            """{"name":"n","subnets":[{"cidr":"100.65.0.0/24"}],"allowedNamespaces":{"matchLabels":{"a b":"c"},"matchExpressions":[{"key":"t","operator":"In"}]}}""")).Expect(400);
        Assert.Equal(["allowedNamespaces.matchExpressions[0].values", "allowedNamespaces.matchLabels"], refused.ErrorPaths.Order(StringComparer.Ordinal));
    }

    private async Task NamespaceAsync(string name, string body) => (await api.PutAsync($"/v1/namespaces/{name}", body)).Expect(201);
}
