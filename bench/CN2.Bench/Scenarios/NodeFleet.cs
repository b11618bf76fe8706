using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>(j) A fleet of nodes on one control node, and in part 8 on several: agents are played by the bench over gRPC streams of their own. Each part has servers of its own, with copies of one database.</summary>
internal sealed class NodeFleet(PrivateNetwork network, Report report, BenchOptions options)
{
    public async Task RunAsync()
    {
        Progress.Step($"(j) a fleet: PostgreSQL, one Service");
        using var postgres = new ApiDatabase(network, "pg-fleet");
        using (var first = new ApiProcess(network, postgres.ConnectionString, ("Bgp__Engine", "none")))
        {
            await first.ReadyAsync();
            await first.AddExternalNetworkAsync();
            using var line = ServiceLoad.Connect();
            ServiceLoad.One(line, "web", "web"); // the model of those written by SQL
        }

        report.Heading("(j) A fleet of nodes");
        var parts = options.FleetParts;
        if (parts.Contains(1)) await new FleetCreates(network, report, options, postgres).RunAsync();
        var latency = new FleetLatency(network, report, options, postgres);
        if (parts.Contains(2)) await latency.AcknowledgedAsync();
        if (parts.Contains(6)) await latency.MisbehavingAsync();
        if (parts.Contains(9)) await new FleetFlaps(network, report, options, postgres).RunAsync();
        if (parts.Contains(8)) await new FleetReplicas(network, report, options, postgres).RunAsync();
        if (parts.Overlaps([3, 4, 5, 7])) await new FleetStarts(network, report, options, postgres).RunAsync();
    }
}
