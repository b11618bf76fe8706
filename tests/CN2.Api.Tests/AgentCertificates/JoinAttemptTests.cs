using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Http;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>Join tokens that do not count are failed attempts of their address.</summary>
public sealed class JoinAttemptTests(JoinAttemptTests.Server api) : IClassFixture<JoinAttemptTests.Server>
{
    [Fact]
    public async Task Who_tries_many_join_tokens_is_told_to_wait()
    {
        api.Source = IPAddress.Parse("198.51.100.91");
        var tried = 0;
        Status refused;
        while ((refused = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, "cn2j_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))).StatusCode == StatusCode.Unauthenticated) Assert.InRange(++tried, 0, 2000);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.InRange(tried, Limits.FailedAttempts, 2000);
    }

    [Theory]
    [InlineData("renew", false, "198.51.100.92")]
    [InlineData("renew", true, "198.51.100.93")]
    [InlineData("connect", false, "198.51.100.94")]
    [InlineData("connect", true, "2001:db8:94::1")]
    public async Task Who_calls_many_times_without_a_certificate_that_counts_is_told_to_wait_and_its_neighbour_goes_on(string call, bool hasWrong, string source)
    {
        api.Source = IPAddress.Parse(source);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (name, address) = ($"{call}-{(hasWrong ? "wrong" : "none")}", IPAddress.Parse($"10.60.{call.Length}.{(hasWrong ? 1 : 2)}"));
        var (token, _) = await api.TokenAsync(name, address);
        using var good = await TestNode.JoinAsync(api, token);
        using var neighbour = new TestNode(api, good);
        await neighbour.RenewAsync(TestNode.Request(key));
        using var wrong = new CertificateRequest("CN=nobody", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        using var node = new TestNode(api, hasWrong ? wrong : null);
        var tried = 0;
        Status refused;
        while ((refused = await TestNode.StatusOfAsync(TryAsync)).StatusCode == StatusCode.Unauthenticated) Assert.InRange(++tried, 0, 2000);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.InRange(tried, Limits.FailedAttempts, 2000);
        if (source.Contains(':', StringComparison.Ordinal)) api.Source = IPAddress.Parse("2001:db8:94::2:1"); // the same host, as far as anybody can tell
        Assert.NotEqual(StatusCode.OK, (await TestNode.StatusOfAsync(TryAsync)).StatusCode);
        await neighbour.RenewAsync(TestNode.Request(key));
        (await neighbour.ConnectAsync(name, address)).Dispose();

        async Task TryAsync()
        {
            if (call == "renew") await node.RenewAsync(TestNode.Request(key));
            else (await node.ConnectAsync(name, address)).Dispose();
        }
    }

    /// <summary>Every call comes from an address that is not loopback, which has no limit.</summary>
    public sealed class Server(PrivatePostgres postgres) : AgentServer(postgres)
    {
        /// <summary>Of calls from now on.</summary>
        public IPAddress Source { get; set; } = IPAddress.Loopback;

        protected override void Replace(IServiceCollection services) => services.AddSingleton<IStartupFilter>(new Elsewhere(this));

        private sealed class Elsewhere(Server server) : IStartupFilter
        {
            public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
            {
                app.Use((http, rest) =>
                {
                    if (Listener.KindOf(http) == ListenerKind.Agents) http.Connection.RemoteIpAddress = server.Source;
                    return rest(http);
                });
                next(app);
            };
        }
    }
}
