using CN2.Api.Tests.Allocation;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.ExternalNetworks;

/// <summary>Networks without fabricForwarding as requests see them: route targets, what follows from them, and changes of live ones.</summary>
public sealed class OverlayNetworkTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Default = "/v1/namespaces/default/external-networks";

    [Fact]
    public async Task The_routing_instance_shows_number_label_and_effective_route_targets()
    {
        var status = (await api.PostAsync(Default, """
            {"name":"ri","subnets":[{"cidr":"41.0.0.0/24"}],"routeTargets":["target:64512:7","target:10.2.2.2:561"],"importRouteTargets":["target:65536:9"],"exportRouteTargets":["target:64512:8"]}
            """)).Expect(201).Json!["status"]!;
        var instance = status["routingInstance"]!;
        var number = (int)instance["number"]!;
        Assert.InRange(number, 1, 65535);
        Assert.Equal(16 + number, (int)instance["label"]!);
        Assert.Equal($$"""["target:64512:7","target:64512:{{8_000_000 + number}}","target:10.2.2.2:561","target:65536:9"]""", instance["importRouteTargets"]!.ToJsonString());
        Assert.Equal($$"""["target:64512:7","target:64512:8","target:64512:{{8_000_000 + number}}","target:10.2.2.2:561"]""", instance["exportRouteTargets"]!.ToJsonString());
        // What the user wrote stays what the user wrote.
        var read = (await api.GetAsync($"{Default}/ri")).Expect(200);
        Assert.Equal("""["target:10.2.2.2:561","target:64512:7"]""", read.Json!["routeTargets"]!.ToJsonString());
        Assert.Equal(read.Text, (await api.PutAsync($"{Default}/ri", read.Text)).Expect(200).Text);

        var underlay = (await api.PostAsync(Default, """{"name":"no-ri","subnets":[{"cidr":"41.1.0.0/24"}],"fabricForwarding":true}""")).Expect(201).Json!["status"]!;
        Assert.Equal("null", underlay["routingInstance"]?.ToJsonString() ?? "null");
        Assert.Empty(underlay["conditions"]!.AsArray());
    }

    [Fact]
    public async Task A_target_may_be_listed_for_both_directions_and_again_for_one_as_in_the_manifests_of_CN2()
    {
        // CN2's RouteLeak-RT-Import.yaml.
        var instance = (await api.PostAsync($"{Default}?dryRun=true", """
            {"name":"vn1","subnets":[{"cidr":"41.11.0.0/24"}],"routeTargets":["target:64512:1"],"importRouteTargets":["target:64512:2"],"exportRouteTargets":["target:64512:1"]}
            """)).Expect(201).Json!["status"]!["routingInstance"]!;
        Assert.Equal(2, instance["exportRouteTargets"]!.AsArray().Count);
        Assert.Equal(3, instance["importRouteTargets"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("", "Unknown/AutomaticRouteTargetOnly", "only if they are configured for target:64512:8")]
    [InlineData(",\"importRouteTargets\":[\"target:64512:1\"]", "Unknown/AutomaticRouteTargetOnly", "add routeTargets or exportRouteTargets")]
    [InlineData(",\"exportRouteTargets\":[\"target:64512:1\"]", "Unknown/AutomaticRouteTargetOnly", "replies find no way back")]
    [InlineData(",\"exportRouteTargets\":[\"target:64512:1\"],\"importRouteTargets\":[\"target:64512:2\"]", "True/Configured", "import target:64512:1 learn its addresses; what they export with target:64512:2")]
    [InlineData(",\"routeTargets\":[\"target:64512:3\"]", "True/Configured", "target:64512:3")]
    public async Task A_condition_says_whether_routers_can_recognize_the_networks_routes(string targets, string expected, string sentence)
    {
        var body = $$"""{"name":"rt-{{Guid.NewGuid():N}}","subnets":[{"cidr":"41.2.0.0/24"}]{{targets}}}""";
        var status = (await api.PostAsync($"{Default}?dryRun=true", body)).Expect(201).Json!["status"]!;
        var condition = status["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "RouteTargets")!;
        Assert.Equal(expected, $"{condition["status"]}/{condition["reason"]}");
        Assert.Contains(sentence, (string?)condition["message"], StringComparison.Ordinal);
        Assert.Equal("BgpDisabled", (string?)status["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "AddressFamilies")!["reason"]);
    }

    [Theory]
    // 2-byte AS, 4-byte AS and IPv4 forms: shape, range, reserved administrator.
    [InlineData("\"64512:1\",\"target:64512\",\"target:64512:1:2\",\"Target:64512:1\",\"target::1\",\"target:64512:\"", "0 1 2 3 4 5")]
    [InlineData("\"target:0:1\",\"target:64512:4294967296\",\"target:64512:-1\",\"target:64512:01\",\"target: 64512:1\"", "0 1 2 3 4")]
    [InlineData("\"target:65536:65536\",\"target:4294967296:1\",\"target:4200000000:x\"", "0 1 2")]
    [InlineData("\"target:1.2.3.4:65536\",\"target:1.2.3:1\",\"target:1.2.3.256:1\",\"target:0.0.0.0:1\",\"target:2001:db8::1:1\"", "0 1 2 3 4")]
    // Where automatic ones are made; a smaller number and other administrators are free.
    [InlineData("\"target:64512:8000000\",\"target:64512:8000005\",\"target:64512:16777216\",\"target:64512:7999999\",\"target:64512:16777217\",\"target:64513:8000005\"", "0 1 2")]
    [InlineData("\"target:64512:1\",\"target:64512:2\",\"target:64512:1\",\"target:64512:1\"", "2 3")]
    [InlineData("\"\",\"target:64512:1\\u0000\"", "0 1")]
    public async Task Each_wrong_route_target_is_refused_with_its_position(string targets, string places)
    {
        foreach (var list in new[] { "routeTargets", "importRouteTargets", "exportRouteTargets" })
        {
            var refused = (await api.PostAsync(Default, $$"""{"name":"n","subnets":[{"cidr":"41.3.0.0/24"}],"{{list}}":[{{targets}}]}""")).Expect(400);
            Assert.Equal("validation-failed", refused.Code);
            Assert.Equal(places.Split(' ').Select(p => $"{list}[{p}]"), refused.ErrorPaths.Order());
        }
    }

    [Fact]
    public async Task At_most_64_route_targets_are_accepted_in_each_list()
    {
        string Body(string list, int count) =>
            $$"""{"name":"many","subnets":[{"cidr":"41.4.0.0/24"}],"{{list}}":[{{string.Join(',', Enumerable.Range(1, count).Select(i => $"\"target:64512:{i}\""))}}]}""";
        foreach (var list in new[] { "routeTargets", "importRouteTargets", "exportRouteTargets" })
        {
            (await api.PostAsync($"{Default}?dryRun=true", Body(list, Limits.RouteTargets))).Expect(201);
            Assert.Equal([list], (await api.PostAsync(Default, Body(list, Limits.RouteTargets + 1))).Expect(400).ErrorPaths);
        }
    }

    [Fact]
    public async Task All_faults_of_all_lists_are_named_at_once()
    {
        var refused = (await api.PostAsync(Default, """
            {"name":"n","subnets":[{"cidr":"41.5.0.1/24"}],"routeTargets":["target:64512:8000009"],"importRouteTargets":["x"],"exportRouteTargets":["target:64512:1","target:64512:1"]}
            """)).Expect(400);
        Assert.Equal(["exportRouteTargets[1]", "importRouteTargets[0]", "routeTargets[0]", "subnets[0].cidr"], refused.ErrorPaths.Order(StringComparer.Ordinal));
        Assert.Contains("automatic route targets of AS 64512", refused.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("routeTargets", "routeTargets")]
    [InlineData("importRouteTargets", "importRouteTargets")]
    [InlineData("exportRouteTargets", "exportRouteTargets")]
    [InlineData("importRouteTargets", "exportRouteTargets")]
    [InlineData("exportRouteTargets", "routeTargets")]
    public async Task Overlay_networks_that_share_a_target_in_any_direction_must_not_overlap(string first, string second)
    {
        var (name, number) = (Guid.NewGuid().ToString("N"), Random.Shared.Next(100_000, 7_000_000));
        (await api.PostAsync(Default, $$"""{"name":"a-{{name}}","subnets":[{"cidr":"41.6.0.0/24"}],"{{first}}":["target:64512:{{number}}"]}""")).Expect(201);
        var refused = (await api.PostAsync(Default, $$"""{"name":"b-{{name}}","subnets":[{"cidr":"41.6.0.128/25"}],"{{second}}":["target:64512:{{number}}"]}""")).Expect(409);
        Assert.Equal("subnet-overlap", refused.Code);
        Assert.Contains($"default/a-{name}", refused.Text, StringComparison.Ordinal);
        (await api.GetAsync($"{Default}/b-{name}")).Expect(404);
        (await api.PostAsync(Default, $$"""{"name":"b-{{name}}","subnets":[{"cidr":"41.6.0.128/25"}],"{{second}}":["target:64512:{{number + 1}}"]}""")).Expect(201);
    }

    [Fact]
    public async Task Networks_with_only_automatic_targets_may_overlap()
    {
        var targets = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var made = (await api.PostAsync(Default, $$"""{"name":"alone-{{i}}","subnets":[{"cidr":"41.7.0.0/24"}]}""")).Expect(201).Json!["status"]!["routingInstance"]!;
            Assert.True(targets.Add((string)made["importRouteTargets"]!.AsArray().Single()!));
            Assert.Equal(made["importRouteTargets"]!.ToJsonString(), made["exportRouteTargets"]!.ToJsonString());
        }

        // Nobody can come to share one by naming it.
        Assert.Equal(["importRouteTargets[0]"], (await api.PostAsync(Default,
            $$"""{"name":"nosy","subnets":[{"cidr":"41.7.0.0/24"}],"importRouteTargets":["{{targets.First()}}"]}""")).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task A_change_of_targets_or_of_fabricForwarding_keeps_all_addresses()
    {
        (await api.PostAsync(Default, """{"name":"live","subnets":[{"cidr":"41.8.0.0/24"},{"cidr":"2a41:8::/64"}],"routeTargets":["target:64512:81"]}""")).Expect(201);
        var service = (await api.PostAsync("/v1/namespaces/default/services",
            """{"name":"live","selector":{"app":"live"},"ports":[{"port":80}],"externalNetwork":"live","ipFamilies":["IPv4","IPv6"]}""")).Expect(201).Json!["status"]!["externalIPs"]!.ToJsonString();
        Assert.Equal("""["41.8.0.2","2a41:8::2"]""", service);
        var number = (int)(await NetworkAsync("live"))["status"]!["routingInstance"]!["number"]!;
        foreach (var change in new[]
                 {
                     """{"routeTargets":["target:64512:82"]}""", """{"fabricForwarding":true}""", """{"fabricForwarding":false}""",
                     """{"routeTargets":[],"exportRouteTargets":["target:64512:82"]}""", """{"fabricForwarding":true,"exportRouteTargets":[]}""", """{"fabricForwarding":false}""",
                 })
        {
            var changed = (await api.PatchAsync($"{Default}/live", change)).Expect(200).Json!;
            Assert.Equal((bool)changed["fabricForwarding"]!, changed["status"]!["routingInstance"] is null);
            Assert.Equal(service, (await api.GetAsync("/v1/namespaces/default/services/live")).Json!["status"]!["externalIPs"]!.ToJsonString());
            Assert.Equal("1", (string?)changed["status"]!["subnets"]![0]!["allocated"]);
        }

        // The number, and with it label and route distinguisher, is the network's for life.
        Assert.Equal(number, (int)(await NetworkAsync("live"))["status"]!["routingInstance"]!["number"]!);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Theory]
    [InlineData("fabricForwarding\":true", "{\"fabricForwarding\":true}")]
    [InlineData("routeTargets\":[\"target:64512:93\"]", "{\"routeTargets\":[\"target:64512:93\"]}")]
    [InlineData("exportRouteTargets\":[\"target:64512:94\"]", "{\"importRouteTargets\":[\"target:64512:94\"]}")]
    public async Task A_change_into_a_routing_table_that_has_the_addresses_is_refused_and_changes_nothing(string other, string change)
    {
        var (name, third) = (Guid.NewGuid().ToString("N"), Random.Shared.Next(0, 250));
        var cidr = $"{(other[0] == 'f' ? 42 : other[0] == 'r' ? 43 : 44)}.9.{third}.0/24";
        (await api.PostAsync(Default, $$"""{"name":"there-{{name}}","subnets":[{"cidr":"{{cidr}}"}],"{{other}}}""")).Expect(201);
        (await api.PostAsync(Default, $$"""{"name":"moves-{{name}}","subnets":[{"cidr":"{{cidr}}"}],"routeTargets":["target:64512:92"]}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/default/floating-ips", $$"""{"name":"f-{{name}}","externalNetwork":"moves-{{name}}"}""")).Expect(201);
        var before = await api.GetAsync($"{Default}/moves-{name}");
        var refused = (await api.PatchAsync($"{Default}/moves-{name}", change)).Expect(409);
        Assert.Equal("subnet-overlap", refused.Code);
        Assert.Contains($"default/there-{name}", refused.Text, StringComparison.Ordinal);
        var after = await api.GetAsync($"{Default}/moves-{name}");
        Assert.Equal((before.Text, before.ETag), (after.Text, after.ETag));
        // Its place in its own table is kept too: nobody else takes it meanwhile.
        Assert.Equal("subnet-overlap", (await api.PostAsync(Default, $$"""{"name":"late-{{name}}","subnets":[{"cidr":"{{cidr}}"}],"routeTargets":["target:64512:92"]}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task The_routes_of_a_network_follow_the_conventions_of_a_collection()
    {
        (await api.PostAsync(Default, """{"name":"quiet","subnets":[{"cidr":"41.10.0.0/24"}]}""")).Expect(201);
        Assert.Equal("""{"items":[],"nextCursor":null}""", (await api.GetAsync($"{Default}/quiet/routes")).Expect(200).Text);
        Assert.Equal("not-found", (await api.GetAsync($"{Default}/unknown/routes")).Expect(404).Code);
        Assert.Equal("not-found", (await api.GetAsync("/v1/namespaces/unknown/external-networks/quiet/routes")).Expect(404).Code);
        Assert.Equal("method-not-allowed", (await api.PostAsync($"{Default}/quiet/routes", "{}")).Expect(405).Code);
        Assert.Equal(["limit"], (await api.GetAsync($"{Default}/quiet/routes?limit=0")).Expect(400).ErrorPaths);
        Assert.Equal(["limt"], (await api.GetAsync($"{Default}/quiet/routes?limt=1")).Expect(400).ErrorPaths);
        Assert.Equal(["labelSelector"], (await api.GetAsync($"{Default}/quiet/routes?labelSelector=a%3Db")).Expect(400).ErrorPaths);
        Assert.Equal(["cursor"], (await api.GetAsync($"{Default}/quiet/routes?cursor=abc")).Expect(400).ErrorPaths);
    }

    private async Task<System.Text.Json.Nodes.JsonNode> NetworkAsync(string name) => (await api.GetAsync($"{Default}/{name}")).Expect(200).Json!;
}
