using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using CN2.Simulation.Tests.Scheduling;
using CN2.Simulation.Tests.World;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>The real driver of one control node, its engine, and a router of each kind, without the rest of a site: for a story that is told step by step.</summary>
internal sealed class DriverStory
{
    private readonly Random _random;
    private readonly KeptDebts _debts = new();
    private readonly List<Task> _jobs = [];
    private Machine? _machine;
    private IBgpSpeaker? _speaker;

    public DriverStory(int seed, bool isFrrExternal = false)
    {
        _random = new Random(seed);
        Scheduler = new Scheduler(_random);
        Router[] routers =
        [
            Frr = new Router("frr", IPAddress.Parse("172.27.115.201"), RouterKind.Frr, Scheduler) { IsExternal = isFrrExternal },
            OnePath = new Router("one-path", IPAddress.Parse("172.27.115.202"), RouterKind.OnePath, Scheduler),
            Bird = new Router("bird", IPAddress.Parse("172.27.115.203"), RouterKind.Bird, Scheduler),
        ];
        Engine = new Engine("cn-a", routers.ToDictionary(r => r.Address.ToString()), Scheduler, _random);
    }

    public Scheduler Scheduler { get; }

    public Engine Engine { get; }

    public Router Frr { get; }

    public Router OnePath { get; }

    public Router Bird { get; }

    public static BgpPath Path(string prefix, string nextHop) => new(IPAddress.Parse(prefix), IPAddress.Parse(nextHop), 200, 100, [], []);

    /// <summary>Starts a process of the control node, which knows what an earlier one has announced and announces <paramref name="paths"/>.</summary>
    /// <param name="announced">As the rows say; null: there are none.</param>
    /// <param name="paths">All that is wanted.</param>
    public void Start(IReadOnlyCollection<AnnouncedPath>? announced, params BgpPath[] paths) => Start(announced, paths, []);

    /// <summary>The same, of which the process announces <paramref name="later"/> when vRouters have acknowledged, and before it gives the engine any router.</summary>
    public void StartWithoutAnswers(IReadOnlyCollection<AnnouncedPath> announced, params BgpPath[] later) => Start(announced, [], later);

    private void Start(IReadOnlyCollection<AnnouncedPath>? announced, BgpPath[] paths, BgpPath[] later)
    {
        StartWithoutPeers(announced);
        Do(async speaker =>
        {
            await speaker.StartAsync(CancellationToken.None);
            await speaker.SetPathsAsync(paths, CancellationToken.None);
            if (later.Length > 0) await speaker.ChangePathsAsync(later, [], CancellationToken.None);
            await speaker.SetPeersAsync(Peers(frr: null), CancellationToken.None);
        });
    }

    /// <summary>Starts a process that starts the engine and does not come so far as to read what it should announce, and to whom.</summary>
    public void StartWithoutPeers(IReadOnlyCollection<AnnouncedPath>? announced)
    {
        var machine = _machine = new Machine(Scheduler, "cn-a");
        var time = new SimulatedTime(Scheduler, machine);
        _debts.Restart();
        var options = new BgpOptions { RouterId = IPAddress.Parse("172.27.115.10") };
        _speaker = new GoBgpSpeaker(new EngineCalls(Engine, Scheduler, _random), options, _debts, time, NullLogger<GoBgpSpeaker>.Instance);
        _speaker.Expect(announced ?? []);
        Do(async speaker => await speaker.StartAsync(CancellationToken.None));
    }

    /// <summary>The database fails over and loses all rows of the control node.</summary>
    public void LoseRows() => _debts.LoseRows();

    /// <summary>kill -9 of the control node's process; its engine lives.</summary>
    public void Kill()
    {
        _debts.LastSessions = [.. _speaker!.Sessions];
        _machine!.Kill();
    }

    /// <summary>kill -9 of both processes; after a second the engine is there again.</summary>
    /// <returns>What the rows said of these paths.</returns>
    public IReadOnlyCollection<AnnouncedPath> KillBothAndStartEngine(params BgpPath[] paths)
    {
        var rows = RowsOf(paths);
        Kill();
        Engine.Kill();
        Run(TimeSpan.FromSeconds(1));
        Engine.Start();
        return rows;
    }

    public void UntilAllAreUp() => Until(() => IsUp(Frr, Bird, OnePath));

    /// <summary>What the rows say of these paths.</summary>
    public IReadOnlyCollection<AnnouncedPath> RowsOf(params BgpPath[] paths) =>
        [.. paths.Zip(_speaker!.PathIdentifiersOf([.. paths.Select(p => p.Key)]), (path, number) => new AnnouncedPath(path.Key, number))];

    /// <summary>Begins something; what fails because the engine is away is repeated until it succeeds, as <c>SpeakerWorker</c> does it.</summary>
    /// <returns>Whether it is done.</returns>
    public Func<bool> Do(Func<IBgpSpeaker, Task> calls)
    {
        var (speaker, isDone) = (_speaker!, false);
        var time = new SimulatedTime(Scheduler, _machine!);
        _machine!.Post(_ => _jobs.Add(RepeatAsync()), null);
        return () => isDone;

        async Task RepeatAsync()
        {
            while (!isDone)
            {
                isDone = await SucceedsAsync(() => calls(speaker));
                if (!isDone) await Task.Delay(TimeSpan.FromMilliseconds(100), time);
            }
        }
    }

    /// <summary>Begins a change; when the engine is away or lost meanwhile, the driver makes it when it is back.</summary>
    public void Change(Func<IBgpSpeaker, Task> call)
    {
        var speaker = _speaker!;
        _machine!.Post(_ => _jobs.Add(SucceedsAsync(() => call(speaker))), null);
    }

    /// <summary>Sets the peers anew, with <paramref name="frr"/> as the one of that router.</summary>
    public Func<bool> SetPeers(BgpPeer frr) => Do(speaker => speaker.SetPeersAsync(Peers(frr), CancellationToken.None));

    /// <summary>Withdraws the path; done when it is confirmed, so that its address is free.</summary>
    public Func<bool> Withdraw(BgpPath path) => Do(async speaker =>
    {
        if ((await speaker.ChangePathsAsync([], [path.Key], CancellationToken.None)).Count > 0) throw new BgpEngineException("not confirmed yet", isTransient: true);
    });

    public void Run(TimeSpan span)
    {
        Scheduler.Run(span);
        Assert.Null(Scheduler.Failure);
        foreach (var job in _jobs) Assert.False(job.IsFaulted, job.Exception?.ToString());
    }

    /// <summary>Runs until this holds.</summary>
    public void Until(Func<bool> condition)
    {
        for (var waited = TimeSpan.Zero; !condition(); waited += Session.LongestWay)
        {
            Assert.True(waited < SimulationRun.Bound, $"It does not come within {SimulationRun.Bound.TotalSeconds} s.");
            Run(Session.LongestWay);
        }
    }

    /// <summary>The sessions with these routers are up.</summary>
    public bool IsUp(params Router[] routers) => routers.All(r => r.HasSessionWith(Engine.Name));

    private IReadOnlyCollection<BgpPeer> Peers(BgpPeer? frr) => [frr ?? PeerOf(Frr), PeerOf(OnePath), PeerOf(Bird)];

    private static BgpPeer PeerOf(Router router) => Site.PeerOf(router, holdTime: 9);

    private static async Task<bool> SucceedsAsync(Func<Task> calls)
    {
        try
        {
            await calls();
            return true;
        }
        catch (BgpEngineException)
        {
            return false;
        }
    }

    /// <summary>Keeps, as the database does, which routers are owed a new session.</summary>
    private sealed class KeptDebts : ISessionTurns
    {
        private IReadOnlyCollection<string> _kept = [];

        public IReadOnlyCollection<string> Owed { get; private set; } = [];

        public bool RowsLost { get; private set; }

        public IReadOnlyCollection<BgpSession> LastSessions { get; set; } = [];

        public event Action? Taken
        {
            add { }
            remove { }
        }

        /// <summary>A process starts.</summary>
        public void Restart() => Owed = _kept;

        public void LoseRows() => (_kept, RowsLost) = ([], true);

        public bool TryTake(string routerAddress) => true;

        public void GiveBack(string routerAddress)
        {
        }

        public Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows)
        {
            (_kept, RowsLost) = ([.. routerAddresses], RowsLost && !coversLostRows);
            return Task.CompletedTask;
        }
    }
}
