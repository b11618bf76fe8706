using System.Diagnostics;
using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Bench.Lab;
using CN2.Network.Addressing;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.Bench.Scenarios;

/// <summary>(g) How long the driver takes to bring VPN routes into an empty gobgpd, next to the same number of unicast ones.</summary>
internal sealed class VpnInjection(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Rounds = 3;
    private static readonly IPAddress NextHop = IPAddress.Parse("172.27.115.242");

    public async Task RunAsync()
    {
        report.Heading("(g) Routes of the overlay into gobgpd");
        var rows = new List<object[]>();
        foreach (var count in new[] { options.Medium, options.Large }.Where(c => c > 0))
        {
            Progress.Step($"(g) {count} routes into gobgpd, unicast and VPN");
            var unicast = new List<double>();
            var vpn = new List<double>();
            for (var round = 0; round < Rounds; round++)
            {
                unicast.Add(await InjectAsync(count, vpn: false));
                vpn.Add(await InjectAsync(count, vpn: true));
            }

            rows.Add([count, unicast.Median(s => s), vpn.Median(s => s), vpn.Median(s => s) / unicast.Median(s => s), count / vpn.Median(s => s)]);
        }

        report.Table(["routes", "unicast s", "VPN s", "ratio", "VPN routes/s"], rows);
        report.Text($"From an empty engine until it has taken every path, without peers, by the driver of CN2.Api; medians of {Rounds} in turns. A VPN route carries a route distinguisher, a label, one route target and two encapsulation communities more.");
    }

    private async Task<double> InjectAsync(int count, bool vpn)
    {
        using var engine = new BgpEngine(network);
        await using var speaker = new GoBgpSpeaker(engine.Options, new FreeTurns(), TimeProvider.System, NullLogger<GoBgpSpeaker>.Instance);
        await speaker.StartAsync(CancellationToken.None);
        var overlay = vpn ? new BgpVpn(new RouteDistinguisher(NextHop, 5), MplsLabel.Of(5), [RouteTarget.Automatic(64512, 5)!.Value]) : null;
        var paths = Enumerable.Range(0, count)
            .Select(i => new BgpPath(new IPAddress([101, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), NextHop, 200, 100, [], [], overlay))
            .ToList();
        var clock = Stopwatch.StartNew();
        await speaker.SetPathsAsync(paths, CancellationToken.None);
        return clock.Elapsed.TotalSeconds;
    }

}
