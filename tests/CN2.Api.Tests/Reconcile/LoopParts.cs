using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Overlay;
using CN2.Api.Reconcile;
using CN2.Api.Secrets;
using CN2.Api.Tests.Drivers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// The loop's classes put together as the server does it, on fake time, with a fake speaker and a publisher that records; nothing runs by
/// itself. Without a database, what would write to it must not be run.
/// </summary>
internal sealed class LoopParts : IAsyncDisposable
{
    private readonly ServiceProvider _provider;

    public LoopParts(string? connectionString = null, string name = "cn-a", Action<IServiceCollection>? replace = null)
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddLogging(logging => logging.AddProvider(Log));
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton(new DatabaseOptions { ConnectionString = connectionString ?? "Host=/nowhere;Database=none;Username=none" });
        services.AddDatabasePools();
        services.AddSingleton<DatabasePresence>();
        services.AddSingleton<DedicatedConnection>();
        services.AddSingleton<ChangeSignal>();
        services.AddSingleton<FeedEpochs>();
        services.AddSingleton<ChangeFeedReader>();
        services.AddSingleton<OverlayMetrics>();
        services.AddSingleton(new BgpOptions());
        services.AddSingleton(new SecretsOptions());
        services.AddSecrets();
        services.AddSingleton(new VRouterOptions { LostAfterSeconds = 10 });
        services.AddSingleton(new ControlNodeOptions { Name = name });
        services.AddSingleton(new ServiceNetworkOptions());
        services.AddSingleton<IBgpSpeaker>(Speaker);
        services.AddSingleton<IVRouterPublisher>(Publisher);
        services.AddReconciler();
        replace?.Invoke(services);
        _provider = services.BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public FakeBgpSpeaker Speaker { get; } = new();

    public RecordingPublisher Publisher { get; } = new();

    public RecordedLog Log { get; } = new();

    public LoopState State => Get<LoopState>();

    public DateTimeOffset Now => State.Clock.Now;

    public T Get<T>() where T : notnull => _provider.GetRequiredService<T>();

    /// <summary>This replica leads for five seconds of <see cref="Time"/>.</summary>
    public Task LeadAsync() => Get<Leadership>().StepAsync(CancellationToken.None);

    /// <summary>What a heartbeat says of the other replicas: whether one is alive.</summary>
    public void TakeOthers(bool any) => State.Others.Take(new ReplicaView(any, MustIntroduce: false, RowsLost: false, new Dictionary<string, IReadOnlyList<BgpSession>>()));

    public void Compile() => Get<OwnerCompiler>().Compile();

    /// <summary>The events that are in the inbox, handled by no one.</summary>
    public List<LoopEvent> TakeEvents()
    {
        var events = new List<LoopEvent>();
        while (Get<LoopInbox>().TryTake(out var loopEvent)) events.Add(loopEvent);
        return events;
    }

    /// <summary>The jobs that wait for the speaker's worker.</summary>
    public IReadOnlyList<SpeakerJob> TakeJobs() => Get<SpeakerJobQueue>().TakeAll();

    public async ValueTask DisposeAsync() => await _provider.DisposeAsync();
}
