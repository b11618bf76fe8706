using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>Sends writes to the Kubernetes API, and reads the answers.</summary>
public sealed class WritesServer(PrivatePostgres postgres) : KubernetesServer(postgres)
{
    public const string Json = "application/json";
    public const string Merge = "application/merge-patch+json";
    public const string Strategic = "application/strategic-merge-patch+json";
    public const string JsonPatch = "application/json-patch+json";
    public const string Apply = "application/apply-patch+yaml";

    /// <summary>The reconciler sleeps, so that versions move with requests alone.</summary>
    protected override void Replace(IServiceCollection services) =>
        services.Remove(services.Single(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType == typeof(Reconciler)));

    /// <summary>Sends a request to the Kubernetes listener.</summary>
    public async Task<KubernetesReply> AskAsync(HttpMethod method, string path, object? body = null, string contentType = Json)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.UserAgent.ParseAdd("tester/1.0");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body as byte[] ?? Encoding.UTF8.GetBytes(body as string ?? ((JsonNode)body).ToJsonString()));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        using var response = await Kubernetes.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var warnings = response.Headers.TryGetValues("Warning", out var values) ? values.ToList() : [];
        return new KubernetesReply((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType == Json ? JsonNode.Parse(text) : null, warnings, text);
    }

    public Task<KubernetesReply> ReadAsync(string path) => AskAsync(HttpMethod.Get, path);

    public Task<KubernetesReply> CreateAsync(string path, object body, string contentType = Json) => AskAsync(HttpMethod.Post, path, body, contentType);

    public Task<KubernetesReply> UpdateAsync(string path, object body) => AskAsync(HttpMethod.Put, path, body);

    public Task<KubernetesReply> ChangeAsync(string path, object body, string contentType) => AskAsync(HttpMethod.Patch, path, body, contentType);

    public Task<KubernetesReply> RemoveAsync(string path, object? body = null) => AskAsync(HttpMethod.Delete, path, body);

    /// <summary>A namespace with an external network that LoadBalancer Services find.</summary>
    /// <param name="ns">Its name.</param>
    /// <param name="cidr">Of the network.</param>
    public async Task NamespaceAsync(string ns, string? cidr = null)
    {
        (await CreateAsync("/api/v1/namespaces", $$$$"""{"metadata":{"name":"{{{{ns}}}}"}}""")).Expect(201);
        if (cidr is not null) (await PutAsync($"/v1/namespaces/{ns}/external-networks/net", $$$$"""{"subnets":[{"cidr":"{{{{cidr}}}}"}]}""")).Expect(201);
    }
}

/// <summary>An answer, read.</summary>
public sealed record KubernetesReply(int Status, JsonNode? Json, IReadOnlyList<string> Warnings, string Text)
{
    public string? Reason => (string?)Json?["reason"];

    public string? Message => (string?)Json?["message"];

    /// <summary>The fields that the causes name, in order.</summary>
    public IReadOnlyList<string?> Fields => [.. (Json?["details"]?["causes"] as JsonArray ?? []).Select(c => (string?)c!["field"])];

    public string Version => (string)Json!["metadata"]!["resourceVersion"]!;

    public KubernetesReply Expect(int status, string? reason = null)
    {
        Assert.True(Status == status && (reason is null || Reason == reason), $"expected {status} {reason}, got {Status}: {Text}");
        return this;
    }
}
