using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Drivers;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Overlay;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a RoutingInstance holds, who could hear of it, and what vRouters count of it.</summary>
public sealed class RoutingInstanceViewTests(PrivatePostgres postgres)
{
    private const string Networks = "/v1/namespaces/default/external-networks";
    private static readonly string[] WithEngine = ["--Bgp:Engine", "gobgp", "--Bgp:RouterId", "172.27.115.241"];

    [Fact]
    public async Task Own_routes_name_their_owner_and_imported_routes_say_whether_they_are_used()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var number = await OverlayAsync(plane, "vpn", "30.0.0.0/24", "target:64512:1");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web", ""","externalNetwork":"vpn" """);
        Learn(plane, "vmx1", "64512:1", "10.99.0.0/24", "172.27.115.245", 300, [13, 2]);
        Learn(plane, "vmx1", "64512:2", "10.99.0.0/24", "172.27.115.246", 301, [13], localPreference: 50);
        Learn(plane, "vmx1", "64512:3", "10.98.0.0/24", "172.27.115.245", 3, []);
        Learn(plane, "vmx1", "64512:3", "10.97.0.0/24", "172.27.115.245", 303, [8, 14]);
        Learn(plane, "vmx1", "64512:3", "10.96.0.0/24", "172.27.115.245", 304, [], "target:64512:2");
        Learn(plane, "vmx1", "64512:3", "2001:db8:99::/64", "172.27.115.245", 305, []);

        var routes = await RoutesAsync(plane, "vpn", r => r.Count == 7 && r.Count(i => i["floatingIP"] is not null) == 2);
        Assert.Equal(
            ["10.97.0.0/24 vmx1", "10.98.0.0/24 vmx1", "10.99.0.0/24 vmx1", "10.99.0.0/24 vmx1", "30.0.0.2/32 own", "30.0.0.2/32 own", "2001:db8:99::/64 vmx1"],
            routes.Select(r => $"{r["prefix"]} {r["source"]}"));
        Assert.Equal(
            ["false NoCommonEncapsulation", "false LabelOutOfRange", "true ", "false BetterRoute", " ", " ", "true "],
            routes.Select(r => $"{r["used"]?.ToJsonString()} {r["unusedReason"]}"));
        Assert.Equal(
            """{"prefix":"10.99.0.0/24","family":"inet-vpn","source":"vmx1","nextHop":"172.27.115.245","routeDistinguisher":"64512:1","label":300,"encapsulations":["MPLS-in-UDP","GRE"],"routeTargets":["target:64512:1"],"localPreference":100,"med":7,"asPathLength":0,"used":true}""",
            routes[2].ToJsonString());
        Assert.Equal("""["VXLAN","type-14"]""", routes[0]["encapsulations"]!.ToJsonString());
        Assert.Equal("inet6-vpn", (string?)routes[6]["family"]);

        var own = routes[4];
        Assert.Equal("default/web", (string?)own["service"]);
        Assert.StartsWith("default/", (string?)own["floatingIP"], StringComparison.Ordinal);
        Assert.Equal($"172.27.115.242 172.27.115.242:{number} {16 + number} 200 100 inet-vpn", $"{own["nextHop"]} {own["routeDistinguisher"]} {own["label"]} {own["localPreference"]} {own["med"]} {own["family"]}");
        Assert.Equal($$"""["target:64512:1","target:64512:{{8_000_000 + number}}"]""", own["routeTargets"]!.ToJsonString());
        Assert.Equal("""["MPLS-in-UDP","GRE"]""", own["encapsulations"]!.ToJsonString());
        Assert.Equal("cn-a", (string?)own["controlNodes"]![0]!["name"]);

        // A network that imports another target sees the other route; what is taken back is gone.
        (await plane.Api.PatchAsync($"{Networks}/vpn", """{"importRouteTargets":["target:64512:2"]}""")).Expect(200);
        await RoutesAsync(plane, "vpn", r => r.Any(i => (string?)i["prefix"] == "10.96.0.0/24"));
        plane.Api.Speaker.Learn(new ImportedRouteKey("vmx1", "64512:1", IPNetwork.Parse("10.99.0.0/24")), null);
        routes = await RoutesAsync(plane, "vpn", r => r.Count(i => (string?)i["prefix"] == "10.99.0.0/24") == 1);
        Assert.True((bool)routes.Single(r => (string?)r["prefix"] == "10.99.0.0/24")["used"]!);
    }

    [Fact]
    public async Task Pages_of_any_size_together_are_the_whole_list_in_order()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await OverlayAsync(plane, "vpn", "10.50.0.0/16", "target:64512:1");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        foreach (var i in Enumerable.Range(0, 7)) await plane.ServiceAsync($"web{i}", ""","externalNetwork":"vpn" """);
        foreach (var i in Enumerable.Range(0, 5))
        {
            foreach (var peer in new[] { "own", "vmx1" }) Learn(plane, peer, $"64512:{i % 2}", $"10.{45 + (2 * i)}.0.0/16", "172.27.115.245", 300, []);
            Learn(plane, "vmx1", "64512:9", $"10.{45 + (2 * i)}.0.0/16", "172.27.115.246", 301, []);
        }

        // Inside the own prefix, exactly an own host route, and around it.
        foreach (var prefix in new[] { "10.50.0.0/16", "10.50.0.2/32", "10.50.0.4/31", "0.0.0.0/0", "::/0" }) Learn(plane, "vmx1", "64512:1", prefix, "172.27.115.245", 300, []);

        var whole = await RoutesAsync(plane, "vpn", r => r.Count == 14 + 15 + 5);
        var expected = whole.Select(r => r.ToJsonString()).ToList();
        Assert.Equal(expected.Count, expected.Distinct().Count());
        Assert.Equal("0.0.0.0/0", (string?)whole[0]["prefix"]);
        Assert.Equal("::/0", (string?)whole[^1]["prefix"]);
        foreach (var limit in new[] { 1, 2, 3, 7, 33, 34, 1000 })
        {
            var found = new List<string>();
            string? cursor = null;
            do
            {
                var page = (await plane.Api.GetAsync($"{Networks}/vpn/routes?limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}")).Expect(200).Json!;
                Assert.InRange(page["items"]!.AsArray().Count, 1, limit);
                found.AddRange(page["items"]!.AsArray().Select(r => r!.ToJsonString()));
                cursor = (string?)page["nextCursor"];
            }
            while (cursor is not null);
            Assert.Equal(expected, found);
        }

        // A cursor is of one network's routes.
        await OverlayAsync(plane, "vpn2", "10.50.0.0/16", "target:64512:2");
        var first = (string?)(await plane.Api.GetAsync($"{Networks}/vpn/routes?limit=1")).Json!["nextCursor"];
        Assert.Equal(["cursor"], (await plane.Api.GetAsync($"{Networks}/vpn2/routes?cursor={first}")).Expect(400).ErrorPaths);
        Assert.Empty((await plane.Api.GetAsync($"{Networks}/vpn2/routes")).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task A_forged_cursor_is_a_fault_of_the_request()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await OverlayAsync(plane, "vpn", "30.0.0.0/24", "target:64512:1");
        foreach (var i in Enumerable.Range(0, 2)) Learn(plane, "vmx1", "64512:1", $"10.{i}.0.0/16", "172.27.115.245", 300, []);
        await RoutesAsync(plane, "vpn", r => r.Count == 2);
        var cursor = (string)(await plane.Api.GetAsync($"{Networks}/vpn/routes?limit=1")).Json!["nextCursor"]!;
        var parts = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(cursor))!.AsArray();
        foreach (var (prefix, place) in new[] { ("nonsense", (string)parts[2]!), ((string)parts[1]!, "1 vmx1"), ("", ""), ("10.0.0.0/99", (string)parts[2]!) })
        {
            var forged = System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(new JsonArray((string)parts[0]!, prefix, place).ToJsonString()));
            Assert.Equal(["cursor"], (await plane.Api.GetAsync($"{Networks}/vpn/routes?cursor={forged}")).Expect(400).ErrorPaths);
        }
    }

    [Fact]
    public async Task A_network_in_the_underlay_has_own_routes_only()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var own = Assert.Single(await RoutesAsync(plane, "vn", r => r.Count > 0));
        Assert.Equal("100.0.0.2/32 inet own default/web 172.27.115.242", $"{own["prefix"]} {own["family"]} {own["source"]} {own["service"]} {own["nextHop"]}");
        Assert.Null(own["label"]);
        Assert.Equal("[] []", $"{own["encapsulations"]!.ToJsonString()} {own["routeTargets"]!.ToJsonString()}");

        // Switched to the overlay, the address stays and its route is a VPN route.
        (await plane.Api.PatchAsync($"{Networks}/vn", """{"fabricForwarding":false,"routeTargets":["target:64512:1"]}""")).Expect(200);
        var moved = Assert.Single(await RoutesAsync(plane, "vn", r => r.Count == 1 && (string?)r[0]["family"] == "inet-vpn"));
        Assert.Equal("100.0.0.2/32 default/web", $"{moved["prefix"]} {moved["service"]}");
    }

    [Fact]
    public async Task A_condition_and_a_watch_event_say_when_no_router_takes_the_families_of_an_overlay_network()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, WithEngine);
        (await plane.Api.PostAsync(Networks, """{"name":"vpn","subnets":[{"cidr":"30.0.0.0/24"},{"cidr":"2a30::/64"}],"routeTargets":["target:64512:1"]}""")).Expect(201);
        Assert.Equal(("True/Configured", true), await FamiliesAsync("inet-vpn is taken by vmx1, inet6-vpn is taken by vmx1"));

        (await plane.Api.PatchAsync("/v1/bgp-routers/vmx1", """{"addressFamilies":["inet","inet-vpn"]}""")).Expect(200);
        Assert.Equal(("False/NoPeer", true), await FamiliesAsync("lists inet6-vpn;"));
        (await plane.Api.PatchAsync("/v1/bgp-routers/vmx1", """{"addressFamilies":["inet"]}""")).Expect(200);
        Assert.Equal(("False/NoPeer", true), await FamiliesAsync("lists inet-vpn or inet6-vpn;"));
        (await plane.Api.PostAsync("/v1/bgp-routers", """{"name":"vmx2","address":"172.27.115.246","autonomousSystem":64512}""")).Expect(201);
        Assert.Equal(("True/Configured", true), await FamiliesAsync("by vmx2"));
        (await plane.Api.PatchAsync("/v1/bgp-routers/vmx2", """{"adminDown":true}""")).Expect(200);
        Assert.Equal(("False/NoPeer", true), await FamiliesAsync("not adminDown"));
        // One row for the network itself, and one for each change that its condition depends on; none for one that it does not.
        (await plane.Api.PatchAsync("/v1/bgp-routers/vmx2", """{"holdTime":30}""")).Expect(200);
        (await plane.Api.DeleteAsync("/v1/bgp-routers/vmx2")).Expect(204);
        Assert.Equal(6L, await plane.QueryAsync<long>("SELECT count(*) FROM change WHERE kind = 2 AND name = 'vpn'"));

        async Task<(string Condition, bool Says)> FamiliesAsync(string sentence)
        {
            var condition = Reply.Condition((await plane.Api.GetAsync($"{Networks}/vpn")).Expect(200).Json, "AddressFamilies")!;
            return ($"{condition["status"]}/{condition["reason"]}", ((string?)condition["message"])!.Contains(sentence, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_status_of_a_vRouter_shows_its_overlay_engine()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await UntilEngineAsync("compute1", "null");
        plane.Compute1.OverlayEngine = "userspace";
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await UntilEngineAsync("compute1", "\"userspace\"");
        // It is a fact of the node, so it stays while the agent is away.
        plane.Compute1.Disconnect();
        await plane.UntilConditionAsync("/v1/virtual-routers/compute1", "Connected", "False/Lost");
        await UntilEngineAsync("compute1", "\"userspace\"");
        plane.Compute1.OverlayEngine = null;
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await UntilEngineAsync("compute1", "null");

        Task UntilEngineAsync(string name, string expected) => Eventually.TrueAsync(
            async () => (await plane.Api.GetAsync($"/v1/virtual-routers/{name}")) is { Status: 200 } reply
                && (reply.Json!["status"]!.AsObject()["overlayEngine"]?.ToJsonString() ?? "null") == expected, seconds: 30);
    }

    [Fact]
    public async Task Metrics_show_what_agents_count_by_network_and_agents_that_are_gone_disappear()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var number = await OverlayAsync(plane, "vpn", "30.0.0.0/24", "target:64512:1");
        plane.Compute1.Count(new VRouterOverlayCounters([new(number, 10, 1000, 20, 2000, 3), new(777, 1, 2, 3, 4, 5)], 6, 7, 8, 9, 10, 11) { NotFromUplink = 12 });
        plane.Compute2.Count(new VRouterOverlayCounters([new(number, 1, 100, 2, 200, 0)], 0, 0, 0, 0, 0, 0));
        string[] expected =
        [
            "# TYPE cn2_routing_instance_packets_total counter",
            """cn2_routing_instance_packets_total{virtual_router="compute1",routing_instance="default/vpn",direction="in"} 10""",
            """cn2_routing_instance_packets_total{virtual_router="compute1",routing_instance="default/vpn",direction="out"} 20""",
            """cn2_routing_instance_bytes_total{virtual_router="compute1",routing_instance="default/vpn",direction="in"} 1000""",
            """cn2_routing_instance_bytes_total{virtual_router="compute1",routing_instance="default/vpn",direction="out"} 2000""",
            """cn2_routing_instance_dropped_total{virtual_router="compute1",routing_instance="default/vpn",reason="no_route"} 3""",
            """cn2_routing_instance_packets_total{virtual_router="compute1",routing_instance="777",direction="out"} 3""",
            """cn2_routing_instance_packets_total{virtual_router="compute2",routing_instance="default/vpn",direction="out"} 2""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="unknown_label"} 6""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="unknown_source"} 7""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="malformed"} 8""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="ttl_expired"} 9""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="oversize"} 10""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="send_error"} 11""",
            """cn2_overlay_dropped_total{virtual_router="compute1",reason="not_from_uplink"} 12""",
        ];
        var lines = await LinesAsync();
        // The network's name is known once the reconciler has read it.
        await Eventually.TrueAsync(async () => (lines = await LinesAsync()).Contains(expected[1]), seconds: 30);
        Assert.All(expected, e => Assert.Contains(e, lines));

        plane.Compute1.Count(new VRouterOverlayCounters([], 6, 7, 8, 9, 10, 12));
        lines = await LinesAsync();
        Assert.DoesNotContain(lines, l => l.StartsWith("cn2_routing_instance", StringComparison.Ordinal) && l.Contains("compute1", StringComparison.Ordinal));
        Assert.Contains("""cn2_overlay_dropped_total{virtual_router="compute1",reason="send_error"} 12""", lines);
        plane.Compute1.Disconnect();
        lines = await LinesAsync();
        Assert.DoesNotContain(lines, l => l.Contains("compute1", StringComparison.Ordinal));
        Assert.Contains("""cn2_routing_instance_packets_total{virtual_router="compute2",routing_instance="default/vpn",direction="out"} 2""", lines);
        await plane.Api.DeleteAsync($"{Networks}/vpn");
        await Eventually.TrueAsync(async () => (await LinesAsync()).Contains($$"""cn2_routing_instance_packets_total{virtual_router="compute2",routing_instance="{{number}}",direction="out"} 2"""), seconds: 30);

        async Task<string[]> LinesAsync() => (await plane.Api.GetAsync("/metrics")).Text.Split('\n');
    }

    /// <summary>An overlay network; answers its number.</summary>
    private static async Task<int> OverlayAsync(ControlPlane plane, string name, string cidr, string target) => (int)(await plane.Api.PostAsync(Networks,
        $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}"}],"routeTargets":["{{target}}"]}""")).Expect(201).Json!["status"]!["routingInstance"]!["number"]!;

    private static void Learn(
        ControlPlane plane, string peer, string distinguisher, string prefix, string nextHop, uint label, ushort[] encapsulations, string target = "target:64512:1", uint localPreference = 100)
    {
        Assert.True(RouteTarget.TryParse(target, out var parsed, out _));
        var key = new ImportedRouteKey(peer, distinguisher, IPNetwork.Parse(prefix));
        plane.Api.Speaker.Learn(key, new ImportedRoute
        {
            Key = key,
            NextHop = IPAddress.Parse(nextHop),
            Label = label,
            RouteTargets = [parsed],
            Encapsulations = encapsulations.ToEquatableList(),
            LocalPreference = localPreference,
            Med = 7,
        });
    }

    /// <summary>The routes of a network once they are as expected.</summary>
    private static async Task<List<JsonNode>> RoutesAsync(ControlPlane plane, string network, Func<List<JsonNode>, bool> expected)
    {
        List<JsonNode> routes = [];
        try
        {
            await Eventually.TrueAsync(async () => expected(routes = [.. (await plane.Api.GetAsync($"{Networks}/{network}/routes?limit=1000")).Expect(200).Json!["items"]!.AsArray().Select(r => r!)]), seconds: 30);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(string.Join('\n', routes.Select(r => r.ToJsonString())), e);
        }

        return routes;
    }
}
