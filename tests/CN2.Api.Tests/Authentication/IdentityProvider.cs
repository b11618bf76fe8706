using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;

namespace CN2.Api.Tests.Authentication;

/// <summary>A real OpenID Connect provider (OpenIddict) on loopback. It gives its tokens to a program by client credentials.</summary>
internal sealed class IdentityProvider : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();
    private int _looks;

    private IdentityProvider(int port, RSA key, string keyId)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Test" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddOpenIddict().AddServer(server =>
        {
            server.EnableDegradedMode();
            server.SetTokenEndpointUris("/connect/token");
            server.AllowClientCredentialsFlow();
            server.DisableAccessTokenEncryption();
            server.AddEphemeralEncryptionKey();
            server.AddSigningKey(new RsaSecurityKey(key) { KeyId = keyId });
            server.UseAspNetCore().DisableTransportSecurityRequirement();
            server.AddEventHandler<OpenIddictServerEvents.ValidateTokenRequestContext>(handler => handler.UseInlineHandler(_ => default));
            server.AddEventHandler<OpenIddictServerEvents.HandleTokenRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                var identity = new ClaimsIdentity("client");
                identity.SetClaim(OpenIddictConstants.Claims.Subject, context.Request.ClientId!);
                identity.SetClaims("groups", ["robots", "builders"]);
                identity.SetAudiences("cn2");
                identity.SetDestinations(_ => [OpenIddictConstants.Destinations.AccessToken]);
                context.SignIn(new ClaimsPrincipal(identity));
                return default;
            }));
        });
        _app = builder.Build();
        _app.Use((http, next) =>
        {
            if (http.Request.Path.StartsWithSegments("/.well-known/openid-configuration")) Interlocked.Increment(ref _looks);
            return next(http);
        });
        _app.UseAuthentication();
    }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>How often somebody has looked at what it says of itself.</summary>
    public int Looks => Volatile.Read(ref _looks);

    /// <param name="key">By which it signs.</param>
    /// <param name="keyId">The key's name.</param>
    /// <param name="port">0: any.</param>
    public static async Task<IdentityProvider> StartAsync(RSA key, string keyId, int port = 0)
    {
        var provider = new IdentityProvider(port, key, keyId);
        await provider._app.StartAsync();
        return provider;
    }

    /// <summary>An access token for a program.</summary>
    public async Task<string> TokenAsync(string client)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = client, ["client_secret"] = "any" });
        using var answer = await _http.PostAsync(new Uri(Address, "/connect/token"), form);
        var body = await answer.Content.ReadFromJsonAsync<JsonNode>();
        Assert.True(answer.IsSuccessStatusCode, $"{body}");
        return (string)body!["access_token"]!;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }
}
