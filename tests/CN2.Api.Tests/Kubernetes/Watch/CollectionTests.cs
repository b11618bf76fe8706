using System.Text.Json.Nodes;
using CN2.Api.Watch;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>Lists and watches over HTTP.</summary>
public sealed class CollectionTests(KubernetesServer api) : IClassFixture<KubernetesServer>
{
    private readonly HttpClient _kubernetes = api.Kubernetes;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_list_in_pages_has_one_version_and_every_object_once()
    {
        await ServicesAsync("p1", 7);
        var (names, versions) = (new List<string>(), new HashSet<string>());
        var next = "";
        do
        {
            var page = await GetAsync($"/api/v1/namespaces/p1/services?limit=3{(next.Length > 0 ? $"&continue={next}" : "")}");
            names.AddRange(page["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!));
            versions.Add((string)page["metadata"]!["resourceVersion"]!);
            next = (string?)page["metadata"]!["continue"] ?? "";
        }
        while (next.Length > 0);
        Assert.Equal(["s0", "s1", "s2", "s3", "s4", "s5", "s6"], names);
        Assert.Single(versions);
        var all = await GetAsync("/api/v1/namespaces/p1/services");
        Assert.Equal(("ServiceList", "v1", 7), ((string?)all["kind"], (string?)all["apiVersion"], all["items"]!.AsArray().Count));
        Assert.Equal(("Service", "v1"), ((string?)all["items"]![0]!["kind"], (string?)all["items"]![0]!["apiVersion"]));
        // The same list of this version is there as long as nothing has changed; the statuses come a moment after the creates.
        var exact = "";
        await Eventually.TrueAsync(async () =>
        {
            var version = (await GetAsync("/api/v1/namespaces/p1/services"))["metadata"]!["resourceVersion"];
            exact = $"/api/v1/namespaces/p1/services?resourceVersion={version}&resourceVersionMatch=Exact";
            using var response = await _kubernetes.GetAsync(exact, Ct);
            if (!response.IsSuccessStatusCode) return false;
            Assert.Equal(7, JsonNode.Parse(await response.Content.ReadAsStringAsync(Ct))!["items"]!.AsArray().Count);
            return true;
        });
        (await api.DeleteAsync("/v1/namespaces/p1/services/s0")).Expect(204);
        Assert.Equal("Expired", (string?)(await GetAsync(exact, 410))["reason"]);
        Assert.Equal(6, (await GetAsync(exact.Replace("Exact", "NotOlderThan", StringComparison.Ordinal)))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Labels_and_fields_select()
    {
        await ServicesAsync("p2", 6);
        async Task<int> CountAsync(string query) => (await GetAsync($"/api/v1/namespaces/p2/services?{query}"))["items"]!.AsArray().Count;
        Assert.Equal(3, await CountAsync("labelSelector=parity%3Deven"));
        Assert.Equal(3, await CountAsync("labelSelector=parity%20notin%20(even)"));
        Assert.Equal(6, await CountAsync("labelSelector=parity,!other"));
        Assert.Equal(1, await CountAsync("fieldSelector=metadata.name%3Ds3"));
        Assert.Equal(5, await CountAsync("fieldSelector=metadata.name!%3Ds3"));
        Assert.Equal(2, await CountAsync("limit=2&labelSelector=parity%3Deven"));
        Assert.Single((await GetAsync("/api/v1/namespaces?labelSelector=kubernetes.io/metadata.name%3Dp2"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Every_fault_of_a_query_is_named_at_once()
    {
        var bad = await GetAsync("/api/v1/services?limit=x&fieldSelector=spec.color%3Dred&resourceVersion=abc", 400);
        Assert.Equal(("Status", "BadRequest"), ((string?)bad["kind"], (string?)bad["reason"]));
        foreach (var word in (string[])["limit", "spec.color", "resourceVersion"]) Assert.Contains(word, (string?)bad["message"], StringComparison.Ordinal);
        var invalid = await GetAsync("/api/v1/services?sendInitialEvents=true&resourceVersionMatch=Exact", 422);
        Assert.Equal(("Invalid", 2), ((string?)invalid["reason"], invalid["details"]!["causes"]!.AsArray().Count));
        Assert.Equal("Expired", (string?)(await GetAsync("/api/v1/services?resourceVersion=9223372036854775807", 410))["reason"]);
    }

    [Fact]
    public async Task A_token_that_is_too_old_comes_with_a_fresh_one_for_the_rest()
    {
        await ServicesAsync("p3", 4);
        var token = (string)(await GetAsync("/api/v1/namespaces/p3/services?limit=2"))["metadata"]!["continue"]!;
        await CompactAsync();
        var refused = await GetAsync($"/api/v1/namespaces/p3/services?limit=2&continue={token}", 410);
        Assert.Equal("Expired", (string?)refused["reason"]);
        var rest = await GetAsync($"/api/v1/namespaces/p3/services?limit=2&continue={refused["metadata"]!["continue"]}");
        Assert.Equal(["s2", "s3"], rest["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!));
    }

    [Fact]
    public async Task A_list_shows_what_has_changed_since_the_last_one()
    {
        await ServicesAsync("p7", 2);
        async Task<List<string>> ShownAsync() => [.. (await GetAsync("/api/v1/namespaces/p7/services"))["items"]!.AsArray().Select(i => $"{i!["metadata"]!["name"]} {i["spec"]!["ports"]![0]!["port"]}")];
        Assert.Equal(["s0 80", "s1 80"], await ShownAsync());
        (await api.PutAsync("/v1/namespaces/p7/services/s1", """{"type":"ClusterIP","ports":[{"port":81}]}""")).Expect(200);
        (await api.PutAsync("/v1/namespaces/p7/services/s2", """{"type":"ClusterIP","ports":[{"port":82}]}""")).Expect(201);
        Assert.Equal(["s0 80", "s1 81", "s2 82"], await ShownAsync());
        (await api.DeleteAsync("/v1/namespaces/p7/services/s0")).Expect(204);
        Assert.Equal(["s1 81", "s2 82"], await ShownAsync());
        // The same as each object by itself; statuses may change between the two.
        await Eventually.TrueAsync(async () =>
        {
            foreach (var item in (await GetAsync("/api/v1/namespaces/p7/services"))["items"]!.AsArray())
                if (!JsonNode.DeepEquals(await GetAsync($"/api/v1/namespaces/p7/services/{item!["metadata"]!["name"]}"), item)) return false;
            return true;
        });
    }

    [Fact]
    public async Task A_list_that_is_held_is_the_list_that_is_read()
    {
        string[] namespaces = ["h-a", "h-a-b", "ha"];
        foreach (var ns in namespaces) await ServicesAsync(ns, 3);
        var random = new Random(7);
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < 5; i++)
            {
                var path = $"/v1/namespaces/{namespaces[random.Next(3)]}/services/s{random.Next(6)}";
                if (random.Next(3) == 0) await api.DeleteAsync(path);
                else await api.PutAsync(path, $$$"""{"type":"ClusterIP","ports":[{"port":{{{random.Next(1, 1000)}}}}]}""");
            }

            foreach (var accept in (string[])["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"])
            {
                foreach (var path in (string[])["/api/v1/services", "/api/v1/namespaces/h-a/services", "/api/v1/namespaces/ha/services"])
                {
                    // A selector that chooses everything is read from the database. Statuses change, so the two are compared until they are equal.
                    await Eventually.TrueAsync(async () => Same(await GetAsync(path, accept: accept), await GetAsync($"{path}?labelSelector=!nothing", accept: accept))
                        && Same(await PagesAsync(path, accept), await GetAsync($"{path}?labelSelector=!nothing", accept: accept)));
                }
            }
        }

        static bool Same(JsonNode one, JsonNode other) => JsonNode.DeepEquals(WithoutAges(one), WithoutAges(other));

        static JsonNode WithoutAges(JsonNode list)
        {
            foreach (var row in list["rows"] as JsonArray ?? []) row!["cells"]![5] = "";
            return list["items"] ?? list["rows"]!;
        }
    }

    [Fact]
    public async Task A_watch_of_kubectl_shows_rows_of_a_table()
    {
        await ServicesAsync("p4", 1);
        const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        var list = await GetAsync("/api/v1/namespaces/p4/services?limit=500", accept: Table);
        Assert.Equal(("Table", 1), ((string?)list["kind"], list["rows"]!.AsArray().Count));
        using var watch = await WatchAsync($"/api/v1/namespaces/p4/services?watch=true&resourceVersion={list["metadata"]!["resourceVersion"]}", Table);
        (await api.PutAsync("/v1/namespaces/p4/services/more", """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        var added = await watch.NextAsync(e => (string?)e["object"]!["rows"]![0]!["cells"]![0] == "more");
        Assert.Equal(("ADDED", "Table"), ((string?)added["type"], (string?)added["object"]!["kind"]));
        (await api.DeleteAsync("/v1/namespaces/p4/services/more")).Expect(204);
        Assert.Equal("more", (string?)(await watch.NextAsync(e => (string?)e["type"] == "DELETED"))["object"]!["rows"]![0]!["cells"]![0]);
    }

    [Fact]
    public async Task A_status_that_changes_alone_reaches_watchers_and_bumps_the_version()
    {
        await ServicesAsync("p5", 1);
        var before = await GetAsync("/api/v1/namespaces/p5/services/s0");
        using var watch = await WatchAsync($"/api/v1/namespaces/p5/services?watch=true&fieldSelector=metadata.name%3Ds0&resourceVersion={before["metadata"]!["resourceVersion"]}");
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var touch = new NpgsqlCommand("INSERT INTO change (kind, namespace, name, uid, verb, status_only) VALUES (4, 'p5', 's0', $1, 2, true)", connection);
        touch.Parameters.AddWithValue(Guid.Parse((string)before["metadata"]!["uid"]!));
        await touch.ExecuteNonQueryAsync(Ct);
        var modified = await watch.NextAsync(_ => true);
        Assert.Equal("MODIFIED", (string?)modified["type"]);
        Assert.True(long.Parse((string)modified["object"]!["metadata"]!["resourceVersion"]!, null) > long.Parse((string)before["metadata"]!["resourceVersion"]!, null));
    }

    [Fact]
    public async Task A_version_that_is_too_old_is_an_ERROR_event_and_a_watch_ends_in_time()
    {
        var old = (string)(await GetAsync("/api/v1/services"))["metadata"]!["resourceVersion"]!;
        await ServicesAsync("p6", 1);
        await CompactAsync();
        using (var expired = await WatchAsync($"/api/v1/services?watch=true&resourceVersion={old}"))
        {
            var error = await expired.NextAsync(_ => true);
            Assert.Equal(("ERROR", 410), ((string?)error["type"], (int?)error["object"]!["code"]));
            await Assert.ThrowsAsync<EndOfStreamException>(() => expired.NextAsync(_ => true));
        }

        using var brief = await WatchAsync("/api/v1/namespaces/p6/services?watch=true&timeoutSeconds=1");
        Assert.Equal("ADDED", (string?)(await brief.NextAsync(_ => true))["type"]);
        await Assert.ThrowsAsync<EndOfStreamException>(() => brief.NextAsync(_ => false));
        await Eventually.TrueAsync(() => api.Services.GetRequiredService<WatchSlots>().Open == 0);
    }

    /// <summary>Objects change again before they are sent, and many in one transaction; the version of an event is no later than the event.</summary>
    [Fact]
    public async Task A_watch_that_resumes_from_any_event_misses_nothing()
    {
        await ServicesAsync("p9", 0);
        var begin = (string)(await GetAsync("/api/v1/namespaces/p9/services"))["metadata"]!["resourceVersion"]!;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var i = 0; i < 10; i++) (await api.PutAsync($"/v1/namespaces/p9/services/s{writer}-{i}", """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        }));
        // All change once more, in one transaction, and behind what a client catches up with at once.
        await using (var connection = new NpgsqlConnection(api.ConnectionString))
        {
            await connection.OpenAsync(Ct);
            await using var touch = new NpgsqlCommand(
                "INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 9, 'p0', 'x', gen_random_uuid(), 2, true FROM generate_series(1, 120); INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 4, 'p9', name, uid, 2, true FROM service WHERE namespace = 'p9'",
                connection);
            await touch.ExecuteNonQueryAsync(Ct);
        }

        foreach (var cut in (int[])[1, 3, 5, 10, 20, 39])
        {
            var seen = new HashSet<string>();
            var last = "";
            using (var first = await WatchAsync($"/api/v1/namespaces/p9/services?watch=true&resourceVersion={begin}"))
            {
                for (var i = 0; i < cut; i++) Take(await first.NextAsync(_ => true));
            }

            using var rest = await WatchAsync($"/api/v1/namespaces/p9/services?watch=true&resourceVersion={last}");
            while (seen.Count < 40) Take(await rest.NextAsync(_ => true));

            void Take(JsonNode e)
            {
                Assert.NotEqual("ERROR", (string?)e["type"]);
                seen.Add((string)e["object"]!["metadata"]!["name"]!);
                last = (string)e["object"]!["metadata"]!["resourceVersion"]!;
            }
        }
    }

    [Fact]
    public async Task A_watch_of_events_shows_each_that_comes_also_one_that_is_committed_late()
    {
        await ServicesAsync("p8", 1);
        await using var late = new NpgsqlConnection(api.ConnectionString);
        await late.OpenAsync(Ct);
        await using var transaction = await late.BeginTransactionAsync(Ct);
        await EventAsync(late, "Late");
        await using var other = new NpgsqlConnection(api.ConnectionString);
        await other.OpenAsync(Ct);
        await EventAsync(other, "Before");
        var list = await GetAsync("/api/v1/namespaces/p8/events");
        Assert.Contains(list["items"]!.AsArray(), e => (string?)e!["reason"] == "Before");
        await EventAsync(other, "Between");
        using var watch = await WatchAsync($"/api/v1/namespaces/p8/events?watch=true&resourceVersion={list["metadata"]!["resourceVersion"]}");
        var between = await watch.NextAsync(e => (string?)e["object"]!["reason"] == "Between");
        Assert.Equal(("ADDED", "Service", "s0"), ((string?)between["type"], (string?)between["object"]!["involvedObject"]!["kind"], (string?)between["object"]!["involvedObject"]!["name"]));
        await EventAsync(other, "After");
        await watch.NextAsync(e => (string?)e["object"]!["reason"] == "After");
        await transaction.CommitAsync(Ct);
        var last = await watch.NextAsync(e => (string?)e["object"]!["reason"] is "Late" or "Between" or "After");
        Assert.Equal("Late", (string?)last["object"]!["reason"]);
        using var resumed = await WatchAsync($"/api/v1/namespaces/p8/events?watch=true&resourceVersion={last["object"]!["metadata"]!["resourceVersion"]}");
        await EventAsync(other, "Later");
        await resumed.NextAsync(e => (string?)e["object"]!["reason"] == "Later");

        static async Task EventAsync(NpgsqlConnection connection, string reason)
        {
            await using var command = new NpgsqlCommand("INSERT INTO event (kind, namespace, name, at, type, reason, message) VALUES ($2, 'p8', 's0', now(), 'Normal', $1, 'It is a test.')", connection);
            command.Parameters.AddWithValue(reason);
            command.Parameters.AddWithValue((short)CN2.Api.Data.Rows.ResourceKind.Service);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    /// <summary>The whole list, read in pages of two.</summary>
    private async Task<JsonNode> PagesAsync(string path, string accept)
    {
        JsonNode? whole = null;
        var next = "";
        do
        {
            var page = await GetAsync($"{path}?limit=2{(next.Length > 0 ? $"&continue={next}" : "")}", accept: accept);
            next = (string?)page["metadata"]!["continue"] ?? "";
            var items = (page["items"] ?? page["rows"])!.AsArray();
            if (whole is null) whole = page;
            else foreach (var item in items.ToList()) (whole["items"] ?? whole["rows"])!.AsArray().Add(item!.DeepClone());
        }
        while (next.Length > 0);
        return whole;
    }

    private async Task ServicesAsync(string ns, int count)
    {
        (await api.PutAsync($"/v1/namespaces/{ns}", "{}")).Expect(201);
        for (var i = 0; i < count; i++)
        {
            (await api.PutAsync($"/v1/namespaces/{ns}/services/s{i}",
                $$$"""{"type":"ClusterIP","labels":{"parity":"{{{(i % 2 == 0 ? "even" : "odd")}}}"},"ports":[{"port":80}]}""")).Expect(201);
        }
    }

    /// <summary>Retention removes everything up to now.</summary>
    private async Task CompactAsync()
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Ct);
        // Statements of one command are one transaction, and a snapshot does not see its own.
        foreach (var sql in (string[])
        [
            "DELETE FROM feed_snapshot",
            "INSERT INTO change (kind, namespace, name, uid, verb, status_only) VALUES (9, 'p0', 'x', gen_random_uuid(), 2, true)",
            "INSERT INTO feed_snapshot (at, snapshot) VALUES (now() - interval '2 hours', pg_current_snapshot()::text)",
        ])
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Ct);
        }

        await api.Services.GetRequiredService<CN2.Api.Data.Retention>().RunOnceAsync(Ct);
    }

    private async Task<JsonNode> GetAsync(string path, int status = 200, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        using var response = await _kubernetes.SendAsync(request, Ct);
        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.True(status == (int)response.StatusCode, $"{path}: {(int)response.StatusCode} {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return JsonNode.Parse(text)!;
    }

    private async Task<Lines> WatchAsync(string path, string accept = "application/json")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        var response = await _kubernetes.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.True(response.IsSuccessStatusCode, response.StatusCode.ToString());
        return new Lines(response, new StreamReader(await response.Content.ReadAsStreamAsync(Ct)));
    }

    private sealed class Lines(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public async Task<JsonNode> NextAsync(Predicate<JsonNode> wanted)
        {
            using var limit = new CancellationTokenSource(Patience.Seconds(20));
            while (true)
            {
                var line = JsonNode.Parse(await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException())!;
                if (wanted(line)) return line;
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
