using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Documents that cannot be read at all.</summary>
public sealed class UnreadableDocumentTests(PrivatePostgres postgres) : StoredDocuments(postgres)
{
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
}
