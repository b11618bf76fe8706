using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.ExternalNetworks;
using CN2.Api.Overlay;
using CN2.Api.Services;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>Registers the reconciler and its stores. It needs the database, a speaker and a vRouter publisher.</summary>
public static class ReconcileRegistration
{
    public static IServiceCollection AddReconciler(this IServiceCollection services)
    {
        services.AddStores();
        services.AddSingleton<RoutingInstances>();
        services.AddSingleton<IImportedRoutes>(provider => provider.GetRequiredService<RoutingInstances>());
        services.AddSingleton<ReconcileCounters>();
        services.AddSingleton<IStatusRecorder>(provider => provider.GetRequiredService<StatusRecorder>());
        services.AddSingleton<IVRouterAdmission, AgentAdmission>();
        return services.AddLoop().AddTask<ReconcileLoop>().AddTask<SpeakerWorker>().AddTask<AgentRecorder>().AddTask<StatusRecorder>()
            .AddTask<Leadership>().AddTask<ReplicaHeartbeat>().AddHostedService<Reconciler>();
    }

    /// <summary>What belongs to the loop's task, and what other threads post through.</summary>
    private static IServiceCollection AddLoop(this IServiceCollection services) => services
        .AddSingleton<LoopClock>()
        .AddSingleton<SelfDescription>()
        .AddSingleton<LoopInbox>()
        .AddSingleton<AgentInbox>()
        .AddSingleton<SpeakerJobQueue>()
        .AddSingleton<LeaderTasks>()
        .AddSingleton<ILeaderTasks>(provider => provider.GetRequiredService<LeaderTasks>())
        .AddSingleton<LoopState>()
        .AddSingleton<StartupGate>()
        .AddSingleton<FeedReader>()
        .AddSingleton<FeedGate>()
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

    private static void AddStores(this IServiceCollection services)
    {
        services.AddSingleton<StateReader>().AddSingleton<IStateReader>(provider => provider.GetRequiredService<StateReader>());
        services.AddSingleton<ControlNodeStore>().AddSingleton<IControlNodeStore>(provider => provider.GetRequiredService<ControlNodeStore>());
        services.AddSingleton<AgentReportStore>().AddSingleton<IAgentReportStore>(provider => provider.GetRequiredService<AgentReportStore>());
        services.AddSingleton<AnnouncementStore>().AddSingleton<IAnnouncementStore>(provider => provider.GetRequiredService<AnnouncementStore>());
        services.AddSingleton<StatusStore>().AddSingleton<IStatusStore>(provider => provider.GetRequiredService<StatusStore>());
        services.AddSingleton<IChangeFeedReader>(provider => ActivatorUtilities.CreateInstance<ChangeFeedReader>(provider, provider.GetRequiredKeyedService<NpgsqlDataSource>(DatabasePools.ControlLoop)));
        services.AddSingleton<IServiceLifecycle>(provider => provider.GetRequiredService<ServiceLifecycle>());
        services.AddSingleton<LeaderLeaseStore>();
        services.AddSingleton<HeldLease>();
    }

    private static IServiceCollection AddTask<T>(this IServiceCollection services) where T : class, IReconcileTask => services
        .AddSingleton<T>()
        .AddSingleton<IReconcileTask>(provider => provider.GetRequiredService<T>());
}
