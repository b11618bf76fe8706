using System.Text.Json.Nodes;
using CN2.Api.Data.Documents;
using CN2.Api.Json;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Documents that another version of the program has written, or that are broken: one resource's problem, and nobody else's.</summary>
public sealed class StoredDocumentTests(PrivatePostgres postgres)
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
    [InlineData("services", "service", "web", """'{"ports":"none"}'""")]
    [InlineData("services", "service", "web", """'{"ports":null,"selector":null}'""")]
    [InlineData("services", "service", "web", "'[]'")]
    [InlineData("services", "service", "web", """spec || '{"ports":[null]}'""")]
    [InlineData("services", "service", "web", """spec || '{"selector":{"app":null}}'""")]
    [InlineData("services", "service", "web", """spec || '{"type":"Unheard"}'""")]
    [InlineData("floating-ips", "floating_ip", "fip", """'{"interfaces":5}'""")]
    [InlineData("floating-ips", "floating_ip", "fip", """'{"interfaces":null}'""")]
    [InlineData("floating-ips", "floating_ip", "fip", """'{"interfaces":[null]}'""")]
    [InlineData("external-networks", "external_network", "vn", """'{"subnets":{}}'""")]
    [InlineData("external-networks", "external_network", "vn", "'null'")]
    [InlineData("external-networks", "external_network", "vn", """spec || '{"exportRouteTargets":[null]}'""")]
    [InlineData("service-health-checks", "service_health_check", "hc", "'7'")]
    [InlineData("service-health-checks", "service_health_check", "hc", "'{}'")]
    [InlineData("external-network-selectors", "external_network_selector", "more", """'{"networkSelector":[]}'""")]
    [InlineData("bgp-routers", "bgp_router", "vmx1", """spec || '{"addressFamilies":7,"maxAdvertised":5}'""")]
    [InlineData("bgp-routers", "bgp_router", "vmx1", "'{}'")]
    public async Task A_document_that_cannot_be_read_is_one_resource_with_a_condition(string collection, string table, string name, string spec)
    {
        await using var plane = await StartAsync();
        await plane.ServiceAsync("good");
        await plane.UntilReadyAsync("good");
        using var watch = await WatchAsync(plane.Api, collection);
        await SpoilAsync(plane, collection, table, name, spec);
        // The status of before may still be on its way to the watch.
        var shown = ReasonOf(await watch.NextAsync("modified"));
        Assert.Equal("DocumentUnreadable", shown is "DocumentUnreadable" ? shown : ReasonOf(await watch.NextAsync("modified")));
        Assert.Equal("DocumentUnreadable", ReasonOf((await plane.Api.GetAsync(PathOf(collection, name))).Expect(200).Json));
        (await plane.Api.GetAsync($"/v1/{collection}")).Expect(200);
        var patched = await plane.Api.PatchAsync(PathOf(collection, name), """{"labels":{"a":"b"}}""");
        Assert.Equal((409, "document-unreadable"), (patched.Status, patched.Code));

        // Everybody else is served, and what was known of the resource stays as it is.
        await plane.EndpointAsync("pod9", "compute2", "10.0.0.9");
        await ControlPlane.UntilAsync(() => plane.HopsOf("100.0.0.3").Count == 2);
        Assert.Contains(plane.Api.Speaker.Peers, p => p.Name == "vmx1");

        if (collection == "bgp-routers")
        {
            // A control node that starts knows nothing else of the router, and leaves it as its engine has it.
            var starting = await plane.AddAsync("cn-b", new Drivers.FakeBgpEngine());
            await ControlPlane.UntilAsync(() => starting.Speaker.Peers.Any(p => p is { Name: "vmx1", IsUnreadable: true } && p.MaxAdvertised == (spec == "'{}'" ? null : 5) && p.Address.ToString() == "172.27.115.245"));
            await plane.StopAsync(starting);
        }

        // The network is in use by the Services.
        if (collection == "external-networks")
        {
            foreach (var user in new[] { PathOf("services", "web"), PathOf("services", "good"), PathOf("floating-ips", "fip") })
            {
                Assert.Contains((await plane.Api.DeleteAsync(user)).Status, new[] { 202, 204 });
                await plane.UntilGoneAsync(user);
            }
        }

        Assert.Contains((await plane.Api.DeleteAsync(PathOf(collection, name))).Status, new[] { 202, 204 });
        await plane.UntilGoneAsync(PathOf(collection, name));
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

    /// <summary>web has 100.0.0.2, good gets 100.0.0.3, and fip is reserved at 100.0.0.77.</summary>
    private async Task<ControlPlane> StartAsync()
    {
        var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        (await plane.Api.PostAsync("/v1/namespaces/default/floating-ips", """{"name":"fip","externalNetwork":"vn","address":"100.0.0.77"}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/namespaces/default/service-health-checks", """{"name":"hc","monitorType":"PING"}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/external-network-selectors", """{"name":"more","networkSelector":{"matchLabels":{"x":"y"}}}""")).Expect(201);
        return plane;
    }

    private static string PathOf(string collection, string name) =>
        collection is "external-network-selectors" or "bgp-routers" ? $"/v1/{collection}/{name}" : $"/v1/namespaces/default/{collection}/{name}";

    private static string? ReasonOf(JsonNode? resource) => (string?)resource!["status"]!["conditions"]!.AsArray().Single()!["reason"];

    private static async Task SpoilAsync(ControlPlane plane, string collection, string table, string name, string spec)
    {
        var ns = collection is "external-network-selectors" or "bgp-routers" ? "NULL" : "namespace";
        Assert.True(Api.Data.ResourceKinds.TryParse(collection, out var kind));
        Assert.Equal(1L, await plane.QueryAsync<long>(
            $"""
             WITH spoiled AS (UPDATE {table} SET spec = ({spec})::jsonb WHERE name = '{name}' RETURNING *),
             told AS (INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT {(short)kind}, {ns}, name, uid, 2, false FROM spoiled RETURNING 1)
             SELECT count(*) FROM told
             """));
    }

    private static async Task<Watcher> WatchAsync(Replica api, string collection)
    {
        var response = await api.Client.GetAsync($"/v1/watch?kinds={collection}", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var watcher = new Watcher(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        await watcher.NextAsync("synced");
        return watcher;
    }

    private sealed class Watcher(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public async Task<JsonNode> NextAsync(string wanted)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(Patience.Seconds(20));
            var verb = "";
            while (true)
            {
                var line = await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException();
                if (line.StartsWith("event: ", StringComparison.Ordinal)) verb = line[7..];
                if (verb == wanted && line.StartsWith("data: ", StringComparison.Ordinal)) return JsonNode.Parse(line[6..])!;
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
