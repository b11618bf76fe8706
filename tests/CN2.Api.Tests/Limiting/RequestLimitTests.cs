using System.Globalization;
using System.Text;
using System.Text.Json;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Limiting;

/// <summary>Each limit of docs/limits.md on what one request carries: at the limit it is taken, beyond it the member is named.</summary>
public sealed class RequestLimitTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Vmi = "/v1/namespaces/default/virtual-machine-interfaces";
    private const string Net = "/v1/namespaces/default/external-networks";
    private const string Svc = "/v1/namespaces/default/services";
    private const string Fip = "/v1/namespaces/default/floating-ips";
    private const string Hc = "/v1/namespaces/default/service-health-checks";
    private const string Selectors = "/v1/external-network-selectors";

    /// <summary>Path, body for a count of items, the limit, the member that is named beyond it. Everything else of the body is right at the limit.</summary>
    public static TheoryData<string, string, int, string> Members => new()
    {
        { "labels", "/v1/namespaces", 64, "labels" },
        { "annotations", "/v1/namespaces", 64, "annotations" },
        { "selector", Svc, 32, "selector" },
        { "ports", Svc, 100, "ports" },
        { "loadBalancerSourceRanges", Svc, 100, "loadBalancerSourceRanges" },
        { "subnets", Net, 16, "subnets" },
        { "ranges", Net, 1000, "subnets[0].ranges" },
        { "reserved", Net, 1000, "subnets[0].reserved" },
        { "routeTargets", Net, 64, "routeTargets" },
        { "importRouteTargets", Net, 64, "importRouteTargets" },
        { "exportRouteTargets", Net, 64, "exportRouteTargets" },
        { "communities", Net, 32, "advertisement.communities" },
        { "largeCommunities", Net, 32, "advertisement.largeCommunities" },
        { "interfaces", Fip, 1000, "interfaces" },
        { "portMappings", Fip, 100, "portMappings" },
        { "matchLabels", Selectors, 32, "networkSelector.matchLabels" },
        { "matchExpressions", Selectors, 32, "networkSelector.matchExpressions" },
        { "values", Selectors, 64, "networkSelector.matchExpressions[0].values" },
        { "items", $"{Vmi}:batch", 1000, "items" },
    };

    [Theory]
    [MemberData(nameof(Members))]
    public async Task A_list_at_its_limit_is_taken_and_one_item_more_is_refused_by_name(string member, string path, int limit, string named)
    {
        if (path == Fip) await api.PutAsync($"{Net}/for-fip", """{"subnets":[{"cidr":"39.7.0.0/24"}]}""");
        var taken = await api.PostAsync($"{path}?dryRun=true", Body(member, limit));
        Assert.True(taken.Status is 200 or 201, $"{taken.Status}: {taken.Text}");
        var refused = (await api.PostAsync(path, Body(member, limit + 1))).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Contains(named, refused.ErrorPaths);
        Assert.Contains(limit.ToString(CultureInfo.InvariantCulture), refused.Json!["errors"]![named]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loadBalancerIPs", Svc)]
    [InlineData("addresses", Vmi)]
    public async Task Of_addresses_one_of_a_family_is_taken_and_seventeen_are_one_fault_of_the_list(string member, string path) =>
        Assert.Contains("16", (await api.PostAsync(path, Body(member, 17))).Expect(400).Json!["errors"]![member]![0]!.ToString(), StringComparison.Ordinal);

    [Fact]
    public async Task Requirements_of_a_selector_are_counted_together()
    {
        string Both(int labels, int expressions) => JsonSerializer.Serialize(new
        {
            name = "both",
            networkSelector = new
            {
                matchLabels = Enumerable.Range(0, labels).ToDictionary(i => $"k{i}", _ => "v"),
                matchExpressions = Enumerable.Range(0, expressions).Select(i => new { key = $"e{i}", @operator = "Exists" }),
            },
        });
        (await api.PostAsync($"{Selectors}?dryRun=true", Both(16, 16))).Expect(201);
        Assert.Equal(["networkSelector"], (await api.PostAsync($"{Selectors}?dryRun=true", Both(16, 17))).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task An_annotation_has_16_KiB_and_all_of_them_64()
    {
        static string Annotated(params int[] lengths) =>
            JsonSerializer.Serialize(new { name = "annotated", annotations = lengths.Select((length, i) => (Key: $"k{i}", Value: new string('a', length))).ToDictionary(p => p.Key, p => p.Value) });
        const int one = 16 * 1024;
        (await api.PostAsync("/v1/namespaces?dryRun=true", Annotated(one))).Expect(201);
        Assert.Equal(["annotations[k0]"], (await api.PostAsync("/v1/namespaces?dryRun=true", Annotated(one + 1))).Expect(400).ErrorPaths);
        (await api.PostAsync("/v1/namespaces?dryRun=true", Annotated(one, one, one, one - 8))).Expect(201); // with the keys 64 KiB exactly
        Assert.Equal(["annotations"], (await api.PostAsync("/v1/namespaces?dryRun=true", Annotated(one, one, one, one - 7))).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task A_body_has_1_MiB_and_a_batch_8()
    {
        static byte[] Padded(string json, int bytes) => Encoding.UTF8.GetBytes(json + new string(' ', bytes - json.Length));
        const int mib = 1024 * 1024;
        (await api.PostAsync("/v1/namespaces?dryRun=true", Padded("""{"name":"body"}""", mib))).Expect(201);
        var refused = (await api.PostAsync("/v1/namespaces?dryRun=true", Padded("""{"name":"body"}""", mib + 1))).Expect(413);
        Assert.Equal("payload-too-large", refused.Code);
        Assert.Contains("1 MiB", (string?)refused.Json!["detail"], StringComparison.Ordinal);
        (await api.PatchAsync("/v1/namespaces/default?dryRun=true", Padded("{}", mib))).Expect(200);
        Assert.Equal("payload-too-large", (await api.PatchAsync("/v1/namespaces/default?dryRun=true", Padded("{}", mib + 1))).Expect(413).Code);
        (await api.PostAsync($"{Vmi}:batch?dryRun=true", Padded(Body("items", 1), 8 * mib))).Expect(200);
        (await api.PostAsync($"{Vmi}:batch?dryRun=true", Padded(Body("items", 1), 8 * mib + 1))).Expect(413);
    }

    [Fact]
    public async Task A_body_is_nested_32_deep_and_no_deeper()
    {
        static string Nested(int arrays) => $$"""{"name":"nested","status":{{new string('[', arrays)}}{{new string(']', arrays)}}}""";
        (await api.PostAsync("/v1/namespaces?dryRun=true", Nested(31))).Expect(201);
        Assert.Equal("malformed-json", (await api.PostAsync("/v1/namespaces?dryRun=true", Nested(32))).Expect(400).Code);
    }

    [Theory]
    [InlineData("!k{0}", 32, ",")]
    [InlineData("k{0}=v", 32, ",")]
    [InlineData("k{0} in (a,b,c)", 32, ",")]
    public async Task A_label_selector_has_32_requirements(string requirement, int most, string separator)
    {
        string Selector(int count) => Uri.EscapeDataString(string.Join(separator, Enumerable.Range(0, count).Select(i => string.Format(CultureInfo.InvariantCulture, requirement, i))));
        foreach (var path in new[] { "/v1/namespaces", "/v1/services", "/v1/virtual-routers" })
        {
            (await api.GetAsync($"{path}?labelSelector={Selector(most)}")).Expect(200);
            Assert.Equal(["labelSelector"], (await api.GetAsync($"{path}?labelSelector={Selector(most + 1)}")).Expect(400).ErrorPaths);
        }
    }

    /// <summary>These ended the process: one deep tree of expressions.</summary>
    [Theory]
    [InlineData("!a", 2600)]
    [InlineData("a", 3500)]
    public async Task A_label_selector_as_long_as_an_address_can_be_is_a_400(string requirement, int count)
    {
        Assert.Equal(["labelSelector"], (await api.GetAsync($"/v1/namespaces?labelSelector={string.Join(',', Enumerable.Repeat(requirement, count))}")).Expect(400).ErrorPaths);
        Assert.Equal(["labelSelector"], (await api.GetAsync($"/v1/namespaces?labelSelector=a%20in%20({string.Join(',', Enumerable.Repeat("b", count))})")).Expect(400).ErrorPaths);
    }

    /// <summary>The first took 43 s, because each fault was compared with all before it.</summary>
    [Fact]
    public async Task A_hundred_thousand_bad_labels_are_one_fault_and_those_of_the_first_64()
    {
        var labels = string.Join(',', Enumerable.Range(0, 80_000).Select(i => $"\"!{i}\":\"\""));
        var refused = (await api.PostAsync("/v1/namespaces", """{"name":"many","labels":{""" + labels + "}}")).Expect(400);
        Assert.Equal(65, refused.ErrorPaths.Count);
        Assert.Equal("labels", refused.ErrorPaths[0]);
    }

    [Fact]
    public async Task A_requirement_of_a_label_selector_has_64_values()
    {
        static string Selector(int count) => Uri.EscapeDataString($"a in ({string.Join(',', Enumerable.Range(0, count).Select(i => $"v{i}"))})");
        (await api.GetAsync($"/v1/namespaces?labelSelector={Selector(64)}")).Expect(200);
        Assert.Equal(["labelSelector"], (await api.GetAsync($"/v1/namespaces?labelSelector={Selector(65)}")).Expect(400).ErrorPaths);
    }

    [Theory]
    [InlineData("/v1/namespaces?labelSelector=", "labelSelector")]
    [InlineData("/v1/namespaces?labelSelector=%20", "labelSelector")]
    [InlineData("/v1/namespaces?limit=", "limit")]
    [InlineData("/v1/namespaces?cursor=", "cursor")]
    [InlineData("/v1/floating-ips?address=", "address")]
    [InlineData("/v1/namespaces/default/floating-ips?address=", "address")]
    [InlineData("/v1/events?regarding=", "regarding")]
    [InlineData("/v1/watch?kinds=", "kinds")]
    [InlineData("/v1/watch?kinds=,", "kinds")]
    [InlineData("/v1/watch?kinds=services,", "kinds")]
    [InlineData("/v1/watch?namespace=", "namespace")]
    [InlineData("/v1/floating-ips?address=100.0.0.1&address=100.0.0.2", "address")]
    [InlineData("/v1/namespaces?labelSelector=a&labelSelector=b", "labelSelector")]
    public async Task A_filter_that_is_empty_or_given_twice_is_refused_and_never_means_all(string path, string named)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(Patience.Seconds(20));
        using var answer = await api.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, stop.Token);
        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains($"\"{named}\":[", await answer.Content.ReadAsStringAsync(stop.Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_many_faults_100_are_listed_and_the_rest_is_counted()
    {
        // 1000 labels more than allowed are one fault; 150 unknown members are 150.
        var body = JsonSerializer.Serialize(Enumerable.Range(0, 150).ToDictionary(i => $"unknown{i}", _ => "x").Append(new("name", "many")).ToDictionary(p => p.Key, p => p.Value));
        var refused = (await api.PostAsync("/v1/namespaces", body)).Expect(400);
        Assert.Equal(101, refused.ErrorPaths.Count);
        Assert.Equal("and 50 more", (string?)refused.Json!["errors"]!["$"]![0]);
        Assert.Contains("150 faults", (string?)refused.Json["detail"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("OPTIONS")]
    [InlineData("DELETE")]
    public async Task A_probe_only_reads(string method) => Assert.Equal(["httpMethod"],
        (await api.PostAsync(Hc, $$"""{"name":"writes","monitorType":"HTTP","httpMethod":"{{method}}"}""")).Expect(400).ErrorPaths);

    [Fact]
    public async Task A_probe_reads_with_GET_and_HEAD()
    {
        foreach (var method in new[] { "GET", "HEAD" }) (await api.PostAsync($"{Hc}?dryRun=true", $$"""{"name":"reads","monitorType":"HTTP","httpMethod":"{{method}}"}""")).Expect(201);
    }

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("127.0.0.1")]
    [InlineData("fe80::1")]
    [InlineData("::1")]
    public async Task An_endpoint_is_never_loopback_or_link_local(string address) => Assert.Equal(["addresses[0]"],
        (await api.PostAsync(Vmi, $$"""{"name":"near","addresses":["{{address}}"],"virtualRouter":"c"}""")).Expect(400).ErrorPaths);

    private static string Body(string member, int count)
    {
        var each = Enumerable.Range(0, count).ToList();
        object ports(string name) => each.Select(i => new { name = $"{name}{i}", port = 1 + i });
        var labels = each.ToDictionary(i => $"k{i}", i => $"v{i}");
        var subnet = new { cidr = "39.0.0.0/16" };
        object body = member switch
        {
            "labels" => new { name = "limit", labels },
            "annotations" => new { name = "limit", annotations = labels },
            "selector" => new { name = "limit", ports = new[] { new { port = 80 } }, selector = labels },
            "ports" => new { name = "limit", allocateLoadBalancerNodePorts = false, ports = ports("p") },
            "loadBalancerSourceRanges" => new { name = "limit", ports = new[] { new { port = 80 } }, loadBalancerSourceRanges = each.Select(i => $"10.{i}.0.0/16") },
            "loadBalancerIPs" => new { name = "limit", ports = new[] { new { port = 80 } }, loadBalancerIPs = each.Select(i => $"100.0.0.{i}") },
            "subnets" => new { name = "limit", subnets = each.Select(i => new { cidr = $"39.{i}.0.0/24" }) },
            "ranges" => new { name = "limit", subnets = new[] { new { subnet.cidr, ranges = each.Select(i => new { from = $"39.0.{i / 64}.{1 + (4 * (i % 64)) % 253}", to = $"39.0.{i / 64}.{1 + (4 * (i % 64)) % 253}" }) } } },
            "reserved" => new { name = "limit", subnets = new[] { new { subnet.cidr, reserved = each.Select(i => $"39.0.{i / 200}.{1 + i % 200}") } } },
            "routeTargets" => new { name = "limit", subnets = new[] { subnet }, routeTargets = each.Select(i => $"target:64512:{i}") },
            "importRouteTargets" => new { name = "limit", subnets = new[] { subnet }, importRouteTargets = each.Select(i => $"target:64512:{i}") },
            "exportRouteTargets" => new { name = "limit", subnets = new[] { subnet }, exportRouteTargets = each.Select(i => $"target:64512:{i}") },
            "communities" => new { name = "limit", subnets = new[] { subnet }, advertisement = new { communities = each.Select(i => $"64512:{i}") } },
            "largeCommunities" => new { name = "limit", subnets = new[] { subnet }, advertisement = new { largeCommunities = each.Select(i => $"64512:1:{i}") } },
            "interfaces" => new { name = "limit", externalNetwork = "for-fip", interfaces = each.Select(i => $"vmi{i}") },
            "portMappings" => new { name = "limit", externalNetwork = "for-fip", interfaces = new[] { "vmi" }, portMappings = each.Select(i => new { port = 1 + i }) },
            "matchLabels" => new { name = "limit", networkSelector = new { matchLabels = labels } },
            "matchExpressions" => new { name = "limit", networkSelector = new { matchExpressions = each.Select(i => new { key = $"k{i}", @operator = "Exists" }) } },
            "values" => new { name = "limit", networkSelector = new { matchExpressions = new[] { new { key = "k", @operator = "In", values = each.Select(i => $"v{i}") } } } },
            "items" => new { items = each.Select(i => new { name = $"v{i}", addresses = new[] { $"10.77.{i / 200}.{1 + i % 200}" }, virtualRouter = "c" }) },
            "addresses" => new { name = "limit", addresses = each.Select(i => $"10.77.0.{1 + i}"), virtualRouter = "c" },
            _ => throw new ArgumentException(member, nameof(member)),
        };
        return JsonSerializer.Serialize(body);
    }
}
