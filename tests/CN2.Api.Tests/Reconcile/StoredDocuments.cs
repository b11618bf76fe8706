using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A control plane with one resource of each kind, whose stored documents are replaced behind its back.</summary>
public abstract class StoredDocuments(PrivatePostgres postgres)
{
    /// <summary>web has 100.0.0.2, good gets 100.0.0.3, and fip is reserved at 100.0.0.77.</summary>
    private protected async Task<ControlPlane> StartAsync()
    {
        var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        (await plane.Api.PostAsync("/v1/namespaces/default/floating-ips", """{"name":"fip","externalNetwork":"vn","address":"100.0.0.77"}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/namespaces/default/service-health-checks", """{"name":"hc","monitorType":"PING"}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/external-network-selectors", """{"name":"more","networkSelector":{"matchLabels":{"x":"y"}}}""")).Expect(201);
        return plane;
    }

    private protected static string PathOf(string collection, string name) =>
        collection is "external-network-selectors" or "bgp-routers" ? $"/v1/{collection}/{name}" : $"/v1/namespaces/default/{collection}/{name}";

    private protected static string? ReasonOf(JsonNode? resource) => (string?)resource!["status"]!["conditions"]!.AsArray().Single()!["reason"];

    private protected static async Task SpoilAsync(ControlPlane plane, string collection, string table, string name, string spec)
    {
        var ns = collection is "external-network-selectors" or "bgp-routers" ? "NULL" : "namespace";
        Assert.True(Api.Data.ResourceKinds.TryParse(collection, out var kind));
        Assert.Equal(1L, await plane.QueryAsync<long>(
            $"""
             WITH spoiled AS (UPDATE {table} SET spec = ({spec})::jsonb WHERE name = '{name}' RETURNING *),
             told AS (INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT {(short)kind}, {ns}, name, uid, 2, false FROM spoiled RETURNING 1)
             SELECT count(*) FROM told
             """));
    }

    private protected static async Task<Watcher> WatchAsync(Replica api, string collection)
    {
        var response = await api.Client.GetAsync($"/v1/watch?kinds={collection}", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var watcher = new Watcher(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        await watcher.NextAsync("synced");
        return watcher;
    }

    private protected sealed class Watcher(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public async Task<JsonNode> NextAsync(string wanted)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(Patience.Seconds(20));
            var verb = "";
            while (true)
            {
                var line = await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException();
                if (line.StartsWith("event: ", StringComparison.Ordinal)) verb = line[7..];
                if (verb == wanted && line.StartsWith("data: ", StringComparison.Ordinal)) return JsonNode.Parse(line[6..])!;
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
