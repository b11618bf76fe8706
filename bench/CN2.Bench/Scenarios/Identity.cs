using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>(i) What it costs that callers say who they are, that writes are in the audit log, and that agents show certificates. One PostgreSQL; each server has a copy of one database.</summary>
internal sealed class Identity(PrivateNetwork network, Report report, BenchOptions options)
{
    /// <summary>Nothing is announced: no routers, no gobgpd.</summary>
    public static readonly (string Name, string Value)[] Settings = [("Bgp__Engine", "none")];

    public async Task RunAsync()
    {
        Progress.Step($"(i) identity: PostgreSQL, one Service");
        // More connections than by default: three servers share it.
        using var postgres = new ApiDatabase(network, "pg-identity", "max_connections=200");
        using (var first = new ApiProcess(network, postgres.ConnectionString, Settings))
        {
            await first.ReadyAsync();
            await first.AddExternalNetworkAsync();
            using var line = ServiceLoad.Connect();
            ServiceLoad.One(line, "first", "nobody");
        }

        report.Heading("(i) Identity");
        new AuditCost(report, options, postgres).Run();
        await new CallerCost(network, report, options, postgres).RunAsync();
        await new AgentStorm(network, report, options, postgres).RunAsync();
    }
}
