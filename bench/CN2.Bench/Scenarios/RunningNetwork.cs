using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using CN2.Api.Drivers.GoBgp;
using CN2.Bench.Lab;
using CN2.Bench.Load;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Bench.Scenarios;

/// <summary>
/// (b) to (e) in one network that grows: a control node, FRR as external router, a compute node with cn2-vrouter, a pod with nginx, a
/// client behind the router. A thousand endpoints; Service number i selects endpoint i mod 1000, so that every Service is programmed
/// and advertised and one endpoint carries a thousandth of them.
/// </summary>
internal sealed partial class RunningNetwork(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Endpoints = 1000;
    private const int RawSamples = 200;
    private const string PodAddress = "10.244.255.2";

    private readonly List<object[]> _latencies = [];
    private readonly List<object[]> _changes = [];
    private readonly List<object[]> _restarts = [];
    private readonly List<object[]> _memory = [];
    private readonly List<(int Services, double FloatingIP, double Direct)> _connections = [];
    private string _webAddress = "";
    private int _created;

    public async Task RunAsync()
    {
        BuildNetwork();
        using var postgres = new PostgresServer(network, "pg-network");
        using var engine = new BgpEngine(network);
        using var router = new FrrRouter(network, network.NameOf("vmx1"));
        using var watch = new RouteWatch(router.Namespace);
        using var api = new ApiProcess(network, postgres.ConnectionString);
        await api.ReadyAsync();
        using var agent = new RunningProcess(Path.Combine(network.Directory, "vrouter.log"), "ip", "netns", "exec", network.NameOf("compute1"), Published.VRouter,
            "--server", "http://172.27.115.241:8081", "--name", "compute1", "--address", "172.27.115.242");
        await PrepareAsync(api);
        using (var line = ServiceLoad.Connect()) _webAddress = ServiceLoad.One(line, "web", "web");
        _created = 1;
        await watch.SeenAsync(_webAddress);

        if (options.Scenarios.Contains('e')) ConnectionsPerSecond(1);
        // The compiler's second tier comes with use; a server in service has had it.
        await GrowAsync(postgres, api, watch, 100);
        if (options.Scenarios.Contains('b')) await LatencyAsync(engine: null, watch, 100, 200);
        await GrowAsync(postgres, api, watch, options.Medium);
        await AtAsync(options.Medium);
        if (options.Scenarios.Contains('c')) await OneEndpointAsync(api, postgres);
        if (options.Scenarios.Contains('e')) ConnectionsPerSecond(options.Medium);
        if (options.Scenarios.Contains('d') || options.Scenarios.Contains('b')) await RestartsAsync(postgres, api, engine, router, watch, options.Medium);
        if (options.Large > 0 && options.Scenarios.Overlaps("bd"))
        {
            await GrowAsync(postgres, api, watch, options.Large);
            await AtAsync(options.Large);
            await RestartsAsync(postgres, api, engine, router, watch, options.Large);
        }

        Tell();

        async Task AtAsync(int services)
        {
            if (options.Scenarios.Contains('b')) await LatencyAsync(engine: null, watch, services, 200);
            await MemoryAsync(api, engine, services);
        }
    }

    private void BuildNetwork()
    {
        var vmx1 = network.AddNode("vmx1", 245);
        var compute1 = network.AddNode("compute1", 242);
        PrivateNetwork.Ip(compute1, "route", "add", "default", "via", "172.27.115.245");
        var client = network.AddNamespace("client");
        PrivateNetwork.Wire(vmx1, "client", client, "eth0");
        PrivateNetwork.Ip(vmx1, "addr", "add", "10.99.0.1/24", "dev", "client");
        PrivateNetwork.Ip(client, "addr", "add", "10.99.0.2/24", "dev", "eth0");
        PrivateNetwork.Ip(client, "route", "add", "default", "via", "10.99.0.1");
        var pod = network.AddNamespace("pod");
        PrivateNetwork.Wire(compute1, "pod", pod, "eth0");
        PrivateNetwork.Ip(compute1, "addr", "add", "10.244.255.1/24", "dev", "pod");
        PrivateNetwork.Ip(pod, "addr", "add", PodAddress + "/24", "dev", "eth0");
        PrivateNetwork.Ip(pod, "route", "add", "default", "via", "10.244.255.1");
        PrivateNetwork.Ip(vmx1, "route", "add", "10.244.255.0/24", "via", "172.27.115.242");
        var directory = Path.Combine(network.Directory, "nginx");
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "nginx.conf"),
            $$"""
            user root; worker_processes 1; daemon on; pid {{directory}}/nginx.pid; error_log {{directory}}/error.log warn;
            events { worker_connections 4096; }
            http {
              access_log off; client_body_temp_path {{directory}}/body; proxy_temp_path {{directory}}/proxy; fastcgi_temp_path {{directory}}/fastcgi;
              uwsgi_temp_path {{directory}}/uwsgi; scgi_temp_path {{directory}}/scgi;
              server { listen 80 backlog=4096; location / { return 200 "pod\n"; } }
            }
            """);
        // It ends with its namespace.
        PrivateNetwork.Exec(pod, "nginx", "-e", Path.Combine(directory, "error.log"), "-c", Path.Combine(directory, "nginx.conf"));
    }

    private static async Task PrepareAsync(ApiProcess api)
    {
        await World.AddExternalNetworkAsync(api);
        await api.SendAsync(HttpMethod.Post, "/v1/bgp-routers", """{"name":"vmx1","address":"172.27.115.245","autonomousSystem":64512,"addressFamilies":["inet"]}""");
        for (var from = 0; from < Endpoints; from += 500)
        {
            var items = Enumerable.Range(from, 500).Select(Interface);
            await api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces:batch", $$"""{"items":[{{string.Join(',', items)}}]}""");
        }

        await api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces",
            $$"""{"name":"web","labels":{"app":"web"},"addresses":["{{PodAddress}}"],"virtualRouter":"compute1"}""");

        static string Interface(int i) => $$"""{"name":"g{{i}}","labels":{"app":"g{{i}}"},"addresses":["10.244.{{i / 250}}.{{(i % 250) + 1}}"],"virtualRouter":"compute1"}""";
    }

    /// <summary>Up to so many Services, each of them in FRR's kernel.</summary>
    private async Task GrowAsync(PostgresServer postgres, ApiProcess api, RouteWatch watch, int services)
    {
        var more = services - _created;
        var watchClock = Stopwatch.StartNew();
        ServiceSeed.Insert(postgres, _created + 1, services, Endpoints);
        _created = services;
        var inserted = watchClock.Elapsed;
        await Deadline.UntilAsync("all routes in FRR's kernel", () => watch.Present >= _created, 600, 50);
        report.Text($"{services:N0} Services: the rows of {more:N0} were written in {inserted.TotalSeconds:F1} s, and the last path was in FRR's kernel after {watchClock.Elapsed.TotalSeconds:F1} s ({more / watchClock.Elapsed.TotalSeconds:N0} Services/s through change feed, vRouter, gobgpd and FRR).");
        await QuietAsync(api);
    }

    /// <summary>POST to the route in FRR's kernel; with an engine: raw AddPath to the same.</summary>
    private async Task LatencyAsync(BgpEngine? engine, RouteWatch watch, int services, int samples)
    {
        var times = new List<double>();
        var mapper = new PathMapper();
        using var line = engine is null ? ServiceLoad.Connect() : null;
        var random = new Random(1);
        for (var i = 0; i < samples; i++)
        {
            var began = Stopwatch.GetTimestamp();
            string address;
            if (engine is null)
            {
                address = ServiceLoad.One(line!, $"lat{services}-{i}", $"g{i % Endpoints}");
                _created++;
            }
            else
            {
                address = $"100.127.{i / 250}.{(i % 250) + 1}";
                await engine.RawAddAsync(BgpEngine.Encode(mapper, IPAddress.Parse(address)));
            }

            times.Add(Stopwatch.GetElapsedTime(began, await watch.SeenAsync(address)).TotalMilliseconds);
            await Task.Delay(random.Next(10, 40));
        }

        var result = new Latencies(times);
        _latencies.Add([services, engine is null ? "POST → FRR" : "raw AddPath → FRR", result.Count, result.P50, result.P99, result.Max]);
    }

    private async Task OneEndpointAsync(ApiProcess api, PostgresServer postgres)
    {
        var concerned = (long)postgres.Scalar("SELECT count(*) FROM service WHERE spec::jsonb -> 'selector' ->> 'app' = 'g7'")!;
        foreach (var ready in new[] { "false", "true" })
        {
            await QuietAsync(api);
            var before = await api.MetricsAsync();
            await api.SendAsync(HttpMethod.Patch, "/v1/namespaces/default/virtual-machine-interfaces/g7", $$"""{"ready":{{ready}}}""");
            await Task.Delay(3000);
            await QuietAsync(api);
            var after = await api.MetricsAsync();
            _changes.Add([$"endpoint ready: {ready}", concerned, Of("cn2_reconcile_owners_compiled_total"), Of("cn2_bgp_paths_added_total"), Of("cn2_bgp_paths_withdrawn_total"),
                Of("cn2_vrouter_deltas_total"), Of("cn2_vrouter_frontends_sent_total"), Of("cn2_reconcile_statuses_written_total"), Of("cn2_bgp_repairs_total")]);

            long Of(string name) => (long)(after.GetValueOrDefault(name) - before.GetValueOrDefault(name));
        }
    }

    private async Task MemoryAsync(ApiProcess api, BgpEngine engine, int services)
    {
        if (!options.Scenarios.Contains('d')) return;
        var metrics = await api.MetricsAsync();
        var heap = metrics.Where(m => m.Key.StartsWith("dotnet_gc_last_collection_heap_size", StringComparison.Ordinal)).Sum(m => m.Value);
        _memory.Add([services, MiB(api.ResidentBytes), MiB(heap), MiB(engine.ResidentBytes)]);
    }

    private async Task RestartsAsync(PostgresServer postgres, ApiProcess api, BgpEngine engine, FrrRouter router, RouteWatch watch, int services)
    {
        var paths = _created;
        await QuietAsync(api);
        var before = watch.Deleted;
        var (table, full) = await ReplayAsync(engine, router, paths, () =>
        {
            engine.Kill();
            engine.Start();
        });
        var lost = watch.Deleted - before;

        // The API alone: nothing may move; it is back when a new Service reaches the router.
        await QuietAsync(api);
        before = watch.Deleted;
        var began = Stopwatch.StartNew();
        api.Kill();
        api.Start();
        await api.ReadyAsync();
        var ready = began.Elapsed;
        string address;
        using (var line = ServiceLoad.Connect()) address = ServiceLoad.One(line, $"back{services}", "g1");
        paths = ++_created;
        await watch.SeenAsync(address);
        var serving = began.Elapsed;
        var lostByApi = watch.Deleted - before;
        await QuietAsync(api);
        await MemoryAsync(api, engine, services);

        // Without the API: the least it could do.
        api.Kill();
        engine.Kill();
        var addresses = Addresses(postgres);
        var mapper = new PathMapper();
        var messages = addresses.Select(a => BgpEngine.Encode(mapper, a)).Chunk(100).Select(c => new Wire.AddPathStreamRequest { Paths = { c } }).ToList();
        var (rawTable, rawFull) = await ReplayAsync(engine, router, addresses.Count, () => engine.Start(), async () =>
        {
            await engine.RawReplayAsync(messages);
            await engine.RawPeerAsync();
        });
        if (options.Scenarios.Contains('b')) await LatencyAsync(engine, watch, services, RawSamples);
        messages = null;

        // Both at once, as when the machine comes back.
        engine.Kill();
        before = watch.Deleted;
        var (bothTable, bothFull) = await ReplayAsync(engine, router, paths, () =>
        {
            engine.Start();
            api.Start();
        });
        await api.ReadyAsync();
        await QuietAsync(api);
        // What the raw run had added for itself goes; nothing else may.
        var foreign = options.Scenarios.Contains('b') ? RawSamples : 0;
        await Deadline.UntilAsync("FRR has dropped what the raw run added", () => watch.Deleted - before >= foreign, 200, 100);
        var lostByBoth = watch.Deleted - before - foreign;
        _restarts.Add([services, "gobgpd killed, API stays", table.TotalSeconds, full.TotalSeconds, rawTable.TotalSeconds, rawFull.TotalSeconds, table / rawTable, lost]);
        _restarts.Add([services, $"API killed, gobgpd stays (ready {ready.TotalSeconds:F1} s, next POST in FRR {serving.TotalSeconds:F1} s)", "stays", "stays", "", "", "", lostByApi]);
        _restarts.Add([services, "both killed: CN2.Api starts, its vRouter comes back and acknowledges, then the paths", bothTable.TotalSeconds, bothFull.TotalSeconds, "", "", "", lostByBoth]);
    }

    /// <summary>From the start of the new gobgpd: until its table is full, and until FRR has the End-of-RIB of the new session.</summary>
    private static async Task<(TimeSpan Table, TimeSpan Full)> ReplayAsync(BgpEngine engine, FrrRouter router, int paths, Action restart, Func<Task>? replay = null)
    {
        var established = router.Session().Established;
        var watch = Stopwatch.StartNew();
        restart();
        var replaying = replay?.Invoke() ?? Task.CompletedTask;
        await Deadline.UntilAsync("gobgpd's table is full", async () => await engine.CountAsync() >= paths, 300, 50);
        var table = watch.Elapsed;
        await replaying;
        await Deadline.UntilAsync("FRR has it all", () => router.Session() is var (times, complete) && complete && times > established, 300, 100);
        return (table, watch.Elapsed);
    }

    private static List<IPAddress> Addresses(PostgresServer postgres)
    {
        using var connection = new Npgsql.NpgsqlConnection(postgres.ConnectionString + ";Pooling=false");
        connection.Open();
        using var command = new Npgsql.NpgsqlCommand("SELECT address FROM floating_ip WHERE external_network_uid IS NOT NULL", connection);
        using var reader = command.ExecuteReader();
        var addresses = new List<IPAddress>();
        while (reader.Read()) addresses.Add(reader.GetFieldValue<IPAddress>(0));
        return addresses;
    }

    /// <summary>A new connection for each request, through the FloatingIP and, in turns, straight to the pod over the same nodes.</summary>
    private void ConnectionsPerSecond(int services)
    {
        var floating = new List<double>();
        var direct = new List<double>();
        for (var round = 0; round < 4; round++)
        {
            var (f, d) = (Wrk($"http://{_webAddress}:8080/"), Wrk($"http://{PodAddress}/"));
            if (round == 0) continue; // warms the caches up
            floating.Add(f);
            direct.Add(d);
        }

        _connections.Add((services, floating.Order().ElementAt(1), direct.Order().ElementAt(1)));

        double Wrk(string url)
        {
            var output = PrivateNetwork.Exec(network.NameOf("client"), "wrk", "-t", "1", "-c", "16", "-d", "3s", "-H", "Connection: close", url);
            return double.Parse(RequestsPerSecond().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
        }
    }

    private static async Task QuietAsync(ApiProcess api)
    {
        var before = "";
        var since = Stopwatch.StartNew();
        await Deadline.UntilAsync("the reconciler is quiet", async () =>
        {
            var metrics = await api.MetricsAsync();
            var now = string.Join(' ', metrics.Where(m => m.Key.StartsWith("cn2_reconcile", StringComparison.Ordinal) || m.Key.StartsWith("cn2_bgp", StringComparison.Ordinal)
                || m.Key.StartsWith("cn2_vrouter", StringComparison.Ordinal)).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Value}"));
            if (now != before) since.Restart();
            before = now;
            return since.Elapsed > TimeSpan.FromSeconds(1.5);
        }, 300, 250);
    }

    private void Tell()
    {
        if (_latencies.Count > 0)
        {
            report.Heading("(b) From POST to the route in FRR's kernel");
            report.Table(["Services", "way", "samples", "p50 ms", "p99 ms", "max ms"], _latencies);
            report.Text($"One at a time. POST: allocation, change feed, nftables on the vRouter acknowledged, advertisement row, gobgpd, BGP, FRR, zebra, kernel. Aims for p99: under 250 ms at 10,000 and 500 ms at 100,000 Services.");
        }

        if (_changes.Count > 0)
        {
            report.Heading($"(c) One endpoint's change at {options.Medium:N0} Services");
            report.Table(["change", "Services it concerns", "owners compiled", "paths added", "paths withdrawn", "deltas to vRouters", "frontends sent", "statuses written", "repairs"], _changes);
            report.Text($"A Service has two frontends (cluster IP and external address), and three statuses (its own and its two FloatingIPs').");
        }

        if (_restarts.Count > 0)
        {
            report.Heading("(d) Restart");
            report.Table(["Services", "what", "gobgpd's table s", "FRR complete s", "raw: table s", "raw: FRR s", "ratio of tables", "routes FRR lost"], _restarts);
            report.Text($"From the start of the new gobgpd until its table holds every path, and until FRR has the End-of-RIB. Raw: StartBgp, the same paths by AddPathStream in messages of 100, AddPeer, with CN2.Api not running. Aim: ratio at most 1.3, and no route lost.");
            report.Table(["Services", "API resident MiB", "API GC heap MiB", "gobgpd resident MiB"], _memory);
            report.Text($"Aim: the API under 1,024 MiB at 100,000 Services. Each number of Services has two rows: grown to, and restarted with.");
        }

        if (_connections.Count > 0)
        {
            report.Heading("(e) New connections a second through a FloatingIP");
            report.Table(["Services programmed", "through the FloatingIP /s", "straight to the pod /s", "ratio"], _connections.Select(c => new object[] { c.Services, c.FloatingIP, c.Direct, c.FloatingIP / c.Direct }));
            if (_connections.Count > 1) report.Text($"Of what one Service reaches, {options.Medium:N0} reach {_connections[1].FloatingIP / _connections[0].FloatingIP:P1}; measured against the straight way, {_connections[1].FloatingIP / _connections[1].Direct / (_connections[0].FloatingIP / _connections[0].Direct):P1}. Aim: within 5 %.");
        }
    }

    private static string MiB(double bytes) => (bytes / 1024 / 1024).ToString("N0", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex RequestsPerSecond();
}
