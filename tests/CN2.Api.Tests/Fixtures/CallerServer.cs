using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// The real server for callers with other addresses than loopback: a request says with the header <see cref="Header"/> where it comes from.
/// Five requests a second are allowed.
/// </summary>
public sealed class CallerServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    public const string Header = "Test-Source-Address";
    public const int PerSecond = 5;

    protected override string[] Settings => ["--RateLimit:PerSecond", $"{PerSecond}"];

    protected override void Replace(IServiceCollection services) => services.AddSingleton<IStartupFilter, SourceAddress>();

    private sealed class SourceAddress : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((http, rest) =>
            {
                if (IPAddress.TryParse(http.Request.Headers[Header].ToString(), out var address)) http.Connection.RemoteIpAddress = address;
                return rest(http);
            });
            next(app);
        };
    }
}
