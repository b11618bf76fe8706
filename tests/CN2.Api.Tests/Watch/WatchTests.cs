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
    public async Task A_late_commit_is_not_skipped()
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
        await older.CommitAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"late\"", (await watch.NextAsync()).Data, StringComparison.Ordinal);
        Assert.Contains("\"early\"", (await watch.NextAsync()).Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x", 400)]
    [InlineData("9000000000.1", 410)]
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
        await using var age = new NpgsqlCommand("UPDATE change SET at = now() - interval '2 hours' WHERE name = 'w4'", connection);
        await age.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await api.Services.GetRequiredService<Retention>().RunOnceAsync(TestContext.Current.CancellationToken);
        var reply = await api.SendAsync(HttpMethod.Get, "/v1/watch", null, ("Last-Event-ID", "1.1"));
        Assert.Equal("token-too-old", reply.Expect(410).Code);
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
                while (await reader.ReadLineAsync(limit.Token) is { Length: > 0 } line)
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
