using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Secrets;

/// <summary>
/// A long mixed run with secrets, right and wrong ones, through both doors. Afterwards none of them stands in anything that comes out of the server or
/// stays behind: see <see cref="Sources"/>. A new kind of secret is one more of <see cref="Writes"/>; a new place is one more of <see cref="Sources"/>.
/// </summary>
public sealed class SecretSweepTests(SweptServer api) : IClassFixture<SweptServer>
{
    private const string Json = "application/json";
    private const string Merge = "application/merge-patch+json";
    private const string V1 = "/v1/bgp-routers";
    private const string Kube = "/apis/core.contrail.juniper.net/v1alpha1/namespaces/contrail/bgprouters";
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    private readonly ConcurrentQueue<string> _secrets = new();
    private readonly ConcurrentQueue<string> _answers = new();
    private readonly StringBuilder _watched = new();
    private int _count;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Each writes with secrets of its own; the answer may be a refusal.</summary>
    private IReadOnlyList<Func<string, Task>> Writes =>
    [
        name => V1Async(HttpMethod.Post, V1, Body(name, Secret())),
        name => V1Async(HttpMethod.Post, V1, Body(name, Secret()), ("Idempotency-Key", $"sweep-{name}")),
        name => V1Async(HttpMethod.Put, $"{V1}/{name}", Body(name, Secret())),
        name => V1Async(HttpMethod.Put, $"{V1}/{name}?dryRun=true", Body(name, Secret())),
        name => V1Async(HttpMethod.Put, $"{V1}/{name}", Body(name, Secret()), ("If-Match", "\"99\"")),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authKey":"{{Secret()}}"}"""),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authKey":"{{Secret()}} with blanks","holdTime":-1}"""),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authKey":"{{Secret()}}{{new string('x', 90)}}"}"""),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authKey":["{{Secret()}}"]}"""),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authkey":"{{Secret()}}"}"""),
        name => V1Async(HttpMethod.Patch, $"{V1}/{name}", $$"""{"authKey":"{{Secret()}}\u0000"}"""),
        name => V1Async(HttpMethod.Post, V1, $$"""{"name":"{{name}}","authKey":"{{Secret()}}" """),
        name => V1Async(HttpMethod.Post, "/v1/namespaces/none/services", Body(name, Secret())),
        name => KubeAsync(HttpMethod.Post, Kube, Object(name, Items(Secret()))),
        name => KubeAsync(HttpMethod.Post, $"{Kube}?dryRun=All", Object(name, Items(Secret()))),
        ApplyAsync,
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}?fieldManager=sweep&force=true", Object(name, Items(Secret())), "application/apply-patch+yaml"),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyItems":[{"key":"{{Secret()}}"},{"key":"{{Secret()}}"}]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyItems":[{"key":"{{Secret()}} with blanks"}]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyItems":[{"key":"{{Secret()}}{{new string('x', 90)}}"}]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyItems":"{{Secret()}}"}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($"\"{Secret()}\""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyItems":[{"key":["{{Secret()}}"]}]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyType":["{{Secret()}}"]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", Patch($$"""{"keyType":"{{Secret()}}"}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}?fieldValidation=Strict", Patch($$"""{"keyItems":[{"key":"{{Secret()}}","secret":"{{Secret()}}"}]}"""), Merge),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", $$$$"""[{"op":"add","path":"/spec/bgpRouterParameters/authData","value":{"keyItems":[{"key":"{{{{Secret()}}}}"}]}}]""", "application/json-patch+json"),
        name => KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", $$"""[{"op":"test","path":"/spec/bgpRouterParameters/authData/keyItems/0/key","value":"{{Secret()}}"}]""", "application/json-patch+json"),
        ReplaceAsync,
        name => V1Async(HttpMethod.Get, $"{V1}/{name}", null),
        name => KubeAsync(HttpMethod.Get, $"{Kube}/{name}", null),
        name => V1Async(HttpMethod.Delete, $"{V1}/{name}", null),
        name => KubeAsync(HttpMethod.Delete, $"{Kube}/{name}", null),
    ];

    /// <summary>Everything that comes out, or stays behind.</summary>
    private IReadOnlyList<(string Name, Func<Task<string>> Text)> Sources =>
    [
        ("an answer", () => Task.FromResult(string.Join('\n', _answers))),
        ("a watch", () => Task.FromResult(Watched())),
        ("a log line", () => Task.FromResult(string.Join('\n', api.Log.Lines.Select(l => $"{l.Text} {l.Exception}")))),
        ("the list of /v1", () => api.Client.GetStringAsync(V1, Token)),
        ("the list of the Kubernetes API", () => api.Kubernetes.GetStringAsync(Kube, Token)),
        ("the events", () => api.Client.GetStringAsync("/v1/events?limit=1000", Token)),
        ("the audit log", () => api.Client.GetStringAsync("/v1/audit?limit=1000", Token)),
        ("the metrics", () => api.Client.GetStringAsync("/metrics", Token)),
        ("a dump of the database", () => Task.FromResult(api.Dump())),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task No_secret_comes_out_or_stays_behind(int seed)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var watches = new[] { WatchAsync(api.Client, "/v1/watch?kinds=bgp-routers", stop.Token), WatchAsync(api.Kubernetes, $"{Kube}?watch=true", stop.Token) };
        var random = new Random(seed);
        foreach (var write in Writes) await write($"r{seed}");
        for (var i = 0; i < 250; i++) await Writes[random.Next(Writes.Count)]($"r{seed}-{random.Next(4)}");

        // The run is worth nothing if it was refused throughout: keys are there, of both doors, and the watches have seen them come and go.
        await V1Async(HttpMethod.Put, $"{V1}/r{seed}-last", Body($"r{seed}-last", Secret()));
        await KubeAsync(HttpMethod.Patch, $"{Kube}/r{seed}-last", Patch($$"""{"keyItems":[{"key":"{{Secret()}}"}]}"""), Merge);
        await Eventually.TrueAsync(() => Watched().Split($"r{seed}-last").Length > 4, "both watches have seen the last router", seen: Watched);
        Assert.Contains("protected:", api.Dump(), StringComparison.Ordinal);
        Assert.True(_secrets.Count > 150, $"only {_secrets.Count} secrets");
        foreach (var status in (string[])["201 ", "200 ", "400 ", "404 ", "409 ", "412 ", "422 "]) Assert.Contains(_answers, a => a.StartsWith(status, StringComparison.Ordinal));
        await stop.CancelAsync();
        await Task.WhenAll(watches);

        var found = new List<string>();
        foreach (var (name, text) in Sources)
        {
            var content = await text();
            Assert.True(content.Length > 20, $"{name} is empty");
            foreach (var secret in _secrets)
            {
                foreach (var form in FormsOf(secret))
                {
                    if (content.IndexOf(form, StringComparison.OrdinalIgnoreCase) is var at and >= 0) found.Add($"{form} in {name}: …{content[Math.Max(0, at - 150)..Math.Min(content.Length, at + 100)]}…");
                }
            }
        }

        Assert.Empty(found);
    }

    private static IEnumerable<string> FormsOf(string secret)
    {
        var bytes = Encoding.ASCII.GetBytes(secret);
        return [secret, Convert.ToBase64String(bytes), Convert.ToHexString(bytes)];
    }

    /// <summary>24 characters, so that its base64 stands in that of nothing else.</summary>
    private string Secret()
    {
        var secret = $"swept{Interlocked.Increment(ref _count):00000}-{Random.Shared.NextInt64(1L << 52):x13}";
        _secrets.Enqueue(secret);
        return secret;
    }

    private static string Address(string name) => $"172.{20 + name[1] - (int)'0'}.{name[^1] % 250}.{name.Length}";

    private static string Body(string name, string key) => $$"""{"name":"{{name}}","address":"{{Address(name)}}","autonomousSystem":65001,"authKey":"{{key}}"}""";

    private static string Items(string key) => $$"""{"keyItems":[{"key":"{{key}}","keyID":0}],"keyType":"md5"}""";

    private static string Patch(string authData) => $$$$"""{"spec":{"bgpRouterParameters":{"authData":{{{{authData}}}}}}}""";

    private static string Object(string name, string authData) =>
        $$$$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"BGPRouter","metadata":{"name":"{{{{name}}}}","namespace":"contrail"},"spec":{"bgpRouterParameters":{"address":"{{{{Address(name)}}}}","autonomousSystem":65001,"authData":{{{{authData}}}}}}}""";

    /// <summary>As <c>kubectl apply</c> does it: the object with the object in an annotation, then a patch that has both.</summary>
    private async Task ApplyAsync(string name)
    {
        var given = Object(name, Items(Secret()));
        var annotated = JsonNode.Parse(given)!;
        annotated["metadata"]!["annotations"] = new JsonObject { [LastApplied] = given + "\n" };
        if (await KubeAsync(HttpMethod.Post, $"{Kube}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict", annotated.ToJsonString()) != 409) return;
        var key = Secret();
        var patch = JsonNode.Parse(Patch(Items(key)))!;
        patch["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [LastApplied] = Object(name, Items(key)) } };
        await KubeAsync(HttpMethod.Patch, $"{Kube}/{name}?fieldManager=kubectl-client-side-apply", patch.ToJsonString(), Merge);
        patch["metadata"]!["annotations"]![LastApplied] = $"no JSON {Secret()}";
        await KubeAsync(HttpMethod.Patch, $"{Kube}/{name}", patch.ToJsonString(), Merge);
    }

    /// <summary>As <c>kubectl edit</c> and <c>replace</c> do it.</summary>
    private async Task ReplaceAsync(string name)
    {
        using var read = await api.Kubernetes.GetAsync($"{Kube}/{name}", Token);
        if (!read.IsSuccessStatusCode) return;
        var current = JsonNode.Parse(await read.Content.ReadAsStringAsync(Token))!;
        current["spec"]!["bgpRouterParameters"]!["authData"] = JsonNode.Parse(Items(Secret()));
        await KubeAsync(HttpMethod.Put, $"{Kube}/{name}", current.ToJsonString());
    }

    private Task<int> V1Async(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers) =>
        SendAsync(api.Client, method, path, body, method == HttpMethod.Patch ? Merge : Json, headers);

    private Task<int> KubeAsync(HttpMethod method, string path, string? body, string contentType = Json) => SendAsync(api.Kubernetes, method, path, body, contentType, []);

    private async Task<int> SendAsync(HttpClient client, HttpMethod method, string path, string? body, string contentType, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        using var response = await client.SendAsync(request, Token);
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True((int)response.StatusCode < 500, $"{method} {path}: {text}");
        _answers.Enqueue($"{(int)response.StatusCode} {method} {path} {response.Headers} {JsonSerializer.Serialize(text)} {text}");
        return (int)response.StatusCode;
    }

    private async Task WatchAsync(HttpClient client, string path, CancellationToken stop)
    {
        try
        {
            using var response = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, stop);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
            while (await reader.ReadLineAsync(stop) is { } line)
            {
                lock (_watched) _watched.AppendLine(line);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private string Watched()
    {
        lock (_watched) return _watched.ToString();
    }
}
