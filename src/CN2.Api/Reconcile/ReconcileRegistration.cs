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
        services.AddSeam<IImportedRoutes, RoutingInstances>();
        services.AddSingleton<ReconcileCounters>();
        services.AddSingleton<StateGauges>();
        services.AddSeam<IStatusRecorder, StatusRecorder>();
        services.AddSingleton<IVRouterAdmission, AgentAdmission>();
        return services.AddLoop().AddTask<ReconcileLoop>().AddTask<SpeakerWorker>().AddTask<AgentRecorder>().AddTask<StatusRecorder>()
            .AddTask<Leadership>().AddTask<ReplicaHeartbeat>().AddTask<SessionTurns>().AddSeam<ISessionTurns, SessionTurns>().AddHostedService<Reconciler>();
    }

    /// <summary>What this process says about the machine it runs on; the reconciler does without it.</summary>
    public static IServiceCollection AddInfrastructureReport(this IServiceCollection services) =>
        services.AddSingleton<OwnAddresses>().AddSingleton<InfrastructureStore>().AddTask<InfrastructureReport>();

    /// <summary>What belongs to the loop's task, and what other threads post through.</summary>
    private static IServiceCollection AddLoop(this IServiceCollection services) => services
        .AddSingleton<LoopClock>()
        .AddSingleton<FeedLag>()
        .AddSingleton<SelfDescription>()
        .AddSingleton<LoopInbox>()
        .AddSingleton<IcmpMetrics>()
        .AddSingleton<AgentInbox>()
        .AddSingleton<SpeakerJobQueue>()
        .AddSingleton<LeaderTasks>()
        .AddSeam<ILeaderTasks, LeaderTasks>()
        .AddSingleton<LoopState>()
        .AddSingleton<StartupGate>()
        .AddSingleton<FeedReader>()
        .AddSingleton<FeedPace>()
        .AddSingleton<FeedGate>()
        .AddSingleton<ResourceChanges>()
        .AddSingleton<Retirements>()
        .AddSingleton<HeldAddresses>()
        .AddSingleton<FlowOwners>()
        .AddSingleton<InsideNetworks>()
        .AddSingleton<AddressOwners>()
        .AddSingleton<CarrierLists>()
        .AddSingleton<Deletions>()
        .AddSingleton<PendingServices>()
        .AddSingleton<OwnerCompiler>()
        .AddSingleton(AgentShare.Default)
        .AddSingleton<AgentRelocation>()
        .AddSingleton<AgentProgress>()
        .AddSingleton<AgentEventHandler>()
        .AddSingleton<VanishedNodes>()
        .AddSingleton<SessionWatch>()
        .AddSingleton<SessionLog>()
        .AddSingleton<VirtualRouterCensus>()
        .AddSingleton<InboxHandler>()
        .AddSingleton<OwnRows>()
        .AddSingleton<SpeakerDispatcher>()
        .AddSingleton(CommonPace.Default)
        .AddSingleton<UnknownEntries>()
        .AddSingleton<VRouterDispatcher>()
        .AddSingleton<StatusDispatcher>()
        .AddSingleton<LeaderDuties>()
        .AddSingleton<LoopDecisions>()
        .AddSingleton<Outbox>()
        .AddSingleton<FailureLog>()
        .AddSingleton<ReconcileStart>();

    private static void AddStores(this IServiceCollection services)
    {
        services.AddSingleton<StateReader>().AddSeam<IStateReader, StateReader>();
        services.AddSingleton<ControlNodeStore>().AddSeam<IControlNodeStore, ControlNodeStore>();
        services.AddSingleton<AgentReportStore>().AddSeam<IAgentReportStore, AgentReportStore>();
        services.AddSingleton<EndpointHealthStore>().AddSeam<IEndpointHealthStore, EndpointHealthStore>();
        services.AddSingleton<AgentStores>();
        services.AddSingleton<AnnouncementStore>().AddSeam<IAnnouncementStore, AnnouncementStore>();
        services.AddSingleton<StatusStore>().AddSeam<IStatusStore, StatusStore>();
        services.AddSingleton<IChangeFeedReader>(provider => ActivatorUtilities.CreateInstance<ChangeFeedReader>(provider, provider.GetRequiredKeyedService<NpgsqlDataSource>(DatabasePools.ControlLoop)));
        services.AddSeam<IServiceLifecycle, ServiceLifecycle>();
        services.AddSingleton<LeaderLeaseStore>().AddSeam<ILeaderLeaseStore, LeaderLeaseStore>();
        services.AddSingleton<HeldLease>().AddSeam<ILeadership, HeldLease>();
        services.AddSingleton<SessionTurnStore>().AddSeam<ISessionTurnStore, SessionTurnStore>();
    }

    private static IServiceCollection AddTask<T>(this IServiceCollection services) where T : class, IReconcileTask => services
        .AddSingleton<T>()
        .AddSeam<IReconcileTask, T>();

    /// <summary>Whoever asks for the interface gets the one instance of the class.</summary>
    private static IServiceCollection AddSeam<TInterface, TClass>(this IServiceCollection services) where TInterface : class where TClass : class, TInterface =>
        services.AddSingleton<TInterface>(provider => provider.GetRequiredService<TClass>());
}
