using System.Globalization;
using System.Text.RegularExpressions;
using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(e) New connections a second through a FloatingIP, next to the same straight to the pod over the same nodes.</summary>
internal sealed partial class ConnectionRate(Site site, Report report)
{
    private const int Rounds = 5;
    private const int Seconds = 3;
    private readonly List<(int Services, double FloatingIP, double Direct)> _results = [];

    public void Run()
    {
        var floating = new List<double>();
        var direct = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            Progress.Step($"(e) connections with {site.Services:N0} Services programmed, round {round} of {Rounds}");
            var (f, d) = (Wrk($"http://{site.WebAddress}:8080/"), Wrk($"http://{Site.PodAddress}:81/"));
            if (round == 0) continue; // warms the caches up
            floating.Add(f);
            direct.Add(d);
        }

        _results.Add((site.Services, floating.Order().ElementAt(Rounds / 2), direct.Order().ElementAt(Rounds / 2)));
    }

    public void Tell()
    {
        report.Heading("(e) New connections a second through a FloatingIP");
        report.Table(["Services programmed", "through the FloatingIP /s", "straight to the pod /s", "ratio"], _results.Select(c => new object[] { c.Services, c.FloatingIP, c.Direct, c.FloatingIP / c.Direct }));
        report.Text($"One request each, 16 at a time, medians of {Rounds} times {Seconds} s in turns. Minutes lie between the two numbers of Services: the straight way tells how the machine has changed meanwhile, and is divided out where the two are compared.");
        if (_results is not [var few, var many]) return;
        report.Add(Aim.AtMost(FormattableString.Invariant($"(e) connections a second, {few.Services:N0} and {many.Services:N0} Services apart by, next to the straight way"), 5, Apart(many.FloatingIP / many.Direct, few.FloatingIP / few.Direct), " %"));
        report.Add(Aim.AtMost("(e) the same, as measured", 5, Apart(many.FloatingIP, few.FloatingIP), " %"));

        static double Apart(double one, double other) => Math.Abs((one / other) - 1) * 100;
    }

    private static double Wrk(string url)
    {
        var output = PrivateNetwork.Exec(Site.Client, "wrk", "-t", "1", "-c", "16", "-d", $"{Seconds}s", "-H", "Connection: close", url);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || !RequestsPerSecond().IsMatch(output)) throw new InvalidOperationException(output);
        return double.Parse(RequestsPerSecond().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex RequestsPerSecond();
}
