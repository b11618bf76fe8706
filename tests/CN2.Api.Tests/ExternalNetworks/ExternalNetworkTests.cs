using CN2.Api.Tests.Allocation;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.ExternalNetworks;

public sealed class ExternalNetworkTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Default = "/v1/namespaces/default/external-networks";

    [Fact]
    public async Task The_answer_shows_defaults_capacity_and_counts()
    {
        var created = (await api.PostAsync(Default, """
            {"name":"counts","subnets":[{"cidr":"40.0.0.0/24","ranges":[{"from":"40.0.0.2","to":"40.0.0.200"}],"reserved":["40.0.0.10","40.0.0.20-40.0.0.29"]},{"cidr":"2a01::/64"}],"fabricForwarding":true}
            """)).Expect(201);
        Assert.Equal("40.0.0.1", (string?)created.Json!["subnets"]![0]!["gateway"]);
        Assert.Equal("2a01::1", (string?)created.Json["subnets"]![1]!["gateway"]);
        Assert.Equal("""{"localPreference":200,"med":100,"communities":[],"largeCommunities":[],"weighted":false}""", created.Json["advertisement"]!.ToJsonString());
        Assert.Equal("""{"cidr":"40.0.0.0/24","capacity":"188","allocated":"0","available":"188","quarantined":"0"}""", created.Json["status"]!["subnets"]![0]!.ToJsonString());
        Assert.Equal("18446744073709551614", (string?)created.Json["status"]!["subnets"]![1]!["capacity"]);
        // In the ranges, and outside of them: the first takes from what is available.
        (await FipAsync("counts", "in", "40.0.0.5")).Expect(201);
        (await FipAsync("counts", "out", "40.0.0.250")).Expect(201);
        (await FipAsync("counts", "kept", "40.0.0.10")).Expect(201);
        var read = await api.GetAsync($"{Default}/counts");
        Assert.Equal("""{"cidr":"40.0.0.0/24","capacity":"188","allocated":"3","available":"187","quarantined":"0"}""", read.Json!["status"]!["subnets"]![0]!.ToJsonString());
        var put = (await api.PutAsync($"{Default}/counts", read.Text)).Expect(200);
        Assert.Equal(read.Text, put.Text);
    }

    [Fact]
    public async Task Networks_answer_ping_unless_they_are_told_not_to()
    {
        var created = (await api.PostAsync(Default, """{"name":"pinged","subnets":[{"cidr":"40.10.0.0/24"}]}""")).Expect(201);
        Assert.True((bool)created.Json!["answerPing"]!);
        Assert.Equal(created.Text, (await api.PutAsync($"{Default}/pinged", """{"subnets":[{"cidr":"40.10.0.0/24"}],"answerPing":true}""")).Expect(200).Text);
        var silent = (await api.PutAsync($"{Default}/pinged", """{"subnets":[{"cidr":"40.10.0.0/24"}],"answerPing":false}""")).Expect(200);
        Assert.Equal((false, 2), ((bool)silent.Json!["answerPing"]!, (int)silent.Json["generation"]!));
        Assert.Equal(silent.Text, (await api.GetAsync($"{Default}/pinged")).Text);
        Assert.True((bool)(await api.PutAsync($"{Default}/pinged", """{"subnets":[{"cidr":"40.10.0.0/24"}]}""")).Expect(200).Json!["answerPing"]!);
    }

    [Fact]
    public async Task Routes_are_weighted_where_the_network_says_so()
    {
        var created = (await api.PostAsync(Default, """{"name":"weighted","subnets":[{"cidr":"40.11.0.0/24"}],"advertisement":{"weighted":true,"med":7}}""")).Expect(201);
        Assert.True((bool)created.Json!["advertisement"]!["weighted"]!);
        Assert.Equal(created.Text, (await api.PutAsync($"{Default}/weighted", created.Text)).Expect(200).Text);
        var even = (await api.PatchAsync($"{Default}/weighted", """{"advertisement":{"weighted":null}}""")).Expect(200);
        Assert.Equal((false, 7, 2), ((bool)even.Json!["advertisement"]!["weighted"]!, (int)even.Json["advertisement"]!["med"]!, (int)even.Json["generation"]!));
        foreach (var wrong in (string[])["1", "\"yes\""])
        {
            var refused = (await api.PatchAsync($"{Default}/weighted", $$$"""{"advertisement":{"weighted":{{{wrong}}}}}""")).Expect(400);
            Assert.Equal(("validation-failed", "advertisement.weighted"), (refused.Code, Assert.Single(refused.ErrorPaths)));
        }
    }

    [Fact]
    public async Task A_second_create_is_already_exists_and_not_subnet_overlap()
    {
        const string network = """{"name":"twice","subnets":[{"cidr":"40.9.0.0/24"}],"fabricForwarding":true}""";
        (await api.PostAsync(Default, network)).Expect(201);
        Assert.Equal("already-exists", (await api.PostAsync(Default, network)).Expect(409).Code);
        Assert.Equal("not-found", (await api.PostAsync("/v1/namespaces/absent/external-networks", network)).Expect(404).Code);
    }

    [Fact]
    public async Task Reserved_addresses_and_those_outside_of_the_ranges_are_allocated_only_on_request()
    {
        (await api.PostAsync(Default, """{"name":"reserve","subnets":[{"cidr":"40.1.0.0/29","gateway":"40.1.0.6","ranges":[{"from":"40.1.0.2","to":"40.1.0.7"}],"reserved":["40.1.0.3"]}]}""")).Expect(201);
        var got = new List<string?>();
        for (var i = 0; i < 3; i++) got.Add((string?)(await FipAsync("reserve", $"r{i}")).Expect(201).Json!["address"]);
        Assert.Equal(["40.1.0.2", "40.1.0.4", "40.1.0.5"], got);
        Assert.Equal("addresses-exhausted", (await FipAsync("reserve", "r3")).Expect(409).Code);
        (await FipAsync("reserve", "r4", "40.1.0.3")).Expect(201);
        (await FipAsync("reserve", "r5", "40.1.0.1")).Expect(201);
        foreach (var never in new[] { "40.1.0.0", "40.1.0.6", "40.1.0.7", "40.1.0.8" })
            Assert.Equal("address-out-of-range", (await FipAsync("reserve", "r6", never)).Expect(400).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Theory]
    [InlineData("40.2.0.0/31", "40.2.0.0 40.2.0.1")]
    [InlineData("40.2.1.7/32", "40.2.1.7")]
    [InlineData("2a01:2::/127", "2a01:2:: 2a01:2::1")]
    [InlineData("40.2.2.0/30", "40.2.2.2")]
    public async Task Small_subnets_give_every_usable_address(string cidr, string expected)
    {
        var name = $"small-{Guid.NewGuid():N}";
        (await api.PostAsync(Default, $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}"}]}""")).Expect(201);
        var got = new List<string?>();
        foreach (var _ in expected.Split(' ')) got.Add((string?)(await FipAsync(name, $"f{Guid.NewGuid():N}")).Expect(201).Json!["address"]);
        Assert.Equal(expected, string.Join(' ', got));
        Assert.Equal("addresses-exhausted", (await FipAsync(name, "more")).Expect(409).Code);
    }

    [Fact]
    public async Task Addresses_in_use_can_be_neither_removed_nor_reserved_nor_made_the_gateway()
    {
        (await api.PostAsync(Default, """{"name":"used","subnets":[{"cidr":"40.3.0.0/24"},{"cidr":"40.3.1.0/24"}]}""")).Expect(201);
        (await FipAsync("used", "holder", "40.3.0.50")).Expect(201);
        foreach (var subnets in new[]
                 {
                     """[{"cidr":"40.3.1.0/24"}]""",
                     """[{"cidr":"40.3.0.0/24","reserved":["40.3.0.40-40.3.0.60"]}]""",
                     """[{"cidr":"40.3.0.0/24","ranges":[{"from":"40.3.0.2","to":"40.3.0.49"}]}]""",
                     """[{"cidr":"40.3.0.0/24","gateway":"40.3.0.50"}]""",
                     """[{"cidr":"40.3.0.0/25"}]""",
                 })
        {
            var refused = (await api.PatchAsync($"{Default}/used", $$"""{"subnets":{{subnets}}}""")).Expect(409);
            Assert.Equal("in-use", refused.Code);
            Assert.Contains("FloatingIP default/holder", (string?)refused.Json!["detail"], StringComparison.Ordinal);
        }

        Assert.Equal("in-use", (await api.DeleteAsync($"{Default}/used")).Expect(409).Code);
        // What nobody holds may go, and ranges may change around the holder.
        (await api.PatchAsync($"{Default}/used", """{"subnets":[{"cidr":"40.3.0.0/24","ranges":[{"from":"40.3.0.50","to":"40.3.0.52"}]}]}""")).Expect(200);
        Assert.Equal("40.3.0.51", (string?)(await FipAsync("used", "next")).Expect(201).Json!["address"]);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        (await api.DeleteAsync("/v1/namespaces/default/floating-ips/holder")).Expect(204);
        (await api.DeleteAsync("/v1/namespaces/default/floating-ips/next")).Expect(204);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        (await api.DeleteAsync($"{Default}/used")).Expect(204);
    }

    [Fact]
    public async Task Networks_that_share_a_routing_table_must_not_overlap_and_others_may()
    {
        (await api.PostAsync(Default, """{"name":"u1","subnets":[{"cidr":"40.4.0.0/16"}],"fabricForwarding":true}""")).Expect(201);
        var refused = (await api.PostAsync(Default, """{"name":"u2","subnets":[{"cidr":"40.4.5.0/24"}],"fabricForwarding":true}""")).Expect(409);
        Assert.Equal("subnet-overlap", refused.Code);
        Assert.Contains("default/u1", (string?)refused.Json!["detail"], StringComparison.Ordinal);
        (await api.PostAsync(Default, """{"name":"o1","subnets":[{"cidr":"40.4.5.0/24"}],"routeTargets":["target:64512:1"]}""")).Expect(201);
        (await api.PostAsync(Default, """{"name":"o2","subnets":[{"cidr":"40.4.5.0/24"}],"routeTargets":["target:64512:2"]}""")).Expect(201);
        (await api.PostAsync(Default, """{"name":"o3","subnets":[{"cidr":"40.4.5.0/24"}]}""")).Expect(201);
        Assert.Equal("subnet-overlap", (await api.PostAsync(Default, """{"name":"o4","subnets":[{"cidr":"40.4.5.128/25"}],"importRouteTargets":["target:64512:2"]}""")).Expect(409).Code);
        Assert.Equal("subnet-overlap", (await api.PatchAsync($"{Default}/o2", """{"routeTargets":["target:64512:1"]}""")).Expect(409).Code);
        Assert.Equal("subnet-overlap", (await api.PatchAsync($"{Default}/o1", """{"fabricForwarding":true}""")).Expect(409).Code);
    }

    [Fact]
    public async Task One_of_the_overlapping_networks_that_are_created_concurrently_is_kept()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            api.PostAsync(Default, $$"""{"name":"at-once-{{i}}","subnets":[{"cidr":"40.5.0.0/24"}],"fabricForwarding":true}""")));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("subnet-overlap", r.Expect(409).Code));
    }

    [Theory]
    [InlineData("""{"name":"n"}""", "subnets")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"40.9.0.1/24"},{"cidr":"10.1/16"},{"cidr":"40.9.0.0/33"},{}]}""", "subnets[0].cidr subnets[1].cidr subnets[2].cidr subnets[3].cidr")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"127.0.0.0/8"},{"cidr":"224.0.0.0/8"},{"cidr":"169.254.1.0/24"},{"cidr":"0.0.0.0/8"},{"cidr":"240.0.0.0/8"},{"cidr":"40.0.0.0/7"}]}""",
        "subnets[0].cidr subnets[1].cidr subnets[2].cidr subnets[3].cidr subnets[4].cidr subnets[5].cidr")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"::1/128"},{"cidr":"ff00::/32"},{"cidr":"fe80::/64"},{"cidr":"::/128"},{"cidr":"2000::/31"}]}""",
        "subnets[0].cidr subnets[1].cidr subnets[2].cidr subnets[3].cidr subnets[4].cidr")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"40.9.0.0/24","gateway":"fd00::1","ranges":[{"from":"40.9.0.9","to":"40.9.0.2"},{"from":"40.9.1.1","to":"x"},{}],"reserved":["40.9.0.9-40.9.0.1","1.2.3.4","a-b-c"]}]}""",
        "subnets[0].gateway subnets[0].ranges[0] subnets[0].ranges[1].from subnets[0].ranges[1].to subnets[0].ranges[2].from subnets[0].ranges[2].to subnets[0].reserved[0] subnets[0].reserved[1] subnets[0].reserved[2]")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"40.9.0.0/24"},{"cidr":"40.9.0.128/25"}]}""", "subnets[1].cidr")]
    [InlineData("""{"name":"n","subnets":[{"cidr":"40.9.0.0/24"}],"routeTargets":["target:0:1","64512:1","target:70000:70000","target:1.2.3.4:65536"],"advertisement":{"med":-1,"communities":["1:70000"],"largeCommunities":["1:2"]}}""",
        "routeTargets[0] routeTargets[1] routeTargets[2] routeTargets[3] advertisement.med advertisement.communities[0] advertisement.largeCommunities[0]")]
    public async Task All_faults_of_a_network_are_named(string body, string paths)
    {
        var refused = (await api.PostAsync(Default, body)).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Equal(paths.Split(' ').Order(), refused.ErrorPaths.Order());
    }

    private Task<Reply> FipAsync(string network, string name, string? address = null) => api.PostAsync(
        "/v1/namespaces/default/floating-ips", $$"""{"name":"{{name}}","externalNetwork":"{{network}}"{{(address is null ? "" : $",\"address\":\"{address}\"")}}}""");
}
