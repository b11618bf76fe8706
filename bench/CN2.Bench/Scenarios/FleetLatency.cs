using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// Parts 2 and 6 of (j): from a POST to the acknowledgement of the one node with the Service's endpoint, next to the same with that agent alone, or in good
/// company alone.
/// </summary>
internal sealed class FleetLatency(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private const string App = "load";

    /// <summary>Clients of part 6: something is always on its way to the agents.</summary>
    private const int Clients = 8;

    private readonly int _few = options.Agents / 10;

    /// <summary>With the others, nearly as many connections as the server takes of one address (<see cref="FleetSite"/>).</summary>
    private int Silent => options.Agents * 9;

    private int Creates => 40 * (int)options.LoadTime.TotalSeconds;

    /// <summary>Of part 6: so many that its p99 is not the moment at which the others come.</summary>
    private int CreatesOfMany => 10 * Creates;

    public async Task AcknowledgedAsync()
    {
        await using var site = await FleetSite.StartAsync(network, postgres, "fleet_latency");
        var arrivals = await BeginAsync(site, 1);
        var rows = new List<object[]>();
        foreach (var agents in (int[])[1, _few, options.Agents])
        {
            Progress.Step($"(j2) POST to acknowledged, {agents:N0} agents");
            var grown = await site.GrowAsync(agents);
            var run = grown.Fault is null ? await AcknowledgedCreates.RunAsync(1, Creates, $"n{agents}", App, arrivals) : new AcknowledgedCreates.Run(grown.Fault);
            rows.Add([agents, .. run.Cells, site.Fleet.Broken]);
            if (agents != options.Agents) continue;
            report.Add(AtMost(FormattableString.Invariant($"(j2) POST to acknowledged, {agents:N0} agents, p50"), 8, run, l => l.P50, " ms"));
            report.Add(AtMost(FormattableString.Invariant($"(j2) POST to acknowledged, {agents:N0} agents, p99"), 25, run, l => l.P99, " ms"));
        }

        report.Table(["agents", "p50 ms", "p99 ms", "longest ms", "broken streams"], rows);
        report.Text($"POST to acknowledged: one client creates a Service, waits until the agent with its endpoint has its NAT entries, and creates the next; {Creates} times. The agent's own clock counts; it acknowledges at once.");
    }

    public async Task MisbehavingAsync()
    {
        await using var site = await FleetSite.StartAsync(network, postgres, "fleet_bad");
        var arrivals = await BeginAsync(site, _few);
        var rows = new List<object[]>();
        Latencies? alone = null;
        foreach (var (what, bad) in Companies())
        {
            foreach (var behaviour in bad) site.Fleet.Add(1, behaviour);
            await MeasureAsync(what, () => site.Fleet.Agents.Where(a => !a.IsGood).Sum(a => a.Attempts));
        }

        await using var silent = await SilentConnections.OpenAsync(FleetSite.AgentsEndPoint, Silent);
        await MeasureAsync(FormattableString.Invariant($"with these and {Silent:N0} that connect and say nothing"), () => silent.Attempts);

        async Task MeasureAsync(string what, Func<int> attempts)
        {
            Progress.Step($"(j6) {_few} good agents {what}");
            var grown = await site.WholeAsync(); // the server never comes to rest beside agents that reconnect
            var run = grown.Fault is null ? await AcknowledgedCreates.RunAsync(Clients, CreatesOfMany / Clients, $"c{rows.Count}", App, arrivals) : new AcknowledgedCreates.Run(grown.Fault);
            rows.Add([what, .. run.Cells, site.PeakMiB, site.Fleet.Broken, attempts()]);
            if (alone is { } reference) report.Add(AtMost($"(j6) good agents {what}: p99 of POST to acknowledged next to them alone", 1.5, run, l => l.P99 / reference.P99, ""));
            alone ??= run.Latencies;
        }

        report.Table([FormattableString.Invariant($"{_few} good agents"), "p50 ms", "p99 ms", "longest ms", "API at most MiB", "broken streams", "connections of the others"], rows);
        report.Text($"The same with {Clients} clients and {CreatesOfMany:N0} Services, from the moment at which the others come. The slow agent reads a message every 100 ms, the stopped one stops reading at the first message of each snapshot, the frozen one stands still with its connection open. The mixture has by a seed: agents that never acknowledge, that acknowledge what they never got, that come anew every second, that begin a stream and say nothing, and those three. The silent ones are TCP connections on which nothing is sent; of these, the last column has only them. Broken streams are those of good agents.");
    }

    private IEnumerable<(string What, AgentBehaviour[] Bad)> Companies()
    {
        yield return ("alone", []);
        yield return ("with a slow, a stopped and a frozen one", [AgentBehaviour.Slow, AgentBehaviour.StopsReading, AgentBehaviour.Freezes]);
        var sorts = Enum.GetValues<AgentBehaviour>().Where(b => b != AgentBehaviour.Good).ToArray();
        yield return (FormattableString.Invariant($"with these and {_few} of all sorts"), new Random(FleetSite.Seed).GetItems(sorts, _few));
    }

    /// <summary>The endpoint and so many agents, the first of them with the endpoint, on a server that is warm.</summary>
    private async Task<Arrivals> BeginAsync(FleetSite site, int agents)
    {
        await site.AddEndpointAsync(App);
        var arrivals = new Arrivals();
        site.Fleet.Add(1, witness: arrivals.Take);
        await site.GrowAsync(agents);
        await site.WarmUpAsync(options, App);
        return arrivals;
    }

    private static Aim AtMost(string what, double target, AcknowledgedCreates.Run run, Func<Latencies, double> value, string unit) =>
        run.Latencies is { } latencies ? Aim.AtMost(what, target, value(latencies), unit) : new Aim(what, $"at most {target}{unit}", run.Fault!, false, "not reached");
}
