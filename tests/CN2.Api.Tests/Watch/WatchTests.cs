using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Watch;

public sealed class WatchTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_watch_sends_all_resources_then_synced_then_changes()
    {
        (await api.PutAsync("/v1/namespaces/w1", "{}")).Expect(201);
        var check = (await api.PostAsync("/v1/namespaces/w1/service-health-checks", """{"name":"h1","monitorType":"PING"}""")).Expect(201);
        using var watch = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w1");
        var added = await watch.NextAsync();
        Assert.Equal(("added", check.Text), (added.Event, added.Data));
        Assert.Equal("synced", (await watch.NextAsync()).Event);
        using (var again = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w1", added.Id!))
        {
            // A client that is cut off before synced gets the whole list again.
            Assert.Equal(("added", check.Text), (await again.NextAsync() is var e ? (e.Event, e.Data) : default));
            Assert.Equal("synced", (await again.NextAsync()).Event);
        }

        var patched = (await api.PatchAsync("/v1/namespaces/w1/service-health-checks/h1", """{"delay":7}""")).Expect(200);
        var modified = await watch.NextAsync();
        Assert.Equal(("modified", patched.Text), (modified.Event, modified.Data));
        (await api.PutAsync("/v1/namespaces/default/service-health-checks/elsewhere", """{"monitorType":"PING"}""")).Expect(201);
        (await api.DeleteAsync("/v1/namespaces/w1/service-health-checks/h1")).Expect(204);
        var deleted = await watch.NextAsync();
        Assert.Equal("deleted", deleted.Event);
        Assert.True(JsonNode.DeepEquals(patched.Json, JsonNode.Parse(deleted.Data)));
    }

    [Fact]
    public async Task A_client_that_returns_with_its_token_misses_no_change()
    {
        (await api.PutAsync("/v1/namespaces/w2", "{}")).Expect(201);
        string token;
        using (var first = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w2")) token = (await first.NextAsync("synced")).Id!;
        foreach (var i in Enumerable.Range(0, 5)) (await api.PutAsync($"/v1/namespaces/w2/service-health-checks/h{i}", """{"monitorType":"PING"}""")).Expect(201);
        (await api.DeleteAsync("/v1/namespaces/w2/service-health-checks/h0")).Expect(204);

        using (var second = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w2", token))
        {
            var names = new List<string>();
            for (var i = 0; i < 5; i++)
            {
                var e = await second.NextAsync();
                names.Add($"{e.Event} {JsonNode.Parse(e.Data)!["name"]}");
                token = e.Id!;
            }

            Assert.Equal(["added h1", "added h2", "added h3", "added h4", "deleted h0"], names);
        }

        using var third = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w2", token);
        (await api.PutAsync("/v1/namespaces/w2/service-health-checks/h9", """{"monitorType":"PING"}""")).Expect(201);
        Assert.Contains("\"h9\"", (await third.NextAsync()).Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_late_commit_is_not_skipped_and_holds_nothing_back()
    {
        (await api.PutAsync("/v1/namespaces/w3", "{}")).Expect(201);
        using var watch = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w3");
        await watch.NextAsync("synced");

        // This transaction takes its place in the feed first and commits last.
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var older = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var touch = new NpgsqlCommand(
            "INSERT INTO change (kind, namespace, name, uid, verb, status_only, document) VALUES (9, 'w3', 'late', gen_random_uuid(), 3, false, '{\"name\": \"late\"}')", connection, older);
        await touch.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        (await api.PutAsync("/v1/namespaces/w3/service-health-checks/early", """{"monitorType":"PING"}""")).Expect(201);
        var early = await watch.NextAsync();
        Assert.Contains("\"early\"", early.Data, StringComparison.Ordinal);
        await older.CommitAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"late\"", (await watch.NextAsync()).Data, StringComparison.Ordinal);

        // A client that was cut off between the two gets the second by its token.
        using var resumed = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w3", early.Id);
        Assert.Contains("\"late\"", (await resumed.NextAsync()).Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x", 400)]
    [InlineData("9000000000.1", 410)] // the form of an earlier version
    [InlineData("0123456789abcdef0123456789abcdef.5000..0.0", 410)] // another database's
    [InlineData("0123456789abcdef0123456789abcdef.50.60.0.0", 400)]
    [InlineData("0123456789abcdef0123456789abcdef.50.10-0.0.0", 400)]
    public async Task A_token_that_this_server_did_not_make_is_refused(string token, int status)
    {
        var reply = await api.SendAsync(HttpMethod.Get, "/v1/watch", null, ("Last-Event-ID", token));
        Assert.Equal(status, reply.Status);
    }

    /// <summary>The old rows of the shared server are removed here; that disturbs no other test, because their tokens are newer.</summary>
    [Fact]
    public async Task A_token_older_than_the_kept_changes_is_410()
    {
        (await api.PutAsync("/v1/namespaces/w4", "{}")).Expect(201);
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        string before;
        using (var watch = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w4")) before = (await watch.NextAsync("synced")).Id!;
        (await api.PutAsync("/v1/namespaces/w4/service-health-checks/h1", """{"monitorType":"PING"}""")).Expect(201);
        // Before the second token: other tests' transactions go on meanwhile.
        await using var now = new NpgsqlCommand("SELECT pg_current_snapshot()::text", connection);
        var snapshot = (string)(await now.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        string after;
        using (var watch = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w4")) after = (await watch.NextAsync("synced")).Id!;
        await using var age = new NpgsqlCommand("INSERT INTO feed_snapshot (at, snapshot) VALUES (now() - interval '2 hours', $1)", connection) { Parameters = { new() { Value = snapshot } } };
        await age.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await api.Services.GetRequiredService<Retention>().RunOnceAsync(TestContext.Current.CancellationToken);
        var reply = await api.SendAsync(HttpMethod.Get, "/v1/watch", null, ("Last-Event-ID", before));
        Assert.Equal("token-too-old", reply.Expect(410).Code);
        (await api.PutAsync("/v1/namespaces/w4/service-health-checks/h2", """{"monitorType":"PING"}""")).Expect(201);
        // The token is from before retention ran, and nothing after it was removed. (Streams that were open then end; their clients come back.)
        await Eventually.TrueAsync(async () =>
        {
            using var resumed = await Watcher.StartAsync(api, "/v1/watch?kinds=service-health-checks&namespace=w4", after);
            try
            {
                return (await resumed.NextAsync()).Data.Contains("\"h2\"", StringComparison.Ordinal);
            }
            catch (EndOfStreamException)
            {
                return false;
            }
        });
    }

    private sealed record Received(string Event, string Data, string? Id);

    private sealed class Watcher(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public static async Task<Watcher> StartAsync(ApiServer api, string path, string? token = null)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (token is not null) request.Headers.Add("Last-Event-ID", token);
            var response = await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
            return new Watcher(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        }

        public async Task<Received> NextAsync(string? only = null)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (true)
            {
                var (name, data, id) = ("", "", (string?)null);
                while ((await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException()) is { Length: > 0 } line)
                {
                    if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
                    else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
                    else if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
                }

                if (name.Length > 0 && (only is null || only == name)) return new Received(name, data, id);
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
