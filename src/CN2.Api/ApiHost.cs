using CN2.Api.AgentCertificates;
using CN2.Api.Allocation;
using CN2.Api.Audit;
using CN2.Api.Authentication;
using CN2.Api.Authorization;
using CN2.Api.BgpRouters;
using CN2.Api.Data;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.ExternalNetworks;
using CN2.Api.ExternalNetworkSelectors;
using CN2.Api.FloatingIPs;
using CN2.Api.Grants;
using CN2.Api.Http;
using CN2.Api.Kubernetes;
using CN2.Api.Namespaces;
using CN2.Api.Observability;
using CN2.Api.OpenApi;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Api.RoleBindings;
using CN2.Api.Secrets;
using CN2.Api.ServiceHealthChecks;
using CN2.Api.Services;
using CN2.Api.Tokens;
using CN2.Api.Transport;
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
    /// Builds the server from configuration and the command line. <paramref name="replace"/> runs after all registrations and may
    /// replace some (a test's clock or drivers).
    /// </summary>
    /// <exception cref="SettingsException">Settings are wrong; it names all of them.</exception>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        // The content root is the program's directory, so that appsettings.json is found whatever the working directory is.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory, ApplicationName = typeof(ApiHost).Assembly.GetName().Name });
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, provider) =>
        {
            provider.CheckSettings(); // Kestrel is the first to be made
            Listeners.Configure(kestrel, provider.GetRequiredService<ListenerOptions>(), provider.GetRequiredService<BrowserOptions>(), provider.GetRequiredService<ConnectionLimitOptions>());
        });

        // A failed statement is an exception, and the sender of the statement answers or logs it; EF would log it a second time.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.None);
        // Program writes one line about a start that fails; the host would log it with its stack trace as well.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        // The answer of /readyz names what fails; the framework would log it at every probe.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        var services = builder.Services;
        services.AddSettings();
        services.AddSingleton(TimeProvider.System);
        services.AddDatabase();
        services.AddSecrets();
        services.AddTransport();
        services.AddHttpConventions();
        services.AddAudit();
        services.AddCallerAuthentication();
        services.AddCallerAuthorization();
        services.AddWrites();
        services.AddOpenApiDocument();
        services.AddObservability();
        services.AddWatch();
        services.AddNamespaces();
        services.AddGrants();
        services.AddAllocation();
        services.AddExternalNetworks();
        services.AddServices();
        services.AddFloatingIPs();
        services.AddVirtualRouters();
        services.AddBgpSpeaker();
        services.AddVRouterStream();
        services.AddAgentCertificates();
        services.AddReconciler().AddInfrastructureReport();
        services.AddServiceHealthChecks();
        services.AddVirtualMachineInterfaces();
        services.AddExternalNetworkSelectors();
        services.AddBgpRouters();
        services.AddTokens();
        services.AddRoleBindings();
        services.AddKubernetesFront();
        replace?.Invoke(services);

        var app = builder.Build();
        app.UseAudit();
        app.UseHttpConventions(AuthenticationRegistration.UseCallerAuthentication, AuthorizationRegistration.UseCallerAuthorization);
        app.MapControllers();
        app.MapVRouterStream().WithMetadata(new LongRunningAttribute(), new AgentsApiAttribute());
        foreach (var service in app.MapAgentCertificates()) service.WithMetadata(new AgentsApiAttribute());
        app.UseOpenApiDocument();
        app.MapHealth();
        app.MapKubernetesFront();
        app.Services.GetRequiredService<PrometheusText>(); // made here, so that it counts from the first request on
        return app;
    }
}
