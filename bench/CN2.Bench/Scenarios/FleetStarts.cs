extern alias agent;

using System.Diagnostics;
using agent::CN2.VRouter;
using agent::CN2.VRouter.V1;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// Parts 3, 4, 5 and 7 of (j): many Services, of which every agent gets all. The server is restarted; all agents drop and come back; nothing happens. Next to
/// the same bytes from a server that only sends them, and to the server before the first agent.
/// </summary>
internal sealed class FleetStarts(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private static readonly Uri BareServer = new($"http://{Site.ControlNode}:8089");

    private readonly List<object[]> _wholes = [];
    private readonly List<object[]> _idle = [];
    private int _services;

    public async Task RunAsync()
    {
        if (options.FleetParts.Overlaps([3, 4, 5]))
        {
            Grow(options.Medium);
            if (options.FleetParts.Contains(3)) await AtAsync(options.Agents / 10, new Aims(3, 512), [3]);
            await AtAsync(options.Agents, new Aims(15, 1024), [.. options.FleetParts.Intersect([3, 4, 5])]);
        }

        if (options.FleetParts.Contains(7) && options.Large > 0)
        {
            Grow(options.Medium);
            await AtAsync(options.Agents * 5, new Aims(60, 2048), [7]);
            Grow(options.Large);
            await AtAsync(options.Agents / 10, new Aims(20, 2048), [7]);
            await AtAsync(options.Agents, new Aims(60, 2048), [7]);
        }

        Tell();
    }

    /// <summary>The rows of so many Services, while no server runs.</summary>
    private void Grow(int services)
    {
        if (services <= _services) return;
        Progress.Step($"(j) the rows of {services:N0} Services");
        ServiceSeed.Insert(postgres, _services + 1, services, FleetSite.Endpoints);
        _services = services;
    }

    private async Task AtAsync(int agents, Aims aims, HashSet<int> parts)
    {
        Progress.Step($"(j) {agents:N0} agents, {_services:N0} Services");
        await using var site = await FleetSite.StartAsync(network, postgres, "fleet_starts");
        await site.AddEndpointsAsync(agents);
        var begun = await site.QuietAsync();
        var without = parts.Contains(5) && begun.Fault is null ? await RestAsync(site) : null;
        var whole = new FirstWhole();
        // The last one to come is sent everything as all are: endpoints of nodes that never were here are not served.
        if (begun.Fault is null) begun = await site.GrowAsync(agents - 1);
        if (begun.Fault is null)
        {
            site.Fleet.Add(1, witness: whole.Take);
            begun = await site.GrowAsync(agents);
            site.Fleet.AddressesOfWhole = whole.Addresses;
        }

        if (parts.Contains(5)) TellIdle(agents, without, begun.Fault is null ? await RestAsync(site) : null);
        if (begun.Fault is not null) _wholes.Add([_services, agents, "first connection", begun.Cell, "", "", MiB(whole.Bytes), "", "", site.PeakMiB, site.Fleet.Broken, site.Fleet.Attempts / (double)agents]);
        foreach (var part in parts.Where(p => p is 3 or 7))
        {
            var what = FormattableString.Invariant($"(j{part}) server restarted, {_services:N0} Services, {agents:N0} agents");
            var restarted = await WholeAsync(site, "server restarted", begun, whole, site.RestartAsync);
            report.Add(restarted.AtMost($"{what}: every agent has its whole", aims.Seconds));
            report.Add(Aim.Under($"{what}: CN2.Api resident at most", aims.MiB, site.PeakMiB, " MiB"));
        }

        if (parts.Contains(4))
        {
            var dropped = await WholeAsync(site, "all agents drop", begun, whole, site.DropAsync);
            report.Add(dropped.AtMost(FormattableString.Invariant($"(j4) {agents:N0} agents drop and come back, {_services:N0} Services: every agent has its whole"), 10));
        }
    }

    /// <summary>What makes all agents get their whole anew, and the same bytes as often from a bare stream.</summary>
    private async Task<Outcome> WholeAsync(FleetSite site, string what, Outcome begun, FirstWhole whole, Func<Task<Outcome>> act)
    {
        if (begun.Fault is not null) return begun;
        Progress.Step($"(j) {what}");
        var (broken, attempts, own, before) = (site.Fleet.Broken, site.Fleet.Attempts, Environment.CpuUsage.TotalTime, site.Processor);
        var outcome = await act();
        // A process that was started anew counts from zero.
        var processor = site.Processor < before ? site.Processor : site.Processor - before;
        own = Environment.CpuUsage.TotalTime - own;
        await site.QuietAsync();
        var agents = site.Fleet.Agents.Length;
        var bare = await BareAsync(agents, whole);
        _wholes.Add(
        [
            _services, agents, what, outcome.Cell, bare.Cell, outcome.Fault is null && bare.Fault is null ? outcome.Seconds / bare.Seconds : "", MiB(whole.Bytes), processor.TotalSeconds, own.TotalSeconds,
            site.PeakMiB, site.Fleet.Broken - broken, (site.Fleet.Attempts - attempts) / (double)agents,
        ]);
        return outcome;
    }

    /// <summary>As many agents, which connect at once to a server that has nothing to do but to send the same bytes; one group after another, because they share the process with that server.</summary>
    private static async Task<Outcome> BareAsync(int agents, FirstWhole whole)
    {
        Progress.Step($"(j) the same bytes to {agents:N0} agents by a bare stream");
        await using var server = await BareStream.StartAsync(BareServer, whole.Messages);
        var seconds = 0.0;
        for (var left = agents; left > 0; left -= FleetSite.MostAtOnce)
        {
            await using var fleet = new Fleet([BareServer], FleetSite.Seed) { AddressesOfWhole = whole.Addresses };
            var clock = Stopwatch.StartNew();
            fleet.Add(Math.Min(left, FleetSite.MostAtOnce));
            try
            {
                await Eventually.TrueAsync(() => fleet.Whole == fleet.Good, "the agents of the bare stream have their whole", 120);
            }
            catch (TimeoutException)
            {
                return new Outcome(seconds + clock.Elapsed.TotalSeconds, "not within 120 s");
            }

            seconds += clock.Elapsed.TotalSeconds;
        }

        return new Outcome(seconds);
    }

    private static async Task<Rest> RestAsync(FleetSite site)
    {
        Progress.Step($"(j5) nothing happens, {site.Fleet.Agents.Length:N0} agents, 20 s");
        var clock = Stopwatch.StartNew();
        var (transactions, processor) = (site.Transactions, site.Processor);
        await Task.Delay(TimeSpan.FromSeconds(20));
        return new Rest((site.Transactions - transactions) / clock.Elapsed.TotalSeconds, 100 * ((site.Processor - processor) / clock.Elapsed));
    }

    private void TellIdle(int agents, Rest? without, Rest? with)
    {
        if (without is not null) _idle.Add([0, without.Transactions, without.Processor]);
        var what = FormattableString.Invariant($"(j5) {agents:N0} idle agents");
        if (without is null || with is null)
        {
            report.Add(new Aim($"{what}: transactions a second and processor", "under 2, under 5 %", "not measured", false, "the agents did not get their whole"));
            return;
        }

        _idle.Add([agents, with.Transactions, with.Processor]);
        report.Add(Aim.Under($"{what}: transactions a second more than without", 2, with.Transactions - without.Transactions, ""));
        report.Add(Aim.Under($"{what}: of a processor, CN2.Api", 5, with.Processor, " %"));
    }

    private void Tell()
    {
        if (_wholes.Count > 0)
        {
            report.Table(["Services", "agents", "", "every agent has its whole s", "bare stream s", "ratio", "MiB an agent", "CPU API s", "CPU of bench s", "API at most MiB", "broken streams", "connections an agent"], _wholes);
            report.Text($"Restarted: from the start of the new process until the last agent has its whole; agents try once a second. Drop: all connections end at the same moment, and the agents come back a second later. An agent that hears nothing of the server for {AnswerWait.Silence.TotalSeconds} s, or then has no answer for {HeartbeatProtocol.Patience.TotalSeconds} s, connects anew, as cn2-vrouter does. The bare stream is a server in the bench's process that sends each of as many new agents the same bytes, made beforehand, to at most {FleetSite.MostAtOnce:N0} agents at a time. CPU and memory of the API are of its process since it was started. A restart breaks each stream once.");
        }

        if (_idle.Count == 0) return;
        report.Table(["agents", "transactions/s", "of a processor %"], _idle);
        report.Text($"Nothing but heartbeats for 20 s, {options.Medium:N0} Services; transactions of PostgreSQL in the server's database, and the processor time of CN2.Api.");
    }

    private static double MiB(long bytes) => bytes / 1024.0 / 1024;

    /// <summary>What is wanted after a restart: seconds until every agent has its whole, and memory of the server meanwhile.</summary>
    private sealed record Aims(double Seconds, double MiB);

    /// <summary>A second of rest: transactions of PostgreSQL, and per cent of a processor.</summary>
    private sealed record Rest(double Transactions, double Processor);
}
