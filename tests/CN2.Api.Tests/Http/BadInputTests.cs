using System.Text;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Http;

/// <summary>What a client can get wrong: each the right 4xx, a stable code, every fault named, nothing kept.</summary>
public sealed class BadInputTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Vmi = "/v1/namespaces/default/virtual-machine-interfaces";
    private const string Hc = "/v1/namespaces/default/service-health-checks";

    public static TheoryData<string, string, string, int, string, string> Faults => new()
    {
        // path, method and body, status, code, paths of the faults
        { "/v1/namespaces", "POST", """{"name":""", 400, "malformed-json", "$" },
        { "/v1/namespaces", "POST", "", 400, "malformed-json", "$" },
        { "/v1/namespaces", "POST", "[]", 400, "validation-failed", "$" },
        { "/v1/namespaces", "POST", "null", 400, "validation-failed", "$" },
        { "/v1/namespaces", "POST", "\"text\"", 400, "validation-failed", "$" },
        { "/v1/namespaces", "POST", """{"name":"a","name":"b"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"name":"nul","annotations":{"a":"x\u0000y"}}""".Replace("\0", "\\u0000", StringComparison.Ordinal), 400, "validation-failed", "annotations[a]" },
        { "/v1/namespaces", "POST", """{"name":"surrogate","annotations":{"a":"\ud800"}}""", 400, "validation-failed", "annotations[a]" },
        { "/v1/namespaces", "POST", """{"name":"-bad"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"name":"UPPER"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"name":"a.b"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", $$"""{"name":"{{new string('a', 64)}}"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"labels":{}}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"name":7}""", 400, "validation-failed", "name" },
        { "/v1/namespaces", "POST", """{"name":"x","lables":{}}""", 400, "validation-failed", "lables" },
        { "/v1/namespaces", "POST", """{"name":"x","labels":{"a":null}}""", 400, "validation-failed", "labels[a]" },
        { "/v1/namespaces/x", "PUT", """{"name":"y"}""", 400, "validation-failed", "name" },
        { "/v1/namespaces/Bad_Name", "PUT", "{}", 400, "validation-failed", "name" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"10.1"}""", 400, "validation-failed", "address" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"010.0.0.1"}""", 400, "validation-failed", "address" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"2001:db8::1"}""", 400, "validation-failed", "address" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"10.0.0.1","address6":"10.0.0.2"}""", 400, "validation-failed", "address6" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"10.0.0.1","address6":"::ffff:10.0.0.2"}""", 400, "validation-failed", "address6" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"224.0.0.1"}""", 400, "validation-failed", "address" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"10.0.0.1","adminDown":"yes"}""", 400, "validation-failed", "adminDown" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"127.0.0.1","address6":"fe80::242"}""", 400, "validation-failed", "address address6" },
        { "/v1/virtual-routers", "POST", """{"name":"r1","address":"0.1.2.3","address6":"::1"}""", 400, "validation-failed", "address address6" },
        { Vmi, "POST", """{"name":"v","addresses":["127.0.0.1","fe80::1","0.1.2.3","240.0.0.1","::ffff:10.0.0.1","ff02::1"],"virtualRouter":"c"}""", 400, "validation-failed", "addresses[0] addresses[1] addresses[2] addresses[3] addresses[4] addresses[5]" },
        { Vmi, "POST", """{"name":"v","addresses":["10.0.0.1","10.0.0.2"],"virtualRouter":"c"}""", 400, "validation-failed", "addresses[1]" },
        { Vmi, "POST", """{"name":"v","addresses":["10.0.0.1",null],"virtualRouter":"c"}""", 400, "validation-failed", "addresses[1]" },
        { Vmi, "POST", """{"name":"v","addresses":[],"virtualRouter":"C"}""", 400, "validation-failed", "virtualRouter addresses" },
        { Vmi, "POST", """{"name":"v","addresses":"10.0.0.1","virtualRouter":"c","ready":1}""", 400, "validation-failed", "addresses ready" },
        { Vmi, "POST", """{"name":"v","namespace":"other","addresses":["10.0.0.1"],"virtualRouter":"c"}""", 400, "validation-failed", "namespace" },
        { Vmi, "POST", """{"name":"v","namespace":"\ud800","addresses":["10.0.0.1"],"virtualRouter":"c"}""", 400, "validation-failed", "namespace" },
        { Vmi, "POST", """{"name":"v","namespace":7,"healthCheck":null,"addresses":["10.0.0.1"],"virtualRouter":"c"}""", 400, "validation-failed", "namespace" },
        { "/v1/virtual-routers/r1", "PUT", """{"namespace":"default","address":"10.0.0.1"}""", 400, "validation-failed", "namespace" },
        { "/v1/namespaces/absent/external-networks", "POST", """{"name":"n","subnets":[{"cidr":"100.0.0.0/24"}]}""", 404, "not-found", "" },
        { "/v1/namespaces/%20/services", "POST", """{"name":"s","ports":[{"port":80}]}""", 404, "not-found", "" },
        { "/v1/namespaces/%09/service-health-checks", "GET", "", 404, "not-found", "" },
        { "/v1/namespaces/absent/virtual-machine-interfaces", "POST", """{"name":"v","addresses":["10.0.0.1"],"virtualRouter":"c"}""", 404, "not-found", "" },
        { $"{Vmi}:batch", "POST", """{"items":[{"name":"v","addresses":["x"],"virtualRouter":"c"},{"name":"v","addresses":["10.0.0.1"],"virtualRouter":"c"},null]}""", 400, "validation-failed", "items[2] items[0].addresses[0] items[1].name" },
        { $"{Vmi}:batch", "POST", """{"items":[]}""", 400, "validation-failed", "items" },
        { $"{Vmi}:batch", "POST", """{}""", 400, "validation-failed", "items" },
        { Hc, "POST", """{"name":"h","monitorType":"http"}""", 400, "validation-failed", "monitorType" },
        { Hc, "POST", """{"name":"h","monitorType":"TCP"}""", 400, "validation-failed", "port" },
        { Hc, "POST", """{"name":"h","monitorType":"HTTP","port":0,"delay":0,"timeout":-1,"maxRetries":101,"urlPath":"x","expectedCodes":"2xx","httpMethod":"get"}""", 400, "validation-failed", "delay timeout maxRetries httpMethod urlPath expectedCodes port" },
        { Hc, "POST", """{"name":"h","monitorType":"HTTP","port":65536}""", 400, "validation-failed", "port" },
        { Hc, "POST", """{"name":"h","monitorType":"HTTP","port":80.5}""", 400, "validation-failed", "port" },
        { Hc, "POST", """{"name":"h","monitorType":"HTTP","port":"80"}""", 400, "validation-failed", "port" },
        { "/v1/external-network-selectors", "POST", """{"name":"s"}""", 400, "validation-failed", "networkSelector" },
        { "/v1/external-network-selectors", "POST", """{"name":"s","networkSelector":{"matchExpressions":[{"key":"a","operator":"in"},{"key":"b","operator":"In"},{"operator":"Exists","values":["x"]}],"match":{}}}""", 400, "validation-failed", "networkSelector.matchExpressions[0].operator networkSelector.match networkSelector.matchExpressions[1].values networkSelector.matchExpressions[2].key networkSelector.matchExpressions[2].values" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"10.0.0.1"}""", 400, "validation-failed", "autonomousSystem" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"10.0.0.1","autonomousSystem":0}""", 400, "validation-failed", "autonomousSystem" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"10.0.0.1","autonomousSystem":4294967296}""", 400, "validation-failed", "autonomousSystem" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"fe80::1","autonomousSystem":23456,"holdTime":0}""", 400, "validation-failed", "address autonomousSystem holdTime" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"127.0.0.1","autonomousSystem":1}""", 400, "validation-failed", "address" },
        { "/v1/bgp-routers", "POST", """{"name":"b","address":"x","autonomousSystem":1,"port":0,"holdTime":2,"multihopTtl":256,"addressFamilies":["inet","inet","evpn"],"gracefulRestart":{"restartTime":4096}}""", 400, "validation-failed", "address port holdTime multihopTtl gracefulRestart.restartTime addressFamilies[1] addressFamilies[2]" },
        { "/v1/namespaces?dryRun=maybe", "POST", """{"name":"x"}""", 400, "validation-failed", "dryRun" },
        { "/v1/namespaces?limit=0", "GET", "", 400, "validation-failed", "limit" },
        { "/v1/namespaces?limit=1001", "GET", "", 400, "validation-failed", "limit" },
        { "/v1/namespaces?limit=ten&cursor=abc", "GET", "", 400, "validation-failed", "limit cursor" },
        { "/v1/namespaces?labelSelector=a%20in%20x", "GET", "", 400, "validation-failed", "labelSelector" },
        { "/v1/events?regarding=services", "GET", "", 400, "validation-failed", "regarding" },
        { "/v1/watch?kinds=pods", "GET", "", 400, "validation-failed", "kinds" },
        { "/v1/namespaces/none", "GET", "", 404, "not-found", "" },
        { "/v1/namespaces/none", "DELETE", "", 404, "not-found", "" },
        { "/v1/nothing", "GET", "", 404, "not-found", "" },
        { "/", "GET", "", 404, "not-found", "" },
        { "/v1/namespaces", "DELETE", "", 405, "method-not-allowed", "" },
        { "/v1/virtual-machine-interfaces", "POST", "{}", 405, "method-not-allowed", "" },
    };

    private const string Net = "/v1/namespaces/default/external-networks";
    private const string Svc = "/v1/namespaces/default/services";
    private const string Fip = "/v1/namespaces/default/floating-ips";

    public static TheoryData<string, string, string, string> Refusals => new()
    {
        // path, body, code, a path that must be among the faults
        { Net, """{"name":"n"}""", "validation-failed", "subnets" },
        { Net, """{"name":"n","subnets":[]}""", "validation-failed", "subnets" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.5/24"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"10.1/16"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/33"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/7"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"127.0.0.0/24"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"224.0.1.0/24"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"169.254.0.0/16"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"240.0.0.0/8"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"fe80::/64"}]}""", "validation-failed", "subnets[0].cidr" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24","gateway":"100.0.1.1"}]}""", "validation-failed", "subnets[0].gateway" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24","gateway":"2001:db8::1"}]}""", "validation-failed", "subnets[0].gateway" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24","ranges":[{"from":"100.0.0.9","to":"100.0.0.2"}]}]}""", "validation-failed", "subnets[0].ranges[0]" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24","ranges":[{"from":"100.0.1.2","to":"100.0.1.9"}]}]}""", "validation-failed", "subnets[0].ranges[0]" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24","reserved":["100.0.0.20-100.0.0.10"]}]}""", "validation-failed", "subnets[0].reserved[0]" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24"}],"routeTargets":["target:70000:70000"]}""", "validation-failed", "routeTargets[0]" },
        { Net, """{"name":"n","subnets":[{"cidr":"100.0.0.0/24"}],"advertisement":{"communities":["70000:1"],"med":-1}}""", "validation-failed", "advertisement.med" },
        { Svc, """{"name":"s"}""", "validation-failed", "ports" },
        { Svc, """{"name":"s","ports":[{"port":0}]}""", "validation-failed", "ports[0].port" },
        { Svc, """{"name":"s","ports":[{"port":65536}]}""", "validation-failed", "ports[0].port" },
        { Svc, """{"name":"s","ports":[{"port":80,"targetPort":70000}]}""", "validation-failed", "ports[0].targetPort" },
        { Svc, """{"name":"s","ports":[{"name":"a","port":80},{"name":"b","port":80}]}""", "validation-failed", "ports[1]" },
        { Svc, """{"name":"s","ports":[{"name":"a","port":80},{"name":"a","port":81}]}""", "validation-failed", "ports[1].name" },
        { Svc, """{"name":"s","ports":[{"port":80,"protocol":"tcp"}]}""", "validation-failed", "ports[0].protocol" },
        { Svc, """{"name":"s","type":"ExternalName","ports":[{"port":80}]}""", "validation-failed", "type" },
        { Svc, """{"name":"s","ports":[{"port":80}],"externalNetwork":"a/b","externalNetworkSelector":"c"}""", "validation-failed", "externalNetwork" },
        { Svc, """{"name":"s","ports":[{"port":80}],"loadBalancerSourceRanges":["10.0.0.1/8"]}""", "validation-failed", "loadBalancerSourceRanges[0]" },
        { Svc, """{"name":"s","ports":[{"port":80}],"loadBalancerIPs":["10.1"]}""", "validation-failed", "loadBalancerIPs[0]" },
        { Svc, """{"name":"s","ports":[{"port":80}],"ipFamilies":["IPv4","IPv4"]}""", "validation-failed", "ipFamilies" },
        { Svc, """{"name":"s","ports":[{"port":80}],"selector":{"a b":"c"}}""", "validation-failed", "selector[a b]" },
        { Fip, """{"name":"f"}""", "validation-failed", "externalNetwork" },
        { Fip, """{"name":"f","externalNetwork":"a/b","address":"10.1"}""", "validation-failed", "address" },
        { Fip, """{"name":"f","externalNetwork":"a/b","portMappings":[{"protocol":"TCP","port":0,"targetPort":80}]}""", "validation-failed", "portMappings[0].port" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Faulty_networks_services_and_floating_IPs_are_refused_with_the_member_named(string path, string body, string code, string fault)
    {
        var reply = await api.PostAsync(path, body);
        Assert.True(reply.Status == 400, $"{reply.Status}: {reply.Text}");
        Assert.Equal(code, reply.Code);
        Assert.True(reply.ErrorPaths.Any(p => p == fault || p.StartsWith(fault, StringComparison.Ordinal)), $"{fault} is not among {string.Join(' ', reply.ErrorPaths)}");
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Each_fault_has_its_status_code_and_path(string path, string method, string body, int status, string code, string faults)
    {
        var reply = await api.SendAsync(new HttpMethod(method), path, method == "GET" || (body.Length == 0 && method == "DELETE") ? null : body);
        Assert.True(reply.Status == status, $"{reply.Status}: {reply.Text}");
        Assert.Equal(code, reply.Code);
        Assert.Equal("application/problem+json", reply.ContentType);
        Assert.Equal($"urn:cn2:error:{code}", (string?)reply.Json!["type"]);
        Assert.Equal(Uri.UnescapeDataString(path.Split('?')[0]), (string?)reply.Json["instance"]);
        Assert.Equal(faults, string.Join(' ', reply.ErrorPaths));
    }

    [Fact]
    public async Task Deeply_nested_JSON_is_malformed()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100_000));
        Assert.Equal("malformed-json", (await api.PostAsync("/v1/namespaces", deep)).Expect(400).Code);
        var closed = """{"name":"x","labels":""" + string.Concat(Enumerable.Repeat("""{"a":""", 5000)) + "1" + new string('}', 5001);
        Assert.Equal("malformed-json", (await api.PostAsync("/v1/namespaces", closed)).Expect(400).Code);
    }

    [Fact]
    public async Task Invalid_UTF8_is_malformed()
    {
        byte[] body = [.. "{\"name\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        Assert.Equal("malformed-json", (await api.PostAsync("/v1/namespaces", body)).Expect(400).Code);
    }

    [Fact]
    public async Task A_body_of_10_megabytes_is_too_large()
    {
        var body = "{\"name\":\"" + new string('a', 10 * 1024 * 1024) + "\"}";
        Assert.Equal("payload-too-large", (await api.PostAsync("/v1/namespaces", body)).Expect(413).Code);
    }

    [Fact]
    public async Task A_body_with_broken_chunked_encoding_is_a_problem_with_errors()
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(
            "POST /v1/namespaces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n"u8.ToArray(),
            TestContext.Current.CancellationToken);
        var answer = await new StreamReader(stream).ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
        Assert.Contains("\"errors\":{\"$\":[", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/v1/namespaces", "text/plain")]
    [InlineData("POST", "/v1/namespaces", "application/json; charset=utf-16")]
    [InlineData("POST", "/v1/namespaces", "application/xml")]
    [InlineData("PATCH", "/v1/namespaces/default", "application/json")]
    [InlineData("PATCH", "/v1/namespaces/default", "application/json-patch+json")]
    [InlineData("PUT", "/v1/namespaces/default", "application/merge-patch+json")]
    public async Task Another_media_type_is_415(string method, string path, string type)
    {
        var reply = (await api.SendAsync(new HttpMethod(method), path, "{}", ("Content-Type", type))).Expect(415);
        Assert.Equal("unsupported-media-type", reply.Code);
    }

    [Fact]
    public async Task More_than_1000_items_are_refused_with_one_fault()
    {
        var items = Enumerable.Range(0, 1001).Select(i => new { name = $"v{i}", addresses = new[] { "10.0.0.1" }, virtualRouter = "c" });
        Assert.Equal(["items"], (await api.PostAsync($"{Vmi}:batch", new { items })).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task A_PATCH_is_checked_like_a_PUT()
    {
        (await api.PutAsync($"{Hc}/patched", """{"monitorType":"TCP","port":80}""")).Expect(201);
        Assert.Equal(["colour", "port"], (await api.PatchAsync($"{Hc}/patched", """{"port":0,"colour":"red"}""")).Expect(400).ErrorPaths);
        Assert.Equal(["port"], (await api.PatchAsync($"{Hc}/patched", """{"port":null}""")).Expect(400).ErrorPaths);
        Assert.Equal(["monitorType"], (await api.PatchAsync($"{Hc}/patched", """{"monitorType":[]}""")).Expect(400).ErrorPaths);
        Assert.Equal("malformed-json", (await api.PatchAsync($"{Hc}/patched", "{")).Expect(400).Code);
        Assert.Equal(["$"], (await api.PatchAsync($"{Hc}/patched", "[]")).Expect(400).ErrorPaths);
        Assert.Equal("\"1\"", (await api.GetAsync($"{Hc}/patched")).ETag);
    }

    [Fact]
    public async Task A_PATCH_that_removes_an_unknown_member_is_refused()
    {
        var network = $"{Net}/removals";
        (await api.PutAsync(network, """{"subnets":[{"cidr":"39.0.0.0/24"}]}""")).Expect(201);
        Assert.Equal(["advertisement.md", "prioritty"], (await api.PatchAsync(network, """{"prioritty":null,"advertisement":{"md":null}}""")).Expect(400).ErrorPaths.Order());
        (await api.PatchAsync(network, """{"priority":null,"labels":{"absent":null},"advertisement":{"med":null},"status":null,"uid":null}""")).Expect(200);
    }

    [Theory]
    [InlineData("""{"annotations":{"a":"\ud800"}}""", "annotations.a")]
    [InlineData("""{"labels":{"\ud800":"x"}}""", "labels")]
    [InlineData("""{"labels":{"a":"1","a":"2"}}""", "labels.a")]
    [InlineData("""{"delay":1,"delay":2}""", "delay")]
    [InlineData("""{"status":{"x":[{"y":"\udc00"}]}}""", "status.x[0].y")]
    public async Task A_PATCH_with_invalid_text_or_duplicate_members_is_refused_with_their_path(string body, string path)
    {
        await api.PutAsync($"{Hc}/text", """{"monitorType":"PING"}""");
        Assert.Equal([path], (await api.PatchAsync($"{Hc}/text", body)).Expect(400).ErrorPaths);
    }

    [Theory]
    [InlineData("GET", "/v1/namespaces?limt=1", "limt")]
    [InlineData("GET", "/v1/services?address=100.0.0.1&limit=0", "address limit")]
    [InlineData("GET", "/v1/events?labelSelector=a", "labelSelector")]
    [InlineData("GET", "/v1/watch?kind=services", "kind")]
    [InlineData("DELETE", "/v1/namespaces/never?dryrn=true", "dryrn")]
    [InlineData("DELETE", "/v1/namespaces/never?dryRun=maybe", "dryRun")]
    public async Task An_unknown_query_parameter_is_refused(string method, string path, string named) =>
        Assert.Equal(named.Split(' '), (await api.SendAsync(new HttpMethod(method), path)).Expect(400).ErrorPaths);

    [Fact]
    public async Task Random_bytes_never_end_in_a_500()
    {
        var random = new Random(17);
        var pieces = new[] { "{", "}", "[", "]", "\"name\"", ":", ",", "null", "1e999", "\"\\u0000\"", "\"a\"", "-", "true", "\"labels\"", "\\", "\u00e9", "99999999999999999999" };
        for (var i = 0; i < 300; i++)
        {
            var text = new StringBuilder("{\"name\":");
            for (var j = random.Next(12); j >= 0; j--) text.Append(pieces[random.Next(pieces.Length)]);
            var reply = await api.PostAsync("/v1/namespaces?dryRun=true", text.ToString());
            Assert.True(reply.Status is 400 or 201 or 409, $"{reply.Status} for {text}");
        }
    }
}
