using CN2.Api.Data;
using CN2.Api.ExternalNetworks;
using CN2.Api.Overlay;

namespace CN2.Api.Reconcile;

/// <summary>Registers the reconciler and its stores. It needs the database, a speaker and a vRouter publisher.</summary>
public static class ReconcileRegistration
{
    public static IServiceCollection AddReconciler(this IServiceCollection services)
    {
        services.AddSingleton<StateReader>();
        services.AddSingleton<ControlNodeStore>();
        services.AddSingleton<AgentReportStore>();
        services.AddSingleton<AnnouncementStore>();
        services.AddSingleton<StatusStore>();
        services.AddSingleton<RoutingInstances>();
        services.AddSingleton<IImportedRoutes>(provider => provider.GetRequiredService<RoutingInstances>());
        services.AddSingleton<ReconcileCounters>();
        return services.AddLoop().AddTask<ReconcileLoop>().AddTask<SpeakerWorker>().AddTask<AgentRecorder>().AddTask<StatusRecorder>()
            .AddTask<Leadership>().AddTask<ReplicaHeartbeat>().AddHostedService<Reconciler>();
    }

    /// <summary>What belongs to the loop's task, and what other threads post through.</summary>
    private static IServiceCollection AddLoop(this IServiceCollection services) => services
        .AddSingleton<LoopClock>()
        .AddSingleton<LoopInbox>()
        .AddSingleton<AgentInbox>()
        .AddSingleton<SpeakerJobQueue>()
        .AddSingleton<LeaderTasks>()
        .AddSingleton<LoopState>()
        .AddSingleton<StartupGate>()
        .AddSingleton<FeedReader>()
        .AddSingleton<ResourceChanges>()
        .AddSingleton<Retirements>()
        .AddSingleton<HeldAddresses>()
        .AddSingleton<Deletions>()
        .AddSingleton<PendingServices>()
        .AddSingleton<OwnerCompiler>()
        .AddSingleton<AgentProgress>()
        .AddSingleton<AgentEventHandler>()
        .AddSingleton<SessionWatch>()
        .AddSingleton<InboxHandler>()
        .AddSingleton<SpeakerDispatcher>()
        .AddSingleton<VRouterDispatcher>()
        .AddSingleton<StatusDispatcher>()
        .AddSingleton<LeaderDuties>()
        .AddSingleton<LoopDecisions>()
        .AddSingleton<Outbox>()
        .AddSingleton<FailureLog>()
        .AddSingleton<ReconcileStart>();

    private static IServiceCollection AddTask<T>(this IServiceCollection services) where T : class, IReconcileTask => services
        .AddSingleton<T>()
        .AddSingleton<IReconcileTask>(provider => provider.GetRequiredService<T>());
}
