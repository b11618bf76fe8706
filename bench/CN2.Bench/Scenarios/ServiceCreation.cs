using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// (a) Service creates a second over HTTP, next to pgbench sending the same SQL to the same server. Both get a copy of one database;
/// the API is idle while pgbench runs.
/// </summary>
internal sealed class ServiceCreation(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Rounds = 3;
    private static readonly int[] Clients = [1, 8, 32];

    public async Task RunAsync()
    {
        Progress.Step($"(a) creating Services: PostgreSQL, gobgpd, CN2.Api");
        using var postgres = new ApiDatabase(network, "pg-create");
        using var engine = new BgpEngine(network);
        using (var first = Start(postgres))
        {
            await first.ReadyAsync();
            await first.AddExternalNetworkAsync();
            using var line = ServiceLoad.Connect();
            ServiceLoad.One(line, "first", "nobody");
        }

        var pgbench = new PgBench(postgres);
        var rows = Rows(postgres, ApiDatabase.Name, "first");
        var same = Rows(postgres, PgBench.Database, pgbench.One());
        if (rows != same) throw new InvalidOperationException($"create-service.sql is not what CN2.Api sends: rows of one create are {rows}, of one transaction of pgbench {same}");

        using var api = Start(postgres);
        await api.ReadyAsync();
        // Until the compiler's second tier is through, a request costs several times what it does later.
        Progress.Step($"(a) warming up, {options.WarmUp.TotalSeconds} s");
        ServiceLoad.For(8, options.WarmUp, "warm");
        await api.QuietAsync();
        pgbench.For(8, TimeSpan.FromSeconds(2));

        // In turns, so that what else the machine does meets both.
        var runs = Clients.ToDictionary(c => c, _ => new List<Round>());
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var clients in Clients)
            {
                Progress.Step($"(a) round {round} of {Rounds}, {clients} clients, {options.LoadTime.TotalSeconds} s each of pgbench and CN2.Api");
                var reference = pgbench.For(clients, options.LoadTime);
                var (apiTime, databaseTime) = (api.ProcessorTime, postgres.Server.ProcessorTime);
                var load = ServiceLoad.For(clients, options.LoadTime, $"r{round}c{clients}");
                await api.QuietAsync();
                runs[clients].Add(new Round(load, reference, (api.ProcessorTime - apiTime).TotalMicroseconds / load.Created, (postgres.Server.ProcessorTime - databaseTime).TotalMicroseconds / load.Created));
            }
        }

        Progress.Step($"(a) what a request costs that creates nothing");
        var dry = ServiceLoad.For(1, options.LoadTime, "dry", Door.DryRun);
        Tell(runs, rows, dry.Latencies.P50, ServiceLoad.Get("/livez", 5000).P50);
    }

    private void Tell(Dictionary<int, List<Round>> runs, string rows, double dry, double bare)
    {
        report.Heading("(a) Creating Services");
        report.Table(["clients", "creates/s", "p50 ms", "p99 ms", "pgbench/s", "pgbench p50 ms", "pgbench p99 ms", "ratio", "CPU API µs", "CPU PostgreSQL µs"], runs.Select(r => new object[]
        {
            r.Key, r.Value.Median(x => x.Load.Rate), r.Value.Median(x => x.Load.Latencies.P50), r.Value.Median(x => x.Load.Latencies.P99), r.Value.Median(x => x.PgBench.Rate),
            r.Value.Median(x => x.PgBench.Latencies.P50), r.Value.Median(x => x.PgBench.Latencies.P99), r.Value.Median(x => x.Ratio), r.Value.Median(x => x.ApiMicroseconds),
            r.Value.Median(x => x.DatabaseMicroseconds),
        }));
        report.Text($"Medians of {Rounds} rounds of {options.LoadTime.TotalSeconds} s in turns; the clients share the processors with both. Rows of one transaction, counted alike for both: {rows}. pgbench commits every create; CN2.Api does so with up to three waiting, and lets more share transactions. It refills its pools of addresses meanwhile, pgbench finds them filled. CPU is per Service created and includes what the creation causes in the background (statuses, change feed).");
        report.Text($"A client alone, p50: {bare:0.00} ms for a request that asks nothing of the database (/livez), {dry:0.00} ms for the same create with dryRun, which does everything but keep it and has nothing in the background.");
        foreach (var (clients, rounds) in runs) report.Add(Aim.AtLeast($"(a) creates a second next to pgbench with the same SQL, {clients} client(s)", clients == 1 ? 0.8 : 0.5, rounds.Median(x => x.Ratio), ""));
        report.Add(Aim.AtLeast("(a) creates a second, 32 clients", 1500, runs[32].Median(x => x.Load.Rate), ""));
        report.Add(Aim.Under("(a) p50 of one client", 5, runs[1].Median(x => x.Load.Latencies.P50), " ms"));
    }

    private ApiProcess Start(ApiDatabase postgres) => new(network, postgres.ConnectionString, ("Bgp__ListenPort", "-1"));

    /// <summary>What the transaction that created this Service inserted, table by table.</summary>
    private static string Rows(ApiDatabase postgres, string database, string service)
    {
        var tables = (string[])postgres.Scalar("SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'", database)!;
        var counts = tables.Select(t => (Table: t, Count: (long)postgres.Scalar(
            $"SELECT count(*) FROM \"{t}\" WHERE xmin = (SELECT xmin FROM change WHERE kind = 4 AND verb = 1 AND NOT status_only AND name = '{service}')", database)!));
        return string.Join(", ", counts.Where(c => c.Count > 0).Select(c => $"{c.Table} {c.Count}"));
    }

    private sealed record Round(LoadResult Load, PgBenchResult PgBench, double ApiMicroseconds, double DatabaseMicroseconds)
    {
        public double Ratio => Load.Rate / PgBench.Rate;
    }
}
