using System.Text.Json.Nodes;
using CN2.Api.Data.Documents;
using CN2.Api.Json;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Documents that another version of the program has written, or that are broken: one resource's problem, and nobody else's.</summary>
public sealed class StoredDocumentTests(PrivatePostgres postgres) : StoredDocuments(postgres)
{
    [Theory]
    [InlineData("services", "service", "web")]
    [InlineData("floating-ips", "floating_ip", "fip")]
    [InlineData("external-networks", "external_network", "vn")]
    [InlineData("service-health-checks", "service_health_check", "hc")]
    [InlineData("external-network-selectors", "external_network_selector", "more")]
    [InlineData("bgp-routers", "bgp_router", "vmx1")]
    public async Task A_member_that_this_version_does_not_know_is_ignored_and_a_watch_goes_on(string collection, string table, string name)
    {
        await using var plane = await StartAsync();
        using var watch = await WatchAsync(plane.Api, collection);
        var before = (await plane.Api.GetAsync(PathOf(collection, name))).Expect(200);
        await SpoilAsync(plane, collection, table, name, """spec || '{"future":{"deep":[1]}}'""");
        Assert.Equal(name, (string?)(await watch.NextAsync("modified"))["name"]);
        Assert.Equal(before.Json!["generation"]!.ToJsonString(), (await plane.Api.GetAsync(PathOf(collection, name))).Expect(200).Json!["generation"]!.ToJsonString());
        (await plane.Api.PatchAsync(PathOf(collection, name), """{"labels":{"a":"b"}}""")).Expect(200);
        await plane.ServiceAsync("other");
        await plane.UntilReadyAsync("other");
    }

    [Theory]
    [InlineData("services", "service", "web")]
    [InlineData("service-health-checks", "service_health_check", "hc")]
    [InlineData("external-network-selectors", "external_network_selector", "more")]
    [InlineData("bgp-routers", "bgp_router", "vmx1")]
    [InlineData("namespaces", "namespace", "default")]
    public async Task Labels_that_are_null_are_none(string collection, string table, string name)
    {
        await using var plane = await StartAsync();
        Assert.Equal(1, await plane.QueryAsync<long>($"WITH spoiled AS (UPDATE {table} SET labels = 'null', annotations = 'null' WHERE name = '{name}' RETURNING 1) SELECT count(*) FROM spoiled"));
        Assert.Empty((await plane.Api.GetAsync(collection == "namespaces" ? $"/v1/{collection}/{name}" : PathOf(collection, name))).Expect(200).Json!["labels"]!.AsObject());
        Assert.Contains(name, (await plane.Api.GetAsync($"/v1/{collection}")).Expect(200).Json!["items"]!.AsArray().Select(i => (string)i!["name"]!));
        using var watch = await WatchAsync(plane.Api, collection);
        await plane.ServiceAsync("other");
        await plane.UntilReadyAsync("other");
    }

    [Fact]
    public async Task What_was_stored_before_a_limit_existed_is_served_and_the_rest_of_it_can_be_changed()
    {
        const int ports = 150, ranges = 200, labels = 70;
        await using var plane = await StartAsync();
        using var watch = await WatchAsync(plane.Api, "services");
        var web = PathOf("services", "web");
        await plane.QueryAsync<long>($"WITH old AS (UPDATE service SET labels = (SELECT jsonb_object_agg('k' || n, 'v') FROM generate_series(1, {labels}) n) WHERE name = 'web' RETURNING 1) SELECT count(*) FROM old");
        await SpoilAsync(plane, "services", "service", "web", $$"""
            spec || jsonb_build_object(
                'ports', (SELECT jsonb_agg(jsonb_build_object('name', 'p' || n, 'protocol', 'TCP', 'port', n, 'targetPort', 80, 'nodePort', null)) FROM generate_series(1, {{ports}}) n),
                'loadBalancerSourceRanges', (SELECT jsonb_agg('10.0.' || n || '.0/24') FROM generate_series(1, {{ranges}}) n))
            """);

        // Read, programmed and announced.
        AssertWhole(await watch.NextAsync("modified"));
        AssertWhole((await plane.Api.GetAsync(web)).Expect(200).Json!);
        AssertWhole((await plane.Api.GetAsync("/v1/services?labelSelector=k70%3Dv")).Expect(200).Json!["items"]!.AsArray().Single()!);
        await ControlPlane.UntilAsync(() => plane.Compute1.Entries("100.0.0.2").Count(e => e.Carries) == ports);
        Assert.All(plane.Compute1.Entries("100.0.0.2").Where(e => e.Carries), e => Assert.Equal(ranges, e.SourceRanges.Count));
        await plane.UntilHopsAsync("100.0.0.2", "172.27.115.242");
        await plane.UntilReadyAsync("web");

        // Something else can be changed, and the change takes effect.
        (await plane.Api.PutAsync("/v1/namespaces/default/virtual-machine-interfaces/pod2", """{"labels":{"app":"other"},"addresses":["10.0.0.2"],"virtualRouter":"compute2"}""")).Expect(201);
        var patched = (await plane.Api.PatchAsync(web, """{"selector":{"app":"other"},"annotations":{"a":"b"}}""")).Expect(200);
        AssertWhole(patched.Json!);
        await plane.UntilHopsAsync("100.0.0.2", "172.27.115.243");

        // Who sends what is too long is told so, and can shorten it.
        string[] tooLong = ["labels", "loadBalancerSourceRanges", "ports"];
        Assert.Equal(tooLong, (await plane.Api.PutAsync(web, patched.Text)).Expect(400).ErrorPaths.Order());
        foreach (var member in tooLong)
        {
            var same = new JsonObject { [member] = patched.Json![member]!.DeepClone() };
            Assert.Equal([member], (await plane.Api.PatchAsync(web, same.ToJsonString())).Expect(400).ErrorPaths);
        }

        Assert.Equal(["labels"], (await plane.Api.PatchAsync(web, """{"labels":{"one":"more"}}""")).Expect(400).ErrorPaths);
        (await plane.Api.PatchAsync(web, """{"ports":[{"port":8080,"targetPort":80}]}""")).Expect(200);
        Assert.Contains((await plane.Api.DeleteAsync(web)).Status, new[] { 202, 204 });
        await plane.UntilGoneAsync(web);

        static void AssertWhole(JsonNode service) => Assert.Equal(
            (ports, ranges, labels),
            (service["ports"]!.AsArray().Count, service["loadBalancerSourceRanges"]!.AsArray().Count, service["labels"]!.AsObject().Count));
    }

    [Fact]
    public void What_an_older_document_does_not_say_is_the_default()
    {
        Assert.Equal(new ServiceHealthCheckSpec(MonitorType.PING, 2, 5, 5, "GET", "/", "200-299", null), ApiJson.Read<ServiceHealthCheckSpec>("""{"monitorType":"PING"}"""));
        var router = ApiJson.Read<BgpRouterSpec>("""{"autonomousSystem":64512}""");
        Assert.Equal((179, 90, true, true, 120), (router.Port, router.HoldTime, router.AddPath, router.GracefulRestart, router.RestartTime));
        Assert.Equal(BgpRouterSpec.DefaultFamilies, router.AddressFamilies);
    }

    [Fact]
    public async Task Labels_that_are_no_text_are_left_out_with_a_condition_and_everything_is_listed()
    {
        await using var plane = await StartAsync();
        (string Collection, string Table, string Name)[] all =
        [
            ("services", "service", "web"), ("floating-ips", "floating_ip", "fip"), ("external-networks", "external_network", "vn"),
            ("virtual-machine-interfaces", "virtual_machine_interface", "pod1"), ("service-health-checks", "service_health_check", "hc"),
            ("external-network-selectors", "external_network_selector", "more"), ("bgp-routers", "bgp_router", "vmx1"), ("namespaces", "namespace", "default"),
            ("virtual-routers", "virtual_router", "compute1"),
        ];
        foreach (var (collection, table, name) in all)
        {
            await plane.QueryAsync<long>(
                $$"""WITH spoiled AS (UPDATE {{table}} SET labels = labels || '{"odd":{"is":"no text"},"none":null,"good":"text"}', annotations = '[]' WHERE name = '{{name}}' RETURNING 1) SELECT count(*) FROM spoiled""");
            var listed = (await plane.Api.GetAsync($"/v1/{collection}")).Expect(200).Json!["items"]!.AsArray().Single(i => (string?)i!["name"] == name)!;
            Assert.Equal("text", (string?)listed["labels"]!["good"]);
            Assert.Null(listed["labels"]!["odd"]);
            Assert.Equal("False/DocumentUnreadable", ControlPlane.ConditionOf(listed, "Metadata"));
            Assert.Contains("labels[", listed.ToJsonString(), StringComparison.Ordinal);
        }

        // The catalog of networks and a replica that starts read them too.
        var again = await plane.AddAsync("cn-b", new Drivers.FakeBgpEngine());
        await plane.ServiceAsync("later");
        await plane.UntilReadyAsync("later");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(again, "100.0.0.2").Count == 1);
    }
}
