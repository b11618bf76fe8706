extern alias agent;

using System.Diagnostics;
using System.Globalization;
using agent::CN2.VRouter.V1;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>Part 9 of (j): an endpoint that very many Services choose turns once a second, while others create Services and wait for them.</summary>
internal sealed class FleetFlaps(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    /// <summary>Of the endpoint that all choose.</summary>
    private const string Crowded = "g0";

    /// <summary>Of the endpoint of those that are created meanwhile. It is on the same node.</summary>
    private const string App = "load";

    private readonly int _services = 2 * options.Medium;

    private int Creates => 40 * (int)options.LoadTime.TotalSeconds;

    private int Turns => 6 * (int)options.LoadTime.TotalSeconds;

    public async Task RunAsync()
    {
        var what = string.Create(CultureInfo.InvariantCulture, $"(j9) an endpoint of {_services:N0} Services turns {Turns} times, {options.Agents:N0} agents");
        Progress.Step($"{what}");
        await using var site = await FleetSite.StartAsync(network, postgres, "fleet_flaps");
        site.AddServices(_services, endpoints: 1);
        await site.AddEndpointAsync(Crowded, "10.245.0.1");
        await site.AddEndpointAsync(App, "10.245.0.2");
        var (arrivals, backed) = (new Arrivals(), new BackedAddresses());
        site.Fleet.Add(1, witness: bytes =>
        {
            var (now, message) = (Stopwatch.GetTimestamp(), ServerMessage.Parser.ParseFrom(bytes));
            arrivals.Take(now, message);
            backed.Take(message);
        });
        var begun = await site.GrowAsync(options.Agents);
        if (begun.Fault is null) begun = await site.WarmUpAsync(options, App);
        if (begun.Fault is not null)
        {
            report.Add(begun.AtMost(what, 0));
            return;
        }

        var still = await AcknowledgedCreates.RunAsync(1, Creates, "still", App, arrivals);
        await site.QuietAsync();
        var entries = backed.Count + Creates;
        Progress.Step($"(j9) it turns, {Turns} s");
        var turning = TurnAsync(site);
        var beside = await AcknowledgedCreates.RunAsync(1, Creates, "beside", App, arrivals, until: turning);
        var longest = await turning;
        var caughtUp = await site.CaughtUpAsync();
        var back = await site.WaitAsync("the node has the endpoint in all entries", () => backed.Count >= entries);
        var agreed = new Outcome(caughtUp.Seconds + back.Seconds, caughtUp.Fault ?? back.Fault);
        report.Table(
            ["the endpoint", "p50 ms", "p99 ms", "longest ms", "its longest PATCH ms", "all agents up to date after s", "its node has it in all entries after s", "API at most MiB", "broken streams"],
            [["does not turn", .. still.Cells, "", "", "", "", ""], ["turns", .. beside.Cells, longest.TotalMilliseconds, caughtUp.Cell, agreed.Cell, site.PeakMiB, site.Fleet.Broken]]);
        report.Text($"POST to acknowledged, as in (j2), by one client. The other endpoint becomes unready and ready again, a PATCH each second; it ends ready. The Services have that endpoint alone.");
        report.Add(agreed.AtMost($"{what}: all agree after it", 5));
    }

    /// <summary>One PATCH a second.</summary>
    /// <returns>How long the longest took.</returns>
    private async Task<TimeSpan> TurnAsync(FleetSite site)
    {
        var longest = TimeSpan.Zero;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var i = 1; i <= Turns; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            await site.Api.SendAsync(HttpMethod.Patch, $"/v1/namespaces/default/virtual-machine-interfaces/{Crowded}", $$"""{"ready":{{(i % 2 == 0 ? "true" : "false")}}}""");
            var took = TimeProvider.System.GetElapsedTime(began);
            if (took > longest) longest = took;
            if (i < Turns) await timer.WaitForNextTickAsync();
        }

        return longest;
    }
}
