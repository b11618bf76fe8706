using CN2.Api.Overlay;

namespace CN2.Api.Observability;

public static class ObservabilityRegistration
{
    public static IServiceCollection AddObservability(this IServiceCollection services)
    {
        services.AddSingleton<PrometheusText>();
        services.AddSingleton<OverlayMetrics>();
        services.AddSingleton<IReadinessCheck, DatabaseReadiness>();
        services.AddSingleton<IReadinessCheck, MigrationReadiness>();
        services.AddSingleton<WarmUp>();
        services.AddSingleton<IReadinessCheck>(provider => provider.GetRequiredService<WarmUp>());
        services.AddHostedService(provider => provider.GetRequiredService<WarmUp>());
        return services;
    }
}
