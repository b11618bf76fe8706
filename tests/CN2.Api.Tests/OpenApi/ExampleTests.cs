using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.OpenApi;

/// <summary>On a server of its own, because the examples are for an empty database.</summary>
public sealed class ExampleTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Every_example_succeeds_when_sent_unchanged_in_the_order_of_the_tags()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var failures = new List<string>();
        await AddControlNodesAsync();
        foreach (var (template, method, operation) in OpenApiTests.Operations(document))
        {
            var path = template;
            var query = new List<string>();
            foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
            {
                var example = parameter!["example"]?.ToString();
                if ((string?)parameter["in"] == "path") path = path.Replace($"{{{parameter["name"]}}}", example, StringComparison.Ordinal);
                else if ((string?)parameter["in"] == "query" && example is not null) query.Add($"{parameter["name"]}={example}");
            }

            if (query.Count > 0) path += "?" + string.Join('&', query);
            if ((string?)operation["operationId"] == "Watch")
            {
                using var events = await api.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken); // never ends
                if (!events.IsSuccessStatusCode) failures.Add($"{method} {path}: {events.StatusCode}");
                continue;
            }

            (string, string)[] type = [];
            string? body = null;
            if (operation["requestBody"]?["content"]?.AsObject().First() is { } content) (body, type) = (content.Value!["example"]!.ToJsonString(), [("Content-Type", content.Key)]);
            var reply = await api.SendAsync(new HttpMethod(method.ToUpperInvariant()), path, body, type);
            if (reply.Status is < 200 or > 299) failures.Add($"{method} {path}: {reply.Status} {reply.Text}");
        }

        Assert.Empty(failures);
    }

    /// <summary>One that is alive, and one that can be declared dead: only replicas make them.</summary>
    private async Task AddControlNodesAsync()
    {
        await using var command = api.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            """
            INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions)
            VALUES ('control', now() + interval '1 hour', 120, '{}'), ('control9', now() - interval '1 hour', 120, '{}')
            """);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
