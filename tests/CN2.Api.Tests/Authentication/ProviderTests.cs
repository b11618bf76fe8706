using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Tests.Authentication;

/// <summary>With a real provider: its tokens count, through every change of its keys, and also while it is away.</summary>
public sealed class ProviderTests(ProviderTests.Server api) : IClassFixture<ProviderTests.Server>
{
    private const string UnknownKey = "the token is signed by a key that the identity provider does not have";

    /// <summary>One story, because each chapter needs what came before it.</summary>
    [Fact]
    public async Task Tokens_of_the_provider_count_from_its_first_answer_on_through_new_keys_and_while_it_is_away()
    {
        using var first = RSA.Create(2048);
        using var second = RSA.Create(2048);
        using var stranger = RSA.Create(2048);

        // The server has started without the provider: an API token counts, a user's cannot be judged.
        (await api.WithTokenAsync(api.AdminToken)).IsFrom(CallerKind.Token, "admin");
        var unknown = TestKeys.Token(new SigningCredentials(TestKeys.Of(stranger, "stranger"), "RS256"), KeyFileServer.Claims());
        Assert.Equal(503, (await api.WithTokenAsync(unknown)).Status);

        string old;
        await using (var provider = await IdentityProvider.StartAsync(first, "first", api.ProviderPort))
        {
            old = await provider.TokenAsync("robot");
            await Eventually.TrueAsync(async () => (await api.WithTokenAsync(old)).Status == 200, "the first token counts");
            Assert.Equal(["robots", "builders"], (await api.WithTokenAsync(old)).IsFrom(CallerKind.User, "robot").Groups);

            // Whoever invents keys makes the server look, but not each time.
            var (before, clock) = (provider.Looks, Stopwatch.StartNew());
            for (var i = 0; i < 40; i++)
                (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(TestKeys.Of(stranger, $"stranger{i}"), "RS256"), KeyFileServer.Claims()))).IsRefused(UnknownKey);
            Assert.InRange(provider.Looks - before, 0, 2 + (int)(clock.Elapsed / TimeSpan.FromSeconds(5)));
        }

        // The provider is away: its tokens count on.
        (await api.WithTokenAsync(old)).IsFrom(CallerKind.User, "robot");
        (await api.WithTokenAsync(unknown)).IsRefused(UnknownKey);

        await using var renewed = await IdentityProvider.StartAsync(second, "second", api.ProviderPort);
        var fresh = await renewed.TokenAsync("robot");
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(fresh)).Status == 200, "the token with the new key counts");
        (await api.WithTokenAsync(old)).IsRefused(UnknownKey); // the provider has taken its key back
    }

    /// <summary>The server; its provider is not there when it starts.</summary>
    public sealed class Server(PrivatePostgres postgres) : AskingServer(postgres)
    {
        public int ProviderPort { get; } = FreePort();

        protected override string[] Settings => [.. base.Settings, "--Auth:Oidc:Authority", $"http://127.0.0.1:{ProviderPort}", "--Auth:Oidc:Audience", "cn2"];

        protected override async Task<string> DatabaseAsync()
        {
            var database = await base.DatabaseAsync();
            await AllowAsync(database, "User", "robot");
            return database;
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
