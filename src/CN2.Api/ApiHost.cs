using System.Net;
using CN2.Api.Allocation;
using CN2.Api.BgpRouters;
using CN2.Api.Data;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.ExternalNetworks;
using CN2.Api.ExternalNetworkSelectors;
using CN2.Api.FloatingIPs;
using CN2.Api.Http;
using CN2.Api.Namespaces;
using CN2.Api.Observability;
using CN2.Api.OpenApi;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Api.ServiceHealthChecks;
using CN2.Api.Services;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Api.VirtualRouters;
using CN2.Api.Watch;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CN2.Api;

/// <summary>Puts the server together; <c>Program</c> runs it, tests start it in their own process.</summary>
public static class ApiHost
{
    /// <summary>
    /// Builds it from configuration and the command line. Throws <see cref="SettingsException"/> naming every wrong setting.
    /// <paramref name="replace"/> runs last and may replace what is registered (a test's clock or drivers).
    /// </summary>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        // appsettings.json lies beside the program, whatever the working directory is.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory, ApplicationName = typeof(ApiHost).Assembly.GetName().Name });
        var settings = Settings.Read(builder.Configuration, out var faults);
        if (faults.Count > 0) throw new SettingsException(faults);

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // RequestBody has the real limit and answers 413; this one only bounds what is read and thrown away.
            kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
            // Without TLS there is no way to offer both on one port: REST speaks HTTP/1.1, agents HTTP/2.
            Listen(kestrel, settings.Listen.HttpUrl, HttpProtocols.Http1);
            Listen(kestrel, settings.Listen.GrpcUrl, HttpProtocols.Http2);
        });

        // A failed statement is an exception, answered or logged by whoever sent it; EF's own line about it would come twice.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.None);
        // So does a start that fails: Program says why in one line.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);

        var services = builder.Services;
        services.AddSettings(settings);
        services.AddDatabase();
        services.AddHttpConventions();
        services.AddWrites();
        services.AddOpenApiDocument();
        services.AddObservability();
        services.AddWatch();
        services.AddNamespaces();
        services.AddAllocation();
        services.AddExternalNetworks();
        services.AddServices();
        services.AddFloatingIPs();
        services.AddVirtualRouters();
        services.AddBgpSpeaker();
        services.AddVRouterStream();
        services.AddReconciler();
        services.AddServiceHealthChecks();
        services.AddVirtualMachineInterfaces();
        services.AddExternalNetworkSelectors();
        services.AddBgpRouters();
        replace?.Invoke(services);

        var app = builder.Build();
        app.UseHttpConventions();
        app.MapControllers();
        app.MapVRouterStream();
        app.UseOpenApiDocument();
        app.MapHealth();
        app.Services.GetRequiredService<PrometheusText>(); // counts from the first request on
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, Uri url, HttpProtocols protocols)
    {
        void Configure(ListenOptions options) => options.Protocols = protocols;
        if (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6) kestrel.Listen(IPAddress.Parse(url.Host.Trim('[', ']')), url.Port, Configure);
        else kestrel.ListenLocalhost(url.Port, Configure);
    }

    private static void AddSettings(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton(settings.Database);
        services.AddSingleton(settings.Listen);
        services.AddSingleton(settings.Bgp);
        services.AddSingleton(settings.VRouters);
        services.AddSingleton(settings.ControlNode);
        services.AddSingleton(settings.ServiceNetwork);
        services.AddSingleton(settings.NodePorts);
        services.AddSingleton(settings.Retention);
        services.AddSingleton(TimeProvider.System);
    }
}
