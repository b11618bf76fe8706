using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Grants;

public sealed class GrantTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_grant_is_written_read_changed_and_deleted_in_canonical_form()
    {
        await NamespaceAsync("life");
        Assert.Equal("not-found", (await api.GetAsync("/v1/namespaces/life/grant")).Expect(404).Code);
        var created = (await api.PutAsync("/v1/namespaces/life/grant",
            """{"prefixes":["10.9.0.0/16","10.8.0.0/16"],"routeTargets":["target:64512:0-4294967295"],"communities":["no-export","64512:*"],"largeCommunities":["64512:1:*"],"quota":{"services":3}}""")).Expect(201);
        Assert.Equal("/v1/namespaces/life/grant", created.Location);
        Assert.Equal("\"1\"", created.ETag);
        Assert.Equal("""["10.8.0.0/16","10.9.0.0/16"]""", created.Json!["prefixes"]!.ToJsonString());
        Assert.Equal("""["target:64512:*"]""", created.Json["routeTargets"]!.ToJsonString());
        Assert.Equal("""["64512:*","NO_EXPORT"]""", created.Json["communities"]!.ToJsonString());
        Assert.Null(created.Json["endpointPrefixes"]);
        Assert.Equal(created.Text, (await api.GetAsync("/v1/namespaces/life/grant")).Expect(200).Text);
        Assert.Equal(created.Text, (await api.PutAsync("/v1/namespaces/life/grant", created.Text)).Expect(200).Text);

        Assert.Equal("precondition-failed", (await api.PutAsync("/v1/namespaces/life/grant", "{}", ("If-Match", "\"9\""))).Expect(412).Code);
        (await api.PutAsync("/v1/namespaces/life/grant?dryRun=true", "{}")).Expect(200);
        Assert.Equal(created.Text, (await api.GetAsync("/v1/namespaces/life/grant")).Text);
        Assert.Equal("\"2\"", (await api.PutAsync("/v1/namespaces/life/grant", "{}", ("If-Match", "\"1\""))).Expect(200).ETag);
        (await api.DeleteAsync("/v1/namespaces/life/grant", ("If-Match", "\"1\""))).Expect(412);
        (await api.DeleteAsync("/v1/namespaces/life/grant")).Expect(204);
        (await api.GetAsync("/v1/namespaces/life/grant")).Expect(404);
        (await api.DeleteAsync("/v1/namespaces/life/grant")).Expect(404);
        Assert.Equal("not-found", (await api.PutAsync("/v1/namespaces/nobody/grant", "{}")).Expect(404).Code);
    }

    [Fact]
    public async Task All_faults_of_a_grant_are_named_at_once()
    {
        await NamespaceAsync("faults");
        var refused = (await api.PutAsync("/v1/namespaces/faults/grant",
            """{"name":"other","prefixes":["10.0.0.1/8"],"routeTargets":["target:1"],"communities":["64512:70000"],"largeCommunities":["1:2"],"endpointPrefixes":["x"],"quota":{"services":-1,"pods":3}}""")).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Equal(
            ["communities[0]", "endpointPrefixes[0]", "largeCommunities[0]", "name", "prefixes[0]", "quota.pods", "quota.services", "routeTargets[0]"],
            refused.ErrorPaths.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_prefix_is_granted_to_one_namespace_only()
    {
        await NamespaceAsync("over1");
        await NamespaceAsync("over2");
        (await api.PutAsync("/v1/namespaces/over1/grant", """{"prefixes":["10.20.0.0/16","10.20.1.0/24"]}""")).Expect(201);
        var refused = (await api.PutAsync("/v1/namespaces/over2/grant", """{"prefixes":["10.21.0.0/16","10.20.7.0/24"]}""")).Expect(409);
        Assert.Equal("grant-overlap", refused.Code);
        Assert.Contains("10.20.7.0/24 overlaps 10.20.0.0/16, which Namespace over1 is granted", (string)refused.Json!["detail"]!, StringComparison.Ordinal);
        (await api.GetAsync("/v1/namespaces/over2/grant")).Expect(404);
        (await api.PutAsync("/v1/namespaces/over1/grant", """{"prefixes":["10.20.0.0/24"]}""")).Expect(200);
        (await api.PutAsync("/v1/namespaces/over2/grant", """{"prefixes":["10.21.0.0/16","10.20.7.0/24"]}""")).Expect(201);
    }

    [Fact]
    public async Task Of_two_grants_of_one_prefix_at_once_exactly_one_is_given()
    {
        await NamespaceAsync("race1");
        await NamespaceAsync("race2");
        for (var round = 0; round < 30; round++)
        {
            var body = $$"""{"prefixes":["10.30.{{round}}.0/24"]}""";
            var replies = await Task.WhenAll(api.PutAsync("/v1/namespaces/race1/grant", body), api.PutAsync("/v1/namespaces/race2/grant", body));
            Assert.Single(replies, r => r.Status < 300);
            Assert.Equal("grant-overlap", replies.Single(r => r.Status >= 300).Expect(409).Code);
        }
    }

    [Fact]
    public async Task A_namespace_with_nothing_but_a_grant_is_deleted_with_it()
    {
        await NamespaceAsync("only");
        (await api.PutAsync("/v1/namespaces/only/grant", """{"prefixes":["10.40.0.0/16"]}""")).Expect(201);
        (await api.DeleteAsync("/v1/namespaces/only")).Expect(204);
        await NamespaceAsync("only");
        (await api.GetAsync("/v1/namespaces/only/grant")).Expect(404);
        await NamespaceAsync("heir");
        (await api.PutAsync("/v1/namespaces/heir/grant", """{"prefixes":["10.40.0.0/16"]}""")).Expect(201);
    }

    private async Task NamespaceAsync(string name) => (await api.PutAsync($"/v1/namespaces/{name}", "{}")).Expect(201);
}
