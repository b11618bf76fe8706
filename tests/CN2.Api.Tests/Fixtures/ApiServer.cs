using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// The real server on a loopback port with a database of its own, without a BGP engine. One per test class
/// (<c>IClassFixture&lt;ApiServer&gt;</c>); tests of a class share it and keep apart by names.
/// </summary>
public class ApiServer(PrivatePostgres postgres) : IAsyncLifetime
{
    private WebApplication? _app;

    public HttpClient Client { get; private set; } = null!;

    public string ConnectionString { get; private set; } = null!;

    public IServiceProvider Services => _app!.Services;

    /// <summary>More settings, as <c>--Section:Name</c>, value.</summary>
    protected virtual string[] Settings => [];

    /// <summary>How <see cref="Client"/> connects.</summary>
    protected virtual HttpMessageHandler Handler() => new SocketsHttpHandler();

    /// <summary>Registrations to put in the place of the product's.</summary>
    protected virtual void Replace(IServiceCollection services)
    {
    }

    /// <summary>A database of its own; replicas share one.</summary>
    protected virtual Task<string> DatabaseAsync() => postgres.CreateDatabaseAsync();

    public async ValueTask InitializeAsync()
    {
        ConnectionString = await DatabaseAsync();
        _app = ApiHost.Build(
            ["--ConnectionStrings:CN2", ConnectionString, "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Auth:Mode", "none", "--Agents:Mode", "none",
             "--Logging:LogLevel:Default", "Warning", .. Settings],
            Replace);
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Client = new HttpClient(Handler()) { BaseAddress = new Uri(address) };
    }

    public virtual async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends JSON (a string is sent as it is) and reads the answer.</summary>
    public async Task<Reply> SendAsync(HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body as byte[] ?? Encoding.UTF8.GetBytes(body as string ?? JsonSerializer.Serialize(body)));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
        }

        foreach (var (name, value) in headers)
        {
            if (name == "Content-Type") request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            else request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Reply(
            (int)response.StatusCode,
            text.Length > 0 && response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json" ? JsonNode.Parse(text) : null,
            response.Content.Headers.ContentType?.ToString(),
            response.Headers.ETag?.ToString(),
            response.Headers.Location?.ToString(),
            response.Headers.RetryAfter?.ToString(),
            text);
    }

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);
    public Task<Reply> PostAsync(string path, object body, params (string, string)[] headers) => SendAsync(HttpMethod.Post, path, body, headers);
    public Task<Reply> PutAsync(string path, object body, params (string, string)[] headers) => SendAsync(HttpMethod.Put, path, body, headers);
    public Task<Reply> PatchAsync(string path, object body, params (string, string)[] headers) => SendAsync(HttpMethod.Patch, path, body, headers);
    public Task<Reply> DeleteAsync(string path, params (string, string)[] headers) => SendAsync(HttpMethod.Delete, path, null, headers);
}
