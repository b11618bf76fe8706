using CN2.Api.Data;
using CN2.Api.ExternalNetworks;
using CN2.Api.Overlay;

namespace CN2.Api.Reconcile;

/// <summary>The reconciler with its stores; it needs the database, a speaker and a vRouter publisher.</summary>
public static class ReconcileRegistration
{
    public static IServiceCollection AddReconciler(this IServiceCollection services)
    {
        services.AddSingleton<StateReader>();
        services.AddSingleton<ControlNodeStore>();
        services.AddSingleton<RoutingInstances>();
        services.AddSingleton<IImportedRoutes>(provider => provider.GetRequiredService<RoutingInstances>());
        services.AddSingleton<AgentReportStore>();
        services.AddSingleton<AnnouncementStore>();
        services.AddSingleton<StatusStore>();
        services.AddSingleton<ReconcileCounters>();
        services.AddSingleton<StatusRecorder>();
        services.AddSingleton<LeaderDuties>();
        services.AddHostedService<Reconciler>();
        return services;
    }
}
