using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// Part of (i): what the entry in the audit log costs a create. No setting switches the log off, so it is measured in the database: pgbench with the
/// transaction of a POST, next to the same without the entry.
/// </summary>
internal sealed class AuditCost(Report report, BenchOptions options, ApiDatabase postgres)
{
    private const int Rounds = 5;
    private static readonly int[] Clients = [1, 8, 32];

    public void Run()
    {
        var pgbench = new PgBench(postgres);
        pgbench.For(8, TimeSpan.FromSeconds(2));
        var time = options.LoadTime / 4;
        var runs = Clients.ToDictionary(c => c, _ => new List<(double With, double Without)>());
        for (var round = 0; round < Rounds; round++)
        {
            Progress.Step($"(i) pgbench with and without the audit log's entry, round {round + 1} of {Rounds}");
            pgbench.Prepare();
            foreach (var clients in Clients)
            {
                // What comes second finds larger tables, so each is first in turns.
                var isFirst = round % 2 == 0;
                var first = pgbench.Short(clients, time, isFirst).Rate;
                var second = pgbench.Short(clients, time, !isFirst).Rate;
                runs[clients].Add(isFirst ? (first, second) : (second, first));
            }
        }

        report.Table(["clients", "pgbench/s with the entry", "without", "ratio"], runs.Select(r => new object[]
            { r.Key, r.Value.Median(x => x.With), r.Value.Median(x => x.Without), r.Value.Median(x => x.With / x.Without) }));
        report.Text($"The audit log: the transaction of one POST by pgbench, with its INSERT into the table audit and without. Medians of {Rounds} rounds in turns. The server has no setting that leaves the entry out.");
        foreach (var (clients, rounds) in runs) report.Add(Aim.AtLeast($"(i) transactions a second with the audit log's entry next to those without, {clients} client(s)", 0.9, rounds.Median(x => x.With / x.Without), ""));
    }
}
