using System.Diagnostics;
using System.Globalization;
using System.Net;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>One server for (j), or several replicas of it, with a copy of the fleet's database, and its agents. What takes too long or too much memory is given up, and the rest of (j) goes on.</summary>
internal sealed class FleetSite : IAsyncDisposable
{
    /// <summary>Of the agents that misbehave, and their identities.</summary>
    public const int Seed = 1;

    /// <summary>The endpoints that the Services choose, spread over the nodes.</summary>
    public const int Endpoints = 1000;

    /// <summary>New agents at one moment.</summary>
    public const int MostAtOnce = 1000;

    /// <summary>Of the server; beyond it is ended.</summary>
    private const long MostBytes = 8L << 30;
    private const int WarmUpClients = 8;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(120);

    /// <summary>Until the server has nothing more to do. No figure counts this time: 100,000 Services whose nodes come for the first time take a minute.</summary>
    private static readonly TimeSpan MostTimeToRest = TimeSpan.FromMinutes(5);

    /// <summary>Of the first replica; those of the next ones follow in steps of a hundred.</summary>
    private const int HttpPort = 8080;
    private const int AgentsPort = 8081;

    /// <summary>Where the first replica takes agents.</summary>
    public static readonly IPEndPoint AgentsEndPoint = new(IPAddress.Parse(Site.ControlNode), AgentsPort);

    private readonly ApiDatabase _postgres;
    private readonly string _database;
    private bool _isGone;
    private long _peakBytes;
    private TimeSpan _processor;
    private int _landmarks;

    private FleetSite(PrivateNetwork network, ApiDatabase postgres, string database, int replicas)
    {
        (_postgres, _database) = (postgres, database);
        var copy = postgres.Copy(database);
        var servers = Enumerable.Range(0, replicas).Select(i => string.Create(CultureInfo.InvariantCulture, $"http://{Site.ControlNode}:{AgentsPort + (100 * i)}")).ToList();
        Replicas = [.. servers.Select((server, i) => new ApiProcess(network, copy,
        [
            ("Bgp__Engine", "none"),
            ("Connections__MostOfCaller", "10000"), // all agents come from one address
            ("Http__Url", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{HttpPort + (100 * i)}")),
            ("Grpc__Url", server),
            ("ControlNode__Name", string.Create(CultureInfo.InvariantCulture, $"control{i + 1}")),
        ]))];
        Fleet = new Fleet([.. servers.Select(s => new Uri(s))], Seed);
    }

    public IReadOnlyList<ApiProcess> Replicas { get; }

    /// <summary>The first replica: it takes the requests.</summary>
    public ApiProcess Api => Replicas[0];

    public Fleet Fleet { get; }

    /// <summary>Processor time of the server's process.</summary>
    public TimeSpan Processor => _isGone ? _processor : Api.ProcessorTime;

    /// <summary>The most memory that the server's process has had, in MiB.</summary>
    public long PeakMiB => (_isGone ? _peakBytes : Api.PeakResidentBytes) >> 20;

    /// <param name="database">Of the copy; it is dropped in the end.</param>
    public static async Task<FleetSite> StartAsync(PrivateNetwork network, ApiDatabase postgres, string database, int replicas = 1)
    {
        var site = new FleetSite(network, postgres, database, replicas);
        foreach (var replica in site.Replicas) await replica.ReadyAsync();
        return site;
    }

    /// <summary>Services s1, s2, … by SQL; number i selects endpoint i mod <paramref name="endpoints"/>.</summary>
    public void AddServices(int services, int endpoints) => ServiceSeed.Insert(_postgres.Server.ConnectionString(_database), 1, services, endpoints);

    /// <summary>The endpoints g0, g1, … on as many nodes, in turns. Nodes make themselves known when their agents connect.</summary>
    public async Task AddEndpointsAsync(int nodes)
    {
        foreach (var numbers in Enumerable.Range(0, Endpoints).Chunk(500))
        {
            var items = numbers.Select(i => $$"""{"name":"g{{i}}","labels":{"app":"g{{i}}"},"addresses":["10.244.{{i / 250}}.{{(i % 250) + 1}}"],"virtualRouter":"{{Fleet.NameOf(i % nodes)}}"}""");
            await Api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces:batch", $$"""{"items":[{{string.Join(',', items)}}]}""");
        }
    }

    /// <summary>One endpoint on the first node.</summary>
    public Task AddEndpointAsync(string app, string address = "10.245.0.1") => Api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces",
        $$"""{"name":"{{app}}","labels":{"app":"{{app}}"},"addresses":["{{address}}"],"virtualRouter":"{{Fleet.NameOf(0)}}"}""");

    /// <summary>Until the compiler's second tier is through, a request costs several times what it does later: creates that leave nothing, and some that do.</summary>
    public async Task<Outcome> WarmUpAsync(BenchOptions options, string app)
    {
        if (_isGone) return await QuietAsync();
        Progress.Step($"(j) warming up");
        ServiceLoad.For(WarmUpClients, options.WarmUp / 3, "dry", Door.DryRun, app);
        ServiceLoad.Create(WarmUpClients, 200 * (int)options.LoadTime.TotalSeconds, "warm", app);
        var caughtUp = await CaughtUpAsync();
        return caughtUp.Fault is null ? await QuietAsync() : caughtUp;
    }

    /// <summary>
    /// Up to so many agents, until each has its whole and the server has nothing more to do. They come in groups: the first connections of thousands in one process, on a machine that they
    /// share with the server, would measure that process.
    /// </summary>
    public async Task<Outcome> GrowAsync(int agents)
    {
        var clock = Stopwatch.StartNew();
        var whole = new Outcome(0);
        for (var left = agents - Fleet.Agents.Length; left > 0 && whole.Fault is null; left -= MostAtOnce)
        {
            Fleet.Add(Math.Min(left, MostAtOnce));
            whole = await WholeAsync();
        }

        return whole.Fault is not null ? whole : await QuietAsync() with { Seconds = clock.Elapsed.TotalSeconds };
    }

    /// <summary>Until every good agent has its whole.</summary>
    public Task<Outcome> WholeAsync() => WaitAsync("all agents have their whole", () => Fleet.Whole == Fleet.Good);

    /// <summary>Kills the server and starts it; from its start until every agent has its whole.</summary>
    public Task<Outcome> RestartAsync()
    {
        Api.Kill();
        Fleet.StartOver();
        Api.Start();
        return WholeAsync();
    }

    /// <summary>All agents drop at once; until every one is back and has its whole.</summary>
    public Task<Outcome> DropAsync()
    {
        Fleet.DropAll();
        return WholeAsync();
    }

    /// <summary>Kills the last replica; until all its agents have their whole at the others.</summary>
    public async Task<Outcome> LoseReplicaAsync()
    {
        var clock = Stopwatch.StartNew();
        Replicas[^1].Kill();
        await WaitAsync("the agents of the killed replica notice it", () => Fleet.Whole < Fleet.Good);
        return await WholeAsync() with { Seconds = clock.Elapsed.TotalSeconds };
    }

    /// <summary>Starts the replica that was killed; until it has its share of the agents, but for a twentieth, and all have their whole.</summary>
    public async Task<Outcome> ReturnReplicaAsync()
    {
        var clock = Stopwatch.StartNew();
        Replicas[^1].Start();
        await Replicas[^1].ReadyAsync();
        var share = Fleet.Good / Replicas.Count;
        while ((await AgentsAsync())[^1] < 0.95 * share)
        {
            if (clock.Elapsed > MostTime)
            {
                Progress.Step($"(j8) the replicas have {string.Join(", ", await AgentsAsync())} agents");
                return new Outcome(clock.Elapsed.TotalSeconds, string.Create(CultureInfo.InvariantCulture, $"not within {MostTime.TotalSeconds} s"));
            }

            await Task.Delay(100);
        }

        return await WholeAsync() with { Seconds = clock.Elapsed.TotalSeconds };
    }

    /// <summary>How many agents each replica has.</summary>
    public async Task<int[]> AgentsAsync() => await Task.WhenAll(Replicas.Select(async r => (int)(await r.MetricsAsync()).GetValueOrDefault("cn2_connected_agents")));

    /// <summary>How often vRouters were lost, or held with many others.</summary>
    public long Lost => (long)_postgres.Scalar("SELECT count(*) FROM event WHERE reason IN ('Lost', 'MassLoss')", _database)!;

    /// <summary>Which vRouters those were, and when.</summary>
    public string LostEvents => _postgres.Scalar(
        "SELECT string_agg(format('%s %s, %s s ago', reason, name, round(extract(epoch FROM now() - at))), '; ' ORDER BY at) FROM event WHERE reason IN ('Lost', 'MassLoss')", _database) as string ?? "none";

    /// <summary>Until every replica has nothing more to do.</summary>
    public async Task<Outcome> QuietAsync()
    {
        var quiet = Task.WhenAll(Replicas.Select(r => r.QuietAsync((int)MostTimeToRest.TotalSeconds)));
        var outcome = await WaitAsync("the server is quiet", () => quiet.IsCompleted, MostTimeToRest);
        if (!quiet.IsFaulted) return outcome;
        return outcome.Fault is null ? outcome with { Fault = "the server does not come to rest" } : outcome;
    }

    /// <summary>Waits until something is so.</summary>
    public Task<Outcome> WaitAsync(string what, Func<bool> condition) => WaitAsync(what, condition, MostTime);

    private async Task<Outcome> WaitAsync(string what, Func<bool> condition, TimeSpan most)
    {
        if (_isGone) return new Outcome(0, "the server was ended");
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (Api.ResidentBytes > MostBytes)
            {
                (_peakBytes, _processor) = (Api.PeakResidentBytes, Api.ProcessorTime);
                Progress.Step($"(j) {what}: the server has {Api.ResidentBytes >> 20} MiB and is ended");
                Api.Kill();
                _isGone = true;
                return new Outcome(clock.Elapsed.TotalSeconds, string.Create(CultureInfo.InvariantCulture, $"over {MostBytes >> 30} GiB after {clock.Elapsed.TotalSeconds:F0} s, ended"));
            }

            if (clock.Elapsed > most)
            {
                Progress.Step($"(j) not within {most.TotalSeconds} s: {what}");
                return new Outcome(clock.Elapsed.TotalSeconds, string.Create(CultureInfo.InvariantCulture, $"not within {most.TotalSeconds} s"));
            }

            Progress.Still($"(j) waiting until {what}: {Fleet.Whole} of {Fleet.Good} have their whole, the server {Api.ResidentBytes >> 20} MiB");
            await Task.Delay(10);
        }

        return new Outcome(clock.Elapsed.TotalSeconds);
    }

    /// <summary>Creates a Service; how long until every good agent has its address in the drop set, and with it everything from before.</summary>
    public async Task<Outcome> CaughtUpAsync()
    {
        if (_isGone) return new Outcome(0, "the server was ended");
        var clock = Stopwatch.StartNew();
        // Asked for by name, because the agents must know it before it comes.
        var address = new IPAddress([100, 127, 255, (byte)++_landmarks]);
        Fleet.LookFor(address);
        await Api.SendAsync(HttpMethod.Post, Door.V1.Collection,
            $$"""{"name":"landmark{{_landmarks}}","selector":{"app":"nobody"},"ports":[{"port":8080}],"loadBalancerIPs":["{{address}}"],"allocateLoadBalancerNodePorts":false}""");
        return await WaitAsync($"all agents have {address}", () => Fleet.Passed == Fleet.Good) with { Seconds = clock.Elapsed.TotalSeconds };
    }

    /// <summary>Transactions of the server's database so far.</summary>
    public long Transactions => (long)_postgres.Scalar($"SELECT xact_commit FROM pg_stat_database WHERE datname = '{_database}'", "postgres")!;

    public async ValueTask DisposeAsync()
    {
        await Fleet.DisposeAsync();
        foreach (var replica in Replicas) replica.Dispose();
        _postgres.Sql("postgres", $"DROP DATABASE {_database} WITH (FORCE)");
    }
}
