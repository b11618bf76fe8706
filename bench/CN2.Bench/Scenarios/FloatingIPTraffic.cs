using System.Globalization;
using System.Text.RegularExpressions;
using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(e) New connections a second and throughput through a FloatingIP, next to the same straight to the pod over the same nodes.</summary>
internal sealed partial class FloatingIPTraffic(Site site, Report report)
{
    // Many short turns: the machine changes within seconds, and what both ways see of that is divided out.
    private const int Rounds = 15;
    private const int Seconds = 1;
    private readonly List<Result> _connections = [];
    private readonly List<Result> _throughput = [];

    private sealed record Result(int Services, double FloatingIP, double Straight, double Ratio);

    public void Run()
    {
        var connections = new List<(double, double)>();
        var throughput = new List<(double, double)>();
        for (var round = 0; round <= Rounds; round++)
        {
            Progress.Step($"(e) traffic with {site.Services:N0} Services programmed, round {round} of {Rounds}");
            var opened = BothWays("/", Connections);
            var loaded = BothWays(Site.LargePage, Throughput);
            if (round == 0) continue; // warms the caches up
            connections.Add(opened);
            throughput.Add(loaded);
        }

        _connections.Add(Medians(connections));
        _throughput.Add(Medians(throughput));
    }

    private (double FloatingIP, double Straight) BothWays(string page, Func<string, double> measure) =>
        (measure($"http://{site.WebAddress}:8080{page}"), measure($"http://{Site.PodAddress}:81{page}"));

    private Result Medians(List<(double FloatingIP, double Straight)> rounds) =>
        new(site.Services, Median(rounds.Select(r => r.FloatingIP)), Median(rounds.Select(r => r.Straight)), Median(rounds.Select(r => r.FloatingIP / r.Straight)));

    private static double Median(IEnumerable<double> figures) => figures.Order().ElementAt(Rounds / 2);

    public void Tell()
    {
        report.Heading("(e) New connections a second through a FloatingIP");
        Tell(_connections, "/s", "connections a second");
        report.Text($"One request each, 16 at a time, medians of {Rounds} times {Seconds} s in turns; the ratio is the median of the rounds' ratios. Minutes lie between the two numbers of Services: the straight way tells how the machine has changed meanwhile, and is divided out where the two are compared.");
        report.Heading("(e) Throughput through a FloatingIP");
        Tell(_throughput, "Mbit/s", "throughput");
        report.Text($"One connection that loads a page of {Site.LargePageBytes >> 20} MiB again and again; medians as above.");
    }

    private void Tell(List<Result> results, string unit, string what)
    {
        report.Table(["Services programmed", $"through the FloatingIP {unit}", $"straight to the pod {unit}", "ratio"], results.Select(r => new object[] { r.Services, r.FloatingIP, r.Straight, r.Ratio }));
        if (results is not [var few, var many]) return;
        report.Add(Aim.AtMost(FormattableString.Invariant($"(e) {what}, {few.Services:N0} and {many.Services:N0} Services apart by, next to the straight way"), 5, Math.Abs((many.Ratio / few.Ratio) - 1) * 100, " %"));
    }

    private static double Connections(string url) => RequestsPerSecond("-c", "16", "-H", "Connection: close", url);

    private static double Throughput(string url) => RequestsPerSecond("-c", "1", url) * Site.LargePageBytes * 8 / 1e6;

    private static double RequestsPerSecond(params string[] options)
    {
        var output = PrivateNetwork.Exec(Site.Client, ["wrk", "-t", "1", "-d", $"{Seconds}s", .. options]);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || RequestsLine().Match(output) is not { Success: true } line) throw new InvalidOperationException(output);
        return double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex RequestsLine();
}
