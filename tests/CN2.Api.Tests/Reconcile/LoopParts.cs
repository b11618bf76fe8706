using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Overlay;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

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
        services.AddSingleton(NpgsqlDataSource.Create(connectionString ?? "Host=/nowhere;Database=none;Username=none"));
        services.AddSingleton(new DatabaseOptions { ConnectionString = connectionString ?? "Host=/nowhere" });
        services.AddSingleton<DedicatedConnection>();
        services.AddSingleton<ChangeSignal>();
        services.AddSingleton<FeedEpochs>();
        services.AddSingleton<ChangeFeedReader>();
        services.AddSingleton<OverlayMetrics>();
        services.AddSingleton(new BgpOptions());
        services.AddSingleton(new VRouterOptions { LostAfterSeconds = 10 });
        services.AddSingleton(new ControlNodeOptions { Name = name });
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

    public void Compile() => Get<OwnerCompiler>().Compile(Now);

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

/// <summary>Resources for tests without a database.</summary>
internal static class Sample
{
    public static readonly ExternalNetwork Network = new()
    {
        Uid = Uid(1000),
        Id = new NamespacedName("ns1", "vn"),
        Number = 1,
        FabricForwarding = true,
        Advertisement = Advertisement.Default,
    };

    public static Guid Uid(int n) => new(n, 0, 0, new byte[8]);

    public static IPAddress AddressOf(int n) => new([100, 0, (byte)(n >> 8), (byte)n]);

    public static VirtualRouterState Router(string name, bool lost = false) =>
        new(new VirtualRouter { Uid = Uid(2000 + name[^1]), Name = name, Address = IPAddress.Parse($"172.27.115.{(int)name[^1]}"), Lost = lost }, !lost, "cn-a", null);

    public static VirtualMachineInterface Endpoint(int n, string router) => new()
    {
        Uid = Uid(3000 + n),
        Id = new NamespacedName("ns1", $"pod{n}"),
        Labels = LabelSet.Of(new Dictionary<string, string> { ["app"] = $"app{n}" }),
        Addresses = [new IPAddress([10, 0, 0, (byte)n])],
        VirtualRouter = router,
        Ready = true,
    };

    /// <summary>A Service whose endpoints are those with the label <c>app{n}</c>.</summary>
    public static Service Service(int n) => new()
    {
        Uid = Uid(4000 + n),
        Id = new NamespacedName("ns1", $"web{n}"),
        Type = ServiceType.LoadBalancer,
        Selector = LabelSet.Of(new Dictionary<string, string> { ["app"] = $"app{n}" }),
        Ports = [new ServicePort(null, TransportProtocol.TCP, 80, 8080, 0)],
    };

    public static FloatingIP FloatingIP(int n, int? service = null, Guid? network = null) => new()
    {
        Uid = Uid(n),
        Id = new NamespacedName("ns1", $"fip{n}"),
        Kind = FloatingIPKind.External,
        Address = AddressOf(n),
        ExternalNetwork = network ?? Network.Uid,
        Service = service is { } s ? Uid(4000 + s) : null,
    };

    public static FloatingIPRoute Route(int floatingIP, string router = "compute1") =>
        new(Uid(floatingIP), AddressOf(floatingIP), router, IPAddress.Parse($"172.27.115.{(int)router[^1]}"), Network);
}
