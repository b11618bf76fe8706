using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.FloatingIPs;

public sealed class FloatingIPTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const string Fips = "/v1/namespaces/fip/floating-ips";

    [Fact]
    public async Task A_reserved_floating_IP_is_attached_and_detached_by_updates()
    {
        await NetworkAsync("att", "41.0.0.0/24");
        var created = (await api.PostAsync(Fips, """{"name":"vip","externalNetwork":"att"}""")).Expect(201);
        Assert.Equal(("41.0.0.2", "External", "fip/att"), ((string?)created.Json!["address"], (string?)created.Json["kind"], (string?)created.Json["externalNetwork"]));
        Assert.Equal("NotAttached", created.ReasonOf("Advertised"));
        var attached = (await api.PatchAsync($"{Fips}/vip", """{"interfaces":["vmi-b","vmi-a"],"portMappings":[{"port":8080,"targetPort":80},{"port":53,"protocol":"UDP"}]}""")).Expect(200);
        Assert.Equal("TCP/8080->80,UDP/53->53", (string?)attached.Json!["portMapping"]);
        Assert.Equal("""["vmi-a","vmi-b"]""", attached.Json["interfaces"]!.ToJsonString());
        Assert.Equal("\"2\"", attached.ETag);
        Assert.Equal(attached.Text, (await api.PutAsync($"{Fips}/vip", attached.Text)).Expect(200).Text);
        // Attached directly, so no Service can have it.
        Assert.Equal("address-in-use", (await api.PostAsync("/v1/namespaces/fip/services", """{"name":"s","externalNetwork":"att","loadBalancerIPs":["41.0.0.2"],"ports":[{"port":80}]}""")).Expect(409).Code);
        Assert.Equal("[]", (await api.PatchAsync($"{Fips}/vip", """{"interfaces":null}""")).Expect(200).Json!["interfaces"]!.ToJsonString());
        (await api.PostAsync("/v1/namespaces/fip/services", """{"name":"s","externalNetwork":"att","loadBalancerIPs":["41.0.0.2"],"ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("in-use", (await api.PatchAsync($"{Fips}/vip", """{"interfaces":["vmi-a"]}""")).Expect(409).Code);
    }

    [Fact]
    public async Task Address_and_network_cannot_be_changed()
    {
        await NetworkAsync("imm", "41.1.0.0/24");
        (await api.PutAsync($"{Fips}/fixed", """{"externalNetwork":"imm","address":"41.1.0.9"}""")).Expect(201);
        Assert.Equal("immutable-field", (await api.PutAsync($"{Fips}/fixed", """{"externalNetwork":"imm","address":"41.1.0.10"}""")).Expect(400).Code);
        Assert.Equal("immutable-field", (await api.PatchAsync($"{Fips}/fixed", """{"externalNetwork":"other"}""")).Expect(400).Code);
        (await api.PutAsync($"{Fips}/fixed", """{"labels":{"a":"b"}}""")).Expect(200);
    }

    [Fact]
    public async Task A_floating_IP_of_a_service_is_read_only()
    {
        await NetworkAsync("own", "41.2.0.0/24");
        var service = (await api.PostAsync("/v1/namespaces/fip/services", """{"name":"own","externalNetwork":"own","ports":[{"port":80}]}""")).Expect(201);
        foreach (var name in service.Json!["status"]!["floatingIPs"]!.AsArray().Select(n => (string?)n))
        {
            var read = (await api.GetAsync($"{Fips}/{name}")).Expect(200);
            Assert.Equal("in-use", (await api.PatchAsync($"{Fips}/{name}", """{"labels":{"a":"b"}}""")).Expect(409).Code);
            Assert.Equal("in-use", (await api.DeleteAsync($"{Fips}/{name}")).Expect(409).Code);
            Assert.Equal("in-use", (await api.PatchAsync($"{Fips}/{name}", """{"interfaces":["vmi"]}""")).Expect(409).Code);
            Assert.Equal("in-use", (await api.PutAsync($"{Fips}/{name}", """{"address":"41.2.0.99"}""")).Expect(409).Code);
            // What GET answered may come back.
            Assert.Equal(read.Text, (await api.PutAsync($"{Fips}/{name}", read.Text)).Expect(200).Text);
            Assert.Equal(read.Text, (await api.PatchAsync($"{Fips}/{name}", "{}")).Expect(200).Text);
            Assert.Equal("precondition-failed", (await api.PutAsync($"{Fips}/{name}", read.Text, ("If-Match", "\"2\""))).Expect(412).Code);
        }
    }

    [Fact]
    public async Task A_second_create_is_already_exists_and_not_address_in_use()
    {
        await NetworkAsync("again", "41.4.0.0/24");
        (await api.PostAsync(Fips, """{"name":"again","externalNetwork":"again","address":"41.4.0.9"}""")).Expect(201);
        Assert.Equal("already-exists", (await api.PostAsync(Fips, """{"name":"again","externalNetwork":"again","address":"41.4.0.9"}""")).Expect(409).Code);
    }

    [Fact]
    public async Task Concurrent_identical_PUTs_create_once_and_the_others_return_200()
    {
        await NetworkAsync("put", "41.5.0.0/24");
        for (var i = 2; i < 12; i++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => api.PutAsync($"{Fips}/put-{i}", $$"""{"externalNetwork":"put","address":"41.5.0.{{i}}"}""")));
            Assert.Equal([200, 200, 200, 200, 200, 200, 200, 201], replies.Select(r => r.Status).Order());
        }
    }

    [Fact]
    public async Task Lists_have_pages_and_filter_by_label_and_address()
    {
        await NetworkAsync("list", "41.3.0.0/24");
        for (var i = 0; i < 5; i++) (await api.PostAsync(Fips, $$"""{"name":"list-{{i}}","externalNetwork":"list","labels":{"set":"list","i":"{{i}}"} }""")).Expect(201);
        var first = (await api.GetAsync("/v1/floating-ips?labelSelector=set=list&limit=3")).Expect(200);
        Assert.Equal(3, first.Json!["items"]!.AsArray().Count);
        var second = (await api.GetAsync($"/v1/floating-ips?labelSelector=set=list&limit=3&cursor={(string?)first.Json["nextCursor"]}")).Expect(200);
        Assert.Equal(2, second.Json!["items"]!.AsArray().Count);
        Assert.Null(second.Json["nextCursor"]);
        var who = (await api.GetAsync("/v1/floating-ips?address=41.3.0.4")).Expect(200);
        Assert.Equal("list-2", (string?)Assert.Single(who.Json!["items"]!.AsArray())!["name"]);
        Assert.Empty((await api.GetAsync("/v1/floating-ips?address=41.3.0.99")).Expect(200).Json!["items"]!.AsArray());
        Assert.Equal("validation-failed", (await api.GetAsync("/v1/floating-ips?address=41.3")).Expect(400).Code);
    }

    [Theory]
    [InlineData("""{"name":"f"}""", "externalNetwork")]
    [InlineData("""{"name":"f","externalNetwork":"no-such"}""", "externalNetwork")]
    [InlineData("""{"name":"f","externalNetwork":"A/b","address":"10.1","interfaces":["ok","Not_OK","ok"],"portMappings":[{"port":0},{},{"port":1},{"port":1},{"port":2,"targetPort":70000}]}""",
        "externalNetwork address interfaces[1] interfaces[2] portMappings[0].port portMappings[1].port portMappings[3].port portMappings[4].targetPort")]
    public async Task All_faults_of_a_floating_IP_are_named(string body, string paths)
    {
        var refused = (await api.PostAsync("/v1/namespaces/default/floating-ips", body)).Expect(400);
        Assert.Equal(paths.Split(' ').Order(), refused.ErrorPaths.Order());
    }

    private async Task NetworkAsync(string name, string cidr)
    {
        await api.PutAsync("/v1/namespaces/fip", "{}");
        (await api.PostAsync("/v1/namespaces/fip/external-networks", $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}"}],"fabricForwarding":true}""")).Expect(201);
    }
}
