using System.Globalization;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>Part 8 of (j): the same agents and the same creates with one replica and with several that share the agents, and the death of one of these.</summary>
internal sealed class FleetReplicas(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private const int Clients = 32;
    private const int Several = 3;
    private const string App = "load";

    public async Task RunAsync()
    {
        var rows = new List<object[]>();
        foreach (var replicas in (int[])[1, Several]) await AtAsync(replicas, rows);
        report.Table(["replicas", "agents of each", "creates/s", "p50 ms", "p99 ms", "all up to date s", "CPU of each a create ms", "CPU of PostgreSQL a create ms", "one killed: all whole s", "started again: has its share s", "vRouters lost", "broken streams"], rows);
        report.Text($"{options.Agents:N0} agents, each at one replica by its own order of the servers. {Clients} clients create Services for {options.LoadTime.TotalSeconds} s at the first replica, as in j1; all replicas, agents and PostgreSQL share the machine. One killed: SIGKILL to the last replica after the creates, until all its agents have everything from the others. Started again: until the others have sent it its share, but for a twentieth; that begins after 10 s.");
    }

    private async Task AtAsync(int replicas, List<object[]> rows)
    {
        await using var site = await FleetSite.StartAsync(network, postgres, "fleet_replicas", replicas);
        await site.AddEndpointAsync(App);
        Progress.Step($"(j8) {options.Agents:N0} agents, {replicas} replicas");
        var begun = await site.GrowAsync(options.Agents);
        if (begun.Fault is null) begun = await site.WarmUpAsync(options, App);
        var what = FormattableString.Invariant($"(j8) one of {Several} replicas is killed, {options.Agents:N0} agents: its agents have their whole at the others");
        if (begun.Fault is { } fault)
        {
            rows.Add([replicas, fault]);
            if (replicas > 1) report.Add(begun.AtMost(what, 5));
            return;
        }

        var agents = await site.AgentsAsync();
        Progress.Step($"(j8) {Clients} clients create Services for {options.LoadTime.TotalSeconds} s");
        var (before, database) = (site.Replicas.Select(r => r.ProcessorTime).ToList(), postgres.Server.ProcessorTime);
        var load = ServiceLoad.For(Clients, options.LoadTime, "load", app: App);
        var caughtUp = await site.CaughtUpAsync();
        await site.QuietAsync();
        var processor = site.Replicas.Zip(before, (r, b) => ((r.ProcessorTime - b).TotalMilliseconds / load.Created).ToString("F2", CultureInfo.InvariantCulture)).ToList();
        var databaseTime = (postgres.Server.ProcessorTime - database).TotalMilliseconds / load.Created;
        var (lost, back) = replicas > 1 ? (await site.LoseReplicaAsync(), await site.ReturnReplicaAsync()) : (null, null);
        rows.Add(
        [
            replicas, string.Join(", ", agents), load.Rate, load.Latencies.P50, load.Latencies.P99, caughtUp.Cell, string.Join(", ", processor), databaseTime, lost?.Cell ?? "", back?.Cell ?? "", site.Lost, site.Fleet.Broken,
        ]);
        if (site.Lost > 0) Progress.Step($"(j8) lost or held: {site.LostEvents}");
        if (lost is null) return;
        report.Add(lost.AtMost(what, 5));
        report.Add(Aim.AtMost("(j8) vRouters that were lost or held meanwhile", 0, site.Lost, ""));
    }
}
