using System.Globalization;
using System.Text.RegularExpressions;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// (a) Service creates a second over HTTP, next to pgbench sending the same SQL to the same server. Both get a copy of one database;
/// the API is idle while pgbench runs.
/// </summary>
internal sealed partial class ServiceCreation(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Rounds = 3;
    private static readonly int[] Clients = [1, 8, 32];

    public async Task RunAsync()
    {
        report.Heading("(a) Creating Services");
        using var postgres = new PostgresServer(network, "pg-create");
        using var engine = new RunningProcess(Path.Combine(network.Directory, "gobgpd.log"), "gobgpd", "--pprof-disable", "--api-hosts", "unix://" + Path.Combine(network.Directory, "gobgp.sock"));
        string script;
        using (var api = Start(postgres))
        {
            await api.ReadyAsync();
            await World.AddExternalNetworkAsync(api);
            using var line = ServiceLoad.Connect();
            ServiceLoad.One(line, "first", "nobody");
            script = Script(postgres);
        }

        postgres.Sql("postgres", "CREATE DATABASE pgbench TEMPLATE cn2");
        using var server = Start(postgres);
        await server.ReadyAsync();
        // Until the compiler's second tier is through, a request costs several times what it does later.
        ServiceLoad.For(8, options.WarmUp, "warm");
        await QuietAsync(server);
        PgBench(postgres, script, 8, TimeSpan.FromSeconds(2), 0);

        // In turns, so that what else the machine does meets both.
        var runs = Clients.ToDictionary(c => c, _ => new List<Round>());
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var clients in Clients)
            {
                var reference = PgBench(postgres, script, clients, options.LoadTime, (round * 100) + clients);
                var (api, database) = (server.ProcessorTime, postgres.ProcessorTime);
                var load = ServiceLoad.For(clients, options.LoadTime, $"r{round}c{clients}");
                await QuietAsync(server);
                runs[clients].Add(new Round(load, reference.Rate, reference.Latency,
                    (server.ProcessorTime - api).TotalMicroseconds / load.Created, (postgres.ProcessorTime - database).TotalMicroseconds / load.Created));
            }
        }

        report.Table(["clients", "creates/s", "p50 ms", "p99 ms", "pgbench tps", "pgbench mean ms", "ratio", "CPU API µs", "CPU PostgreSQL µs"], runs.Select(r => new object[]
        {
            r.Key, Median(r.Value, x => x.Load.Rate), Median(r.Value, x => x.Load.Latencies.P50), Median(r.Value, x => x.Load.Latencies.P99), Median(r.Value, x => x.PgBenchRate),
            Median(r.Value, x => x.PgBenchLatency), Median(r.Value, x => x.Load.Rate / x.PgBenchRate), Median(r.Value, x => x.ApiMicroseconds), Median(r.Value, x => x.DatabaseMicroseconds),
        }));
        report.Text($"Aims: ratio at least 0.5, at least 1,500/s with 32 clients, p50 under 5 ms with one. Medians of {Rounds} rounds of {options.LoadTime.TotalSeconds} s in turns. CPU is per Service created and includes what the creation causes in the background (statuses, change feed).");
    }

    /// <summary>What the creates caused in the background is done.</summary>
    private static async Task QuietAsync(ApiProcess api)
    {
        var before = -1.0;
        await Deadline.UntilAsync("statuses written", async () =>
        {
            var now = (await api.MetricsAsync()).GetValueOrDefault("cn2_reconcile_statuses_written_total");
            var quiet = now == before;
            before = now;
            return quiet;
        }, 60, 300);
    }

    private static double Median(List<Round> rounds, Func<Round, double> value) => rounds.Select(value).Order().ElementAt(rounds.Count / 2);

    private ApiProcess Start(PostgresServer postgres) => new(network, postgres.ConnectionString, ("Bgp__ListenPort", "-1"));

    private static (double Rate, double Latency) PgBench(PostgresServer postgres, string script, int clients, TimeSpan time, int run)
    {
        var file = Path.Combine(postgres.Socket, "create-service.sql");
        File.WriteAllText(file, script);
        postgres.Sql("pgbench", "SELECT cn2_refill(id, 100000) FROM subnet");
        postgres.Sql("pgbench", "ANALYZE");
        var output = RunningProcess.Run(Path.Combine(postgres.Binaries, "pgbench"), "-h", postgres.Socket, "-U", "postgres", "-n", "-M", "prepared",
            "-c", $"{clients}", "-j", $"{Math.Min(clients, 2)}", "-T", $"{(int)time.TotalSeconds}", "-D", $"run={run}", "-D", "seq=0", "-f", file, "pgbench");
        return (Number(Tps().Match(output)), Number(Latency().Match(output)));

        double Number(Match match) => match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : throw new InvalidOperationException(output);
    }

    /// <summary>The script with this database's subnets, and the spec as the API has just written it.</summary>
    private static string Script(PostgresServer postgres)
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "create-service.sql"));
        var service = (int)postgres.Scalar("SELECT id FROM subnet WHERE external_network_uid IS NULL AND family(cidr) = 4")!;
        var external = (int)postgres.Scalar("SELECT id FROM subnet WHERE external_network_uid IS NOT NULL")!;
        var values = new Dictionary<string, string>
        {
            ["SERVICE_SUBNET"] = $"{service}",
            ["EXTERNAL_SUBNET"] = $"{external}",
            ["FIRST_SUBNET"] = $"{Math.Min(service, external)}",
            ["SECOND_SUBNET"] = $"{Math.Max(service, external)}",
            ["SERVICE_CIDR"] = (string)postgres.Scalar($"SELECT cidr::text FROM subnet WHERE id = {service}")!,
            ["EXTERNAL_CIDR"] = (string)postgres.Scalar($"SELECT cidr::text FROM subnet WHERE id = {external}")!,
            ["NETWORK"] = (string)postgres.Scalar($"SELECT external_network_uid::text FROM subnet WHERE id = {external}")!,
            ["SPEC"] = (string)postgres.Scalar("SELECT spec::text FROM service")!,
        };
        return Word().Replace(text, m => values[m.Groups[1].Value]);
    }

    [GeneratedRegex("@([A-Z_]+)@")]
    private static partial Regex Word();

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Tps();

    [GeneratedRegex(@"latency average = ([0-9.]+) ms")]
    private static partial Regex Latency();

    private sealed record Round(LoadResult Load, double PgBenchRate, double PgBenchLatency, double ApiMicroseconds, double DatabaseMicroseconds);
}
