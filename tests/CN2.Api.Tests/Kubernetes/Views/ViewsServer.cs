using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Views;

/// <summary>The real server with its Kubernetes API on a free port.</summary>
public sealed class ViewsServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    protected override string[] Settings => ["--Kubernetes:Url", "http://127.0.0.1:0"];

    /// <summary>The listeners are in the order of the settings; the last is that of the Kubernetes API.</summary>
    public Uri Kubernetes => new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last());

    public async Task<HttpResponseMessage> AskAsync(string path, string? accept = null, HttpMethod? method = null, string? tag = null, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, new Uri(Kubernetes, path)) { Content = body };
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return await Client.SendAsync(request);
    }

    /// <summary>The body of an answer as JSON.</summary>
    public static async Task<JsonNode> ReadAsync(HttpResponseMessage answer) => JsonNode.Parse(await TextAsync(answer))!;

    public static Task<string> TextAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
