using System.Diagnostics.Metrics;
using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using CN2.Api.Overlay;
using CN2.Api.Reconcile;
using CN2.Api.Services;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Database;
using CN2.Simulation.Tests.Nodes;
using CN2.Simulation.Tests.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace CN2.Simulation.Tests.World;

/// <summary>A control node: the API's process with the real reconciler and the real driver, and the engine beside it.</summary>
internal sealed class ControlNode(Site site, int number)
{
    /// <summary>How long a control node takes to catch up with the feed after it saw nothing.</summary>
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(5);

    /// <summary>Of all its processes.</summary>
    private readonly List<IMeterFactory> _meters = [];
    private Machine? _machine;
    private long _sawAgainAt;
    private long? _wasAwayAt;
    private ChangeSignal? _signal;
    private bool _isSignalled;

    public string Name { get; } = $"cn-{(char)('a' + number)}";

    public Engine Engine { get; } = new($"cn-{(char)('a' + number)}", site.RoutersByAddress, site.Scheduler, site.Random);

    public Publisher Publisher { get; } = new($"cn-{(char)('a' + number)}", site.Scheduler, site.Random);

    public DatabaseLink? Link { get; private set; }

    public bool IsUp => _machine is not null;

    /// <summary>Grows with every start: what the process knew before is lost.</summary>
    public int Starts { get; private set; }

    public bool IsLeading => _machine is { IsStopped: false } && site.Database.Lease?.ControlNode == Name;

    /// <summary>Until then it may not know what it must know to withdraw a route.</summary>
    public long BlindUntil => IsBlind ? long.MaxValue : _sawAgainAt + CatchUp.Ticks;

    /// <summary>It is without the database, or was a moment ago.</summary>
    public bool IsAwayLately => IsUp && (IsAway || _wasAwayAt + CatchUp.Ticks > site.Scheduler.Now);

    private bool IsAway => _machine is { IsStopped: true } || Link is { IsCut: true } || site.Weather.IsDown || site.Weather.IsStopped;

    private bool IsBlind => _machine is null || IsAway || !Engine.IsUp || Engine.IsHung || Engine.Sessions.Any(s => s.HoldsUpWithdrawals);

    /// <summary>It is looked at often enough: at every operation.</summary>
    public void Look()
    {
        if (IsBlind) _sawAgainAt = site.Scheduler.Now;
        if (IsAway) _wasAwayAt = site.Scheduler.Now;
    }

    public void Start()
    {
        if (_machine is not null) return;
        if (site.EngineBound) Engine.Start();
        Starts++;
        _sawAgainAt = site.Scheduler.Now;
        var machine = _machine = new Machine(site.Scheduler, Name);
        var time = new SimulatedTime(site.Scheduler, machine);
        Link = new DatabaseLink(site.Database, site.Weather, site.Scheduler, site.Random);
        _signal = new ChangeSignal();
        var provider = Compose(machine, time, Link, _signal);
        machine.Post(_ => _ = RunAsync(provider, time, machine), null);
    }

    /// <summary>After the run: .NET holds a meter, and with it what it measures, until its factory is disposed.</summary>
    public void Forget()
    {
        foreach (var meters in _meters) meters.Dispose();
    }

    /// <summary>kill -9 of the API's process; its engine lives, unless it is bound to the process.</summary>
    public void Kill()
    {
        if (_machine is null) return;
        _sawAgainAt = site.Scheduler.Now;
        _machine.Kill();
        _machine = null;
        _signal = null;
        Link = null;
        Publisher.Killed();
        if (site.EngineBound) Engine.Kill();
    }

    public void Stop()
    {
        _machine?.Stop();
        Publisher.Stopped();
    }

    public void Continue() => _machine?.Continue();

    public void SetClock(TimeSpan error)
    {
        if (_machine is not null) _machine.ClockError = error;
    }

    /// <summary>Another process committed changes: NOTIFY, which may be late or lost.</summary>
    public void Notify()
    {
        if (_machine is not { } machine || _isSignalled || site.Random.Next(50) == 0) return;
        _isSignalled = true;
        site.Scheduler.After(TimeSpan.FromMilliseconds(site.Random.Next(5)), () =>
        {
            _isSignalled = false;
            if (machine == _machine) _signal?.Set();
        });
    }

    private ServiceProvider Compose(Machine machine, SimulatedTime time, DatabaseLink link, ChangeSignal signal)
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(new SimulationLog(site.Trace, Name)));
        services.AddSingleton<TimeProvider>(time);
        services.AddSingleton(signal);
        services.AddSingleton<OverlayMetrics>();
        var bgp = new BgpOptions { RouterId = IPAddress.Parse($"172.27.115.{10 + number}") };
        services.AddSingleton(bgp);
        services.AddSingleton(new VRouterOptions { LostAfterSeconds = 10 });
        services.AddSingleton(new ControlNodeOptions { Name = Name, EngineBound = site.EngineBound });
        services.AddSingleton(new ServiceNetworkOptions { Distribution = site.Distribution });
        services.AddSingleton(new DatabasePresence(() => link.CallAsync(_ => true), time));
        services.AddSingleton<IBgpSpeaker>(provider =>
            new GoBgpSpeaker(new EngineCalls(Engine, site.Scheduler, site.Random), bgp, provider.GetRequiredService<ISessionTurns>(), time, provider.GetRequiredService<ILogger<GoBgpSpeaker>>()));
        services.AddSingleton(Publisher.Serve(machine));
        services.AddReconciler();
        // As for a large fleet in every other life of the process, however few nodes there are.
        if (Starts % 2 == 0) services.AddSingleton(new CommonPace(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), 0, SharedFrom: 1));
        // As in a large fleet: an agent more than the share counts.
        services.AddSingleton(new AgentShare(Margin: 1));
        Replace(services, link);
        var provider = services.BuildServiceProvider();
        _meters.Add(provider.GetRequiredService<IMeterFactory>());
        Publisher.Admit(provider.GetRequiredService<IVRouterAdmission>);
        return provider;
    }

    /// <summary>Everything behind the seam of ADR 0010 is rows in memory.</summary>
    private void Replace(ServiceCollection services, DatabaseLink link)
    {
        services.Replace(ServiceDescriptor.Singleton<IStateReader>(new MemoryStateReader(link)));
        services.Replace(ServiceDescriptor.Singleton<IChangeFeedReader>(new MemoryChangeFeedReader(link)));
        services.Replace(ServiceDescriptor.Singleton<IControlNodeStore>(new MemoryControlNodeStore(link)));
        services.Replace(ServiceDescriptor.Singleton<IAnnouncementStore>(new MemoryAnnouncementStore(link)));
        services.Replace(ServiceDescriptor.Singleton<IAgentReportStore>(new MemoryAgentReportStore(link)));
        services.Replace(ServiceDescriptor.Singleton<IEndpointHealthStore>(new MemoryEndpointHealthStore(link)));
        services.Replace(ServiceDescriptor.Singleton<IStatusStore>(new MemoryStatusStore(link)));
        services.Replace(ServiceDescriptor.Singleton<IServiceLifecycle>(new MemoryServiceLifecycle(link)));
        services.Replace(ServiceDescriptor.Singleton<ILeaderLeaseStore>(new MemoryLeaderLeaseStore(link, Name)));
        services.Replace(ServiceDescriptor.Singleton<ISessionTurnStore>(new MemorySessionTurnStore(link, Name)));
    }

    /// <summary>As <see cref="Reconciler"/> does it.</summary>
    private async Task RunAsync(ServiceProvider provider, TimeProvider time, Machine machine)
    {
        try
        {
            provider.GetRequiredService<AgentInbox>().Listen();
            var start = provider.GetRequiredService<ReconcileStart>();
            while (true)
            {
                try
                {
                    await start.LoadAsync(CancellationToken.None);
                    break;
                }
                catch (Exception e) when (PostgresErrors.IsAway(e))
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), time);
                }
            }

            provider.GetRequiredService<AgentRelocation>().Loaded();
            var tasks = provider.GetServices<IReconcileTask>().Select(t => t.RunAsync(CancellationToken.None)).ToList();
            var ended = await Task.WhenAny(tasks);
            await ended;
            throw new InvalidOperationException("A task of the reconciler ended.");
        }
        catch (Exception e)
        {
            site.Fail($"{machine.Name} ended: {e}");
        }
    }
}
