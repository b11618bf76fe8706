using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>Part 1 of (j): Service creates a second with agents, next to those of a server without.</summary>
internal sealed class FleetCreates(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private const int Clients = 32;

    /// <summary>What the Services choose: an endpoint on the first node.</summary>
    private const string App = "load";

    public async Task RunAsync()
    {
        var rows = new List<object[]>();
        var alone = 0.0;
        foreach (var agents in (int[])[0, options.Agents / 10, options.Agents])
        {
            await using var site = await FleetSite.StartAsync(network, postgres, "fleet_creates");
            await site.AddEndpointAsync(App);
            Progress.Step($"(j1) {agents:N0} agents");
            var begun = await site.GrowAsync(agents);
            if (begun.Fault is null) begun = await site.WarmUpAsync(options, App);
            if (begun.Fault is { } fault)
            {
                rows.Add([agents, fault]);
                report.Add(begun.AtMost(FormattableString.Invariant($"(j1) {agents:N0} agents are up to date after the creates"), 2));
                continue;
            }

            Progress.Step($"(j1) {Clients} clients create Services for {options.LoadTime.TotalSeconds} s");
            var (bytes, items, processor, own) = (site.Fleet.Bytes, site.Fleet.Items, site.Processor, Environment.CpuUsage.TotalTime);
            var load = ServiceLoad.For(Clients, options.LoadTime, "load", app: App);
            var caughtUp = await site.CaughtUpAsync();
            await site.QuietAsync();
            if (agents == 0) alone = load.Rate;
            rows.Add(
            [
                agents, load.Rate, load.Rate / alone, load.Latencies.P50, load.Latencies.P99, agents == 0 ? "" : caughtUp.Cell, (site.Processor - processor).TotalMilliseconds / load.Created,
                (Environment.CpuUsage.TotalTime - own).TotalMilliseconds / load.Created, PerAgent(site.Fleet.Bytes - bytes, agents, load), PerAgent(site.Fleet.Items - items, agents, load), site.PeakMiB, site.Fleet.Broken,
            ]);
            if (agents == 0) continue;
            report.Add(Aim.AtLeast(FormattableString.Invariant($"(j1) creates a second with {agents:N0} agents next to those without, {Clients} clients"), 0.8, load.Rate / alone, ""));
            report.Add(caughtUp.AtMost(FormattableString.Invariant($"(j1) {agents:N0} agents are up to date after the creates"), 2));
        }

        report.Table(["agents", "creates/s", "ratio", "p50 ms", "p99 ms", "all up to date s", "CPU API a create ms", "CPU of bench a create ms", "bytes an agent and create", "items", "API at most MiB", "broken streams"], rows);
        report.Text($"{Clients} clients for {options.LoadTime.TotalSeconds} s on a server of its own for each number of agents. Every Service chooses one endpoint, on the first node, so each create is a NAT entry and an address for every agent and an entry with a local endpoint for one. Two addresses and no entry are what agents get while the first node counts as lost. All up to date: from the end of the load until the last agent has the address of a Service created then. CPU of the API includes what the creates cause in the background; that of the bench is the clients' and the agents'.");
    }

    /// <summary>For each agent and create.</summary>
    private static double PerAgent(long count, int agents, LoadResult load) => agents == 0 ? 0 : count / (double)agents / load.Created;
}
