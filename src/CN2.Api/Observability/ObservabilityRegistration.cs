using CN2.Api.Overlay;

namespace CN2.Api.Observability;

public static class ObservabilityRegistration
{
    /// <summary>How long one check of <c>/readyz</c> may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public static IServiceCollection AddObservability(this IServiceCollection services)
    {
        services.AddSingleton<PrometheusText>();
        services.AddSingleton<OverlayMetrics>();
        services.AddSingleton<MigrationHealthCheck>();
        services.AddSingleton<WarmUp>();
        services.AddHostedService(provider => provider.GetRequiredService<WarmUp>());
        services.AddSingleton(ServiceManagerSocket.OfEnvironment());
        services.AddHostedService<ServiceManager>();
        services.AddHealthChecks()
            .AddCheck<DatabaseHealthCheck>("database", timeout: Patience)
            .AddCheck<MigrationHealthCheck>("migrations", timeout: Patience)
            .AddCheck<WarmUp>("warm", timeout: Patience);
        return services;
    }
}
