using System.Diagnostics;
using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Bench.Lab;
using CN2.Bench.Load;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Bench.Scenarios;

/// <summary>(b) From the POST of a Service to its route in FRR, next to a path given to gobgpd by hand.</summary>
internal sealed class RouteLatency(Site site, Report report, BenchOptions options)
{
    private const int Samples = 200;
    private readonly List<(int Services, string Way, Latencies Times)> _results = [];
    private readonly PathMapper _mapper = new(64512);
    private readonly Random _random = new(1);

    public async Task PostAsync(int services)
    {
        Progress.Step($"(b) POST to FRR at {services:N0} Services, {Samples} times");
        using var line = ServiceLoad.Connect();
        _results.Add((services, "POST", await MeasureAsync(i => Task.FromResult(site.Create(line, $"lat{services}-{i}", $"g{i % Site.Endpoints}")))));
        await site.Api.QuietAsync();
    }

    /// <summary>The same without CN2.Api, which must not be running: it would take the paths out again.</summary>
    public async Task RawAsync(int services)
    {
        Progress.Step($"(b) AddPath to FRR at {services:N0} Services, {Samples} times");
        var paths = new Dictionary<string, Wire.Path>();
        _results.Add((services, "AddPath by hand", await MeasureAsync(async i =>
        {
            var address = $"100.127.{i / 250}.{(i % 250) + 1}";
            await site.Engine.RawAddAsync(paths[address] = BgpEngine.Encode(_mapper, IPAddress.Parse(address)));
            return address;
        })));
        await site.Engine.RawWithdrawAsync(paths.Values);
        await Eventually.TrueAsync(() => !paths.Keys.Any(site.Routes.Has), "FRR has dropped them", 60);
    }

    public void Tell()
    {
        report.Heading("(b) From POST to the route in FRR");
        report.Table(["Services", "way", "samples", "p50 ms", "p99 ms", "max ms"], _results.Select(r => new object[] { r.Services, r.Way, r.Times.Count, r.Times.P50, r.Times.P99, r.Times.Max }));
        report.Text($"One at a time, until FRR's route is in its kernel, which is after it is in its RIB. POST: allocation, change feed, nftables on the vRouter acknowledged, advertisement row, gobgpd, BGP, FRR. By hand: the same path by AddPath, the same table in gobgpd and FRR, CN2.Api not running.");
        foreach (var (services, _, times) in _results.Where(r => r.Way == "POST" && r.Services >= options.Medium))
            report.Add(Aim.Under(FormattableString.Invariant($"(b) POST to FRR, p99, {services:N0} Services"), services == options.Medium ? 250 : 500, times.P99, " ms"));
    }

    /// <summary>Each begins at another moment of the timers on the way.</summary>
    private async Task<Latencies> MeasureAsync(Func<int, Task<string>> add)
    {
        var times = new List<double>();
        for (var i = 0; i < Samples; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var address = await add(i);
            times.Add(Stopwatch.GetElapsedTime(began, await site.Routes.SeenAsync(address)).TotalMilliseconds);
            await Task.Delay(_random.Next(10, 40));
        }

        return new Latencies(times);
    }
}
