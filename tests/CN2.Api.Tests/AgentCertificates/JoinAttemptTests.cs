using System.Net;
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
        var tried = 0;
        Status refused;
        while ((refused = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, "cn2j_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))).StatusCode == StatusCode.Unauthenticated) Assert.InRange(++tried, 0, 2000);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.InRange(tried, Limits.FailedAttempts, 2000);
    }

    /// <summary>Every call comes from an address that is not loopback, which has no limit.</summary>
    public sealed class Server(PrivatePostgres postgres) : AgentServer(postgres)
    {
        protected override void Replace(IServiceCollection services) => services.AddSingleton<IStartupFilter, Elsewhere>();

        private sealed class Elsewhere : IStartupFilter
        {
            public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
            {
                app.Use((http, rest) =>
                {
                    http.Connection.RemoteIpAddress = IPAddress.Parse("198.51.100.91");
                    return rest(http);
                });
                next(app);
            };
        }
    }
}
