using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Http;

/// <summary>
/// Valid documents of every resource, mutated by a seeded stream: whatever a client sends, the answer is no 5xx, a refusal is a problem
/// with a known code, a dry run answers what the write answers, and what was refused kept nothing. CN2_FUZZ_ROUNDS: how many (400).
/// </summary>
public sealed class FuzzTests(ApiServer api) : IClassFixture<ApiServer>
{
    private static readonly HashSet<string> Codes = [.. typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (string)f.GetValue(null)!).Where(c => c != ProblemCodes.InternalError), "addresses-exhausted"];

    private static readonly (string Collection, string Body)[] Documents =
    [
        ("/v1/namespaces", """{"name":"doc","labels":{"ns":"ns1"},"annotations":{"a.example/b":"text"}}"""),
        ("/v1/namespaces/default/external-networks", """
            {"name":"doc","subnets":[{"cidr":"100.0.0.0/24","gateway":"100.0.0.1","ranges":[{"from":"100.0.0.2","to":"100.0.0.200"}],"reserved":["100.0.0.10","100.0.0.20-100.0.0.29"]},
            {"cidr":"2001:db8:1::/64"}],"fabricForwarding":true,"routeTargets":["target:64512:1"],"importRouteTargets":[],"exportRouteTargets":["target:1.2.3.4:5"],
            "advertisement":{"localPreference":200,"med":100,"communities":["64512:100"],"largeCommunities":["64512:1:2"],"weighted":true},"priority":3,"autoAssign":true}
            """),
        ("/v1/external-network-selectors", """
            {"name":"doc","networkSelector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["d","e"]}]},"namespaceSelector":{}}
            """),
        ("/v1/namespaces/default/services", """
            {"name":"doc","type":"LoadBalancer","selector":{"app":"web"},"ports":[{"name":"http","protocol":"TCP","port":8080,"targetPort":80,"nodePort":30100},{"port":53,"name":"dns","protocol":"UDP"}],
            "ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"PreferDualStack","externalNetwork":"default/doc","loadBalancerIPs":["100.0.0.77"],"allocateLoadBalancerNodePorts":true,
            "externalTrafficPolicy":"Local","sessionAffinity":"None","loadBalancerSourceRanges":["10.0.0.0/8","2001:db8::/32"]}
            """),
        ("/v1/namespaces/default/floating-ips", """
            {"name":"doc","externalNetwork":"default/doc","address":"100.0.0.99","interfaces":["doc"],"portMappings":[{"protocol":"TCP","port":8080,"targetPort":80}]}
            """),
        ("/v1/namespaces/default/virtual-machine-interfaces", """{"name":"doc","labels":{"app":"web"},"addresses":["10.233.64.10","fd00::10"],"virtualRouter":"doc","ready":true,"weight":3,"healthCheck":"doc"}"""),
        ("/v1/virtual-routers", """{"name":"doc","address":"172.27.115.242","address6":"2001:db8::242","adminDown":false}"""),
        ("/v1/bgp-routers", """
            {"name":"doc","address":"172.27.115.245","autonomousSystem":64512,"port":179,"addressFamilies":["inet","inet6","inet-vpn","inet6-vpn","route-target"],"holdTime":90,"authKey":"key",
            "multihopTtl":3,"passive":false,"addPath":true,"adminDown":true,"gracefulRestart":{"enabled":true,"restartTime":120}}
            """),
        ("/v1/namespaces/default/service-health-checks", """
            {"name":"doc","monitorType":"HTTP","delay":2,"timeout":5,"maxRetries":5,"httpMethod":"GET","urlPath":"/health","expectedCodes":"200-299","port":80}
            """),
    ];

    /// <summary>JSON texts to put in the place of a value.</summary>
    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "65536", "2147483648", "4294967296", "9223372036854775808", "1e999", "1.5", "-0", "\"\"", "\" \"", "\"x\"", "\"10.1\"", "\"0.0.0.0/0\"", "\"::ffff:1.2.3.4\"",
        "\"fe80::1%eth0\"", "\"default/doc\"", "\"a/b/c\"", "\"/\"", "\"Doc\"", "\"-doc\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\ud83d\\ude00\"", "\"\u00e9\\u202e\"", "[]", "{}", "[null]",
        "[[]]", "{\"a\":null}", "{\"\":\"\"}", "[1,\"x\",{}]", "{\"a\":\"1\",\"a\":\"2\"}", "{\"\\ud800\":1}", "\"target:4294967296:4294967296\"", "\"100.0.0.5-100.0.0.3\"", "\"2026-01-01T00:00:00Z\"", "\"a=b\"",
        "NaN", "tru", "'x'", "\"unfinished", "/**/1", "01", "\"\t\"",
    ];

    private readonly Random _random = new(20260101);

    [Fact]
    public async Task No_input_ends_in_a_500_and_a_refused_request_stores_nothing()
    {
        foreach (var (collection, body) in Documents) (await api.PostAsync(collection, body)).Expect(201);
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("CN2_FUZZ_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 400;
        var kept = await KeptAsync();
        var refusals = 0;
        for (var round = 0; round < rounds; round++)
        {
            var (collection, document) = Documents[_random.Next(Documents.Length)];
            var text = Mutate(document);
            var (method, path) = _random.Next(4) switch
            {
                0 => (HttpMethod.Put, $"{collection}/doc"),
                1 => (HttpMethod.Patch, $"{collection}/doc"),
                2 when collection.EndsWith("virtual-machine-interfaces", StringComparison.Ordinal) => (HttpMethod.Post, $"{collection}:batch"),
                _ => (HttpMethod.Post, collection),
            };
            if (path.EndsWith(":batch", StringComparison.Ordinal)) text = $$"""{"items":[{{document}},{{text}}]}""";
            else if (method == HttpMethod.Post && _random.Next(2) == 0) text = text.Replace("\"name\":\"doc\"", "\"name\":\"new\"", StringComparison.Ordinal);
            var bytes = Damage(text);

            var dry = await api.SendAsync(method, $"{path}?dryRun=true", bytes);
            var what = $"{method} {path} {Encoding.UTF8.GetString(bytes)}";
            Check(dry, what);
            if (dry.Status < 400) continue;
            refusals++;
            var real = await api.SendAsync(method, path, bytes);
            Assert.True((real.Status, real.Code) == (dry.Status, dry.Code), $"dry {dry.Status} {dry.Code}, real {real.Status} {real.Code} for {what}");
            Assert.True(dry.ErrorPaths.SequenceEqual(real.ErrorPaths), what);
        }

        Assert.Equal(kept, await KeptAsync());
        Assert.InRange(refusals, rounds / 4, rounds);
    }

    [Fact]
    public async Task No_query_and_no_path_ends_in_a_500()
    {
        string[] names = ["limit", "cursor", "labelSelector", "dryRun", "address", "regarding", "kinds", "namespace", "nothing"];
        string[] values = ["", "0", "-1", "99999999999999999999", "true", "%00", "%ff", "%ed%a0%80", "a=b", "a%20in%20(b", "!", ",", "10.1", "::", "services%2Fx%2Fy", "..%2F..", "WyJhIiwiYiIsImMiXQ", "%F0%9F%98%80", "'", new string('a', 3000)];
        var paths = Documents.Select(d => d.Collection).Append("/v1/floating-ips").Append("/v1/events").ToArray();
        for (var round = 0; round < 300; round++)
        {
            var path = paths[_random.Next(paths.Length)];
            if (_random.Next(3) == 0) path += "/" + values[_random.Next(1, values.Length)];
            Check(await api.GetAsync($"{path}?{names[_random.Next(names.Length)]}={values[_random.Next(values.Length)]}"), path);
            Check(await api.SendAsync(HttpMethod.Delete, $"{path}?{names[_random.Next(names.Length)]}={values[_random.Next(values.Length)]}"), path);
        }
    }

    private static void Check(Reply reply, string what)
    {
        Assert.True(reply.Status < 500, $"{reply.Status} for {what}: {reply.Text}");
        // What the server refuses below HTTP (U+0000 in a path) has no body.
        if (reply.Status < 400 || reply.Text.Length == 0) return;
        Assert.True(reply.ContentType == "application/problem+json" && reply.Code is { } code && Codes.Contains(code), $"{reply.Status} {reply.ContentType} {reply.Text} for {what}");
        if (reply.Status == 400) Assert.True(reply.ErrorPaths.Count > 0, $"{reply.Text} for {what}");
    }

    /// <summary>What users asked for, with every generation: statuses may move by themselves.</summary>
    private async Task<string> KeptAsync()
    {
        var text = new StringBuilder();
        foreach (var (collection, _) in Documents)
        {
            foreach (var item in (await api.GetAsync($"{collection}?limit=1000")).Expect(200).Json!["items"]!.AsArray())
                text.Append(CultureInfo.InvariantCulture, $"{collection}/{item!["name"]} {item["uid"]} {item["generation"]} {item["updatedAt"]}\n");
        }

        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT (SELECT count(*) FROM node_port) || ' ' || (SELECT count(*) FROM interface_address) || ' ' || (SELECT count(*) FROM subnet_range) || ' ' || (SELECT count(*) FROM idempotency_key)", connection);
        return text.Append(await command.ExecuteScalarAsync()).ToString();
    }

    /// <summary>One to three values, names or items of the document replaced, taken away, repeated or nested.</summary>
    private string Mutate(string document)
    {
        var text = document;
        for (var times = _random.Next(1, 4); times > 0; times--)
        {
            var root = TryParse(text);
            if (root is null) return text;
            var places = new List<JsonNode>();
            Collect(root, places);
            var place = places[_random.Next(places.Count)];
            if (place.Parent is null && times > 1) continue;
            const string mark = "\"@@here@@\"";
            switch (_random.Next(6))
            {
                case 0 when place.Parent is JsonObject owner:
                    owner.Remove(place.GetPropertyName());
                    text = root.ToJsonString();
                    continue;
                case 1 when place.Parent is JsonObject owner:
                    // A member under another name, or a second time under its own.
                    var name = _random.Next(3) switch { 0 => place.GetPropertyName().ToUpperInvariant(), 1 => "uid", _ => place.GetPropertyName() + "@@twice@@" };
                    owner[name] = place.DeepClone();
                    text = root.ToJsonString().Replace("@@twice@@", "", StringComparison.Ordinal);
                    return text;
                case 2 when place.Parent is JsonArray list:
                    list.Add(place.DeepClone());
                    text = root.ToJsonString();
                    continue;
            }

            var value = _random.Next(12) switch
            {
                0 => new string('[', 40) + new string(']', 40),
                1 => $"\"{new string('a', _random.Next(60, 400))}\"",
                2 => new string('9', _random.Next(1, 400)),
                _ => Values[_random.Next(Values.Length)],
            };
            if (place.Parent is null) return value;
            place.ReplaceWith("@@here@@");
            text = root.ToJsonString().Replace(mark, value, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>Now and then a few bytes are cut off, lost or changed.</summary>
    private byte[] Damage(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        switch (_random.Next(12))
        {
            case 0: return bytes[.._random.Next(bytes.Length)];
            case 1:
                bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
                return bytes;
            case 2: return [.. bytes, .. bytes[..1]];
            default: return bytes;
        }
    }

    private static JsonNode? TryParse(string text)
    {
        try
        {
            var node = JsonNode.Parse(text);
            if (node is not null)
            {
                // What cannot be walked or written any more is sent as it is.
                Collect(node, []);
                node.ToJsonString();
            }

            return node;
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void Collect(JsonNode node, List<JsonNode> places)
    {
        places.Add(node);
        var children = node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] };
        foreach (var child in children)
        {
            if (child is not null) Collect(child, places);
        }
    }
}
