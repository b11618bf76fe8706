using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Kubernetes.Views;

/// <summary>Reads views of the Kubernetes API.</summary>
public sealed class ViewsServer(PrivatePostgres postgres) : KubernetesServer(postgres)
{
    public async Task<HttpResponseMessage> AskAsync(string path, string? accept = null, HttpMethod? method = null, string? tag = null, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path) { Content = body };
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return await Kubernetes.SendAsync(request);
    }

    /// <summary>The body of an answer as JSON.</summary>
    public static async Task<JsonNode> ReadAsync(HttpResponseMessage answer) => JsonNode.Parse(await TextAsync(answer))!;

    public static Task<string> TextAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
