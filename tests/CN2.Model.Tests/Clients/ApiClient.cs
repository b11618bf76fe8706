using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Model.Tests.Clients;

/// <summary>An answer, read. Status 0: none came, the outcome is unknown.</summary>
internal sealed record Reply(int Status, JsonNode? Json, string Text)
{
    public bool Unknown => Status is 0 or 503;
    public bool Accepted => Status is >= 200 and < 300;
    public string? Code => (string?)Json?["code"];

    /// <summary>The network that the request names is not there, and that is all that is wrong with it.</summary>
    public bool NetworkIsMissing =>
        Status == 400 && Json?["errors"] is JsonObject { Count: 1 } errors && errors["externalNetwork"] is JsonArray { Count: 1 } faults
        && ((string)faults[0]!).Contains("does not exist", StringComparison.Ordinal);
}

/// <summary>The REST API over real HTTP. What no answer may ever be is noted in <see cref="Faults"/>.</summary>
internal sealed class ApiClient(HttpClient http)
{
    /// <summary>Answers that must not happen, and broken promises found by clients.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    public ConcurrentDictionary<string, int> Counts { get; } = new();

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Reply> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<Reply> PutAsync(string path, JsonNode body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Reply> PatchAsync(string path, JsonNode body) => SendAsync(HttpMethod.Patch, path, body);

    public async Task<Reply> SendAsync(HttpMethod method, string path, JsonNode? body = null, string? idempotencyKey = null)
    {
        var reply = await SendOnceAsync(method, path, body, idempotencyKey);
        var kind = path.Split('?')[0].Split('/') is var parts && parts.Length > 4 && parts[2] == "namespaces" ? parts[4] : parts[Math.Min(2, parts.Length - 1)];
        Counts.AddOrUpdate($"{method} {kind} {reply.Status}{(reply.Code is { } code ? " " + code : "")}", 1, (_, n) => n + 1);
        // Every request of the model is well formed: what is refused is refused for the state of things.
        if (reply.Status >= 500 && reply.Status != 503) Faults.Enqueue($"{method} {path} answered {reply.Text}\n  to {body?.ToJsonString()}");
        if (reply.Status == 400 && reply.Code != "address-out-of-range" && !reply.NetworkIsMissing) Faults.Enqueue($"{method} {path} answered {reply.Text}\n  to {body?.ToJsonString()}");
        return reply;
    }

    /// <summary>A request that must be refused: the caller judges the answer.</summary>
    public async Task<Reply> SendBadAsync(HttpMethod method, string path, JsonNode? body)
    {
        var reply = await SendOnceAsync(method, path, body, idempotencyKey: null);
        Counts.AddOrUpdate($"bad {method} {reply.Status}{(reply.Code is { } code ? " " + code : "")}", 1, (_, n) => n + 1);
        return reply;
    }

    /// <summary>All items of a collection.</summary>
    public async Task<List<JsonObject>> ListAsync(string collection)
    {
        var items = new List<JsonObject>();
        for (string? cursor = null; ;)
        {
            var reply = await GetAsync($"/v1/{collection}?limit=1000{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}");
            if (!reply.Accepted) throw new IOException($"GET {collection}: {reply.Status} {reply.Text}");
            items.AddRange(reply.Json!["items"]!.AsArray().Select(i => i!.AsObject()));
            if ((cursor = (string?)reply.Json["nextCursor"]) is null) return items;
        }
    }

    private async Task<Reply> SendOnceAsync(HttpMethod method, string path, JsonNode? body, string? idempotencyKey)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null)
            {
                request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
                request.Content.Headers.ContentType = new MediaTypeHeaderValue(method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
            }

            if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var json = response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json" && text.Length > 0 ? JsonNode.Parse(text) : null;
            return new Reply((int)response.StatusCode, json, $"{(int)response.StatusCode} {text}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException or JsonException)
        {
            return new Reply(0, null, e.Message);
        }
    }
}
