using System.Diagnostics;
using System.Globalization;
using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Bench.Lab;
using CN2.Bench.Load;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Bench.Scenarios;

/// <summary>(d) Restart of gobgpd and of CN2.Api, next to a raw replay of the same paths; and what CN2.Api needs of memory.</summary>
internal sealed class Restarts(Site site, Report report, BenchOptions options)
{
    private const int Rounds = 3;
    private readonly List<object[]> _replays = [];
    private readonly List<object[]> _starts = [];
    private readonly List<object[]> _memory = [];

    /// <param name="meanwhile">What else to do with gobgpd filled and CN2.Api not running.</param>
    public async Task RunAsync(int services, Func<Task> meanwhile)
    {
        await MemoryAsync("grown to");
        var replays = new List<Replay>();
        long lost = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            Progress.Step($"(d) gobgpd killed with {site.Services:N0} paths, {round} of {Rounds}");
            var before = site.Routes.Deleted;
            replays.Add(await ReplayAsync(site.Services, () => site.Engine.Start()));
            lost += site.Routes.Deleted - before;
            await site.Api.QuietAsync();
        }

        await ApiAloneAsync(services);
        await MemoryAsync("restarted with");

        site.Api.Kill();
        var messages = Paths().Chunk(100).Select(c => new Wire.AddPathStreamRequest { Paths = { c } }).ToList();
        var paths = messages.Sum(m => m.Paths.Count);
        var raws = new List<Replay>();
        for (var round = 1; round <= Rounds; round++)
        {
            Progress.Step($"(d) raw replay of {paths:N0} paths, {round} of {Rounds}");
            raws.Add(await ReplayAsync(paths, () => site.Engine.Start(), async () =>
            {
                await site.Engine.RawReplayAsync(messages);
                await site.Engine.RawPeerAsync();
            }));
        }

        messages.Clear();
        await meanwhile();
        await BothAsync(services);

        var (table, router) = (replays.Median(r => r.Table), replays.Median(r => r.Router));
        var (rawTable, rawRouter) = (raws.Median(r => r.Table), raws.Median(r => r.Router));
        _replays.Add([services, table, rawTable, table / rawTable, router, rawRouter, router / rawRouter, lost]);
        report.Add(Aim.AtMost(FormattableString.Invariant($"(d) gobgpd restarted: its table full, next to the raw replay, {services:N0} Services"), 1.3, table / rawTable, ""));
        report.Add(Aim.AtMost(FormattableString.Invariant($"(d) gobgpd restarted: FRR complete, next to the raw replay, {services:N0} Services"), 1.3, router / rawRouter, ""));
        report.Add(Aim.Exactly(FormattableString.Invariant($"(d) routes FRR lost by {Rounds} restarts of gobgpd, {services:N0} Services"), 0, lost));
        if (services == options.Large) report.Add(Aim.Under(FormattableString.Invariant($"(d) CN2.Api resident, {services:N0} Services"), 1024, _mostResident / 1024.0 / 1024, " MiB"));
    }

    public void Tell()
    {
        report.Heading("(d) Restarts and memory");
        report.Table(["Services", "gobgpd's table full s", "raw s", "ratio", "FRR complete s", "raw s", "ratio", "routes FRR lost"], _replays);
        report.Text($"gobgpd is killed; from the start of the new one until its table holds every path, and until FRR has the End-of-RIB of the new session. Raw: StartBgp, the same paths by AddPathStream in messages of 100, AddPeer, with CN2.Api not running. Medians of {Rounds}.");
        report.Table(["Services", "killed", "CN2.Api ready s", "next POST in FRR s", "gobgpd's table full s", "FRR complete s", "routes FRR lost"], _starts);
        report.Text($"CN2.Api alone: the router must notice nothing. Both, as when a machine comes back: the vRouter's agent reconnects and acknowledges first, then come the paths, then the peers.");
        report.Table(["Services", "", "CN2.Api resident MiB", "most since its start MiB", "GC heap MiB", "gobgpd resident MiB"], _memory);
    }

    private long _mostResident;

    /// <summary>CN2.Api alone: nothing may move; it is back when a new Service reaches the router.</summary>
    private async Task ApiAloneAsync(int services)
    {
        Progress.Step($"(d) CN2.Api killed with {site.Services:N0} Services");
        var before = site.Routes.Deleted;
        var clock = Stopwatch.StartNew();
        site.Api.Kill();
        site.Api.Start();
        await site.Api.ReadyAsync();
        var ready = clock.Elapsed;
        using (var line = ServiceLoad.Connect()) await site.Routes.SeenAsync(site.Create(line, $"back{services}", "g1"));
        var serving = clock.Elapsed;
        await site.Api.QuietAsync();
        _starts.Add([services, "CN2.Api", ready.TotalSeconds, serving.TotalSeconds, "stays", "stays", site.Routes.Deleted - before]);
    }

    private async Task BothAsync(int services)
    {
        Progress.Step($"(d) both killed with {site.Services:N0} Services");
        var before = site.Routes.Deleted;
        var ready = Task.FromResult(TimeSpan.Zero);
        var both = await ReplayAsync(site.Services, () =>
        {
            site.Engine.Start();
            site.Api.Start();
            ready = site.Api.ReadyAsync();
        });
        await ready;
        await site.Api.QuietAsync();
        _starts.Add([services, "CN2.Api and gobgpd", (await ready).TotalSeconds, "", both.Table, both.Router, site.Routes.Deleted - before]);
    }

    /// <summary>Kills gobgpd; times count from the start of the new one.</summary>
    private async Task<Replay> ReplayAsync(int paths, Action restart, Func<Task>? replay = null)
    {
        var established = site.Frr.Session(Site.ControlNode).Established;
        site.Engine.Kill();
        var clock = Stopwatch.StartNew();
        restart();
        var replaying = replay?.Invoke() ?? Task.CompletedTask;
        await Eventually.TrueAsync(async () => await site.Engine.CountAsync() >= paths, "gobgpd's table is full", 300);
        var table = clock.Elapsed;
        await replaying;
        await Eventually.TrueAsync(() => site.Frr.Session(Site.ControlNode) is var (times, complete) && complete && times > established, "FRR has all routes", 300, everyMilliseconds: 50);
        return new Replay(table.TotalSeconds, clock.Elapsed.TotalSeconds);
    }

    private async Task MemoryAsync(string what)
    {
        await site.Api.QuietAsync();
        var metrics = await site.Api.MetricsAsync();
        var heap = metrics.Where(m => m.Key.StartsWith("dotnet_gc_last_collection_heap_size", StringComparison.Ordinal)).Sum(m => m.Value);
        _mostResident = Math.Max(_mostResident, site.Api.PeakResidentBytes);
        _memory.Add([site.Services, what, MiB(site.Api.ResidentBytes), MiB(site.Api.PeakResidentBytes), MiB(heap), MiB(site.Engine.ResidentBytes)]);
    }

    /// <summary>Every path CN2.Api announces, as it words them.</summary>
    private List<Wire.Path> Paths()
    {
        var mapper = new PathMapper(64512);
        using var connection = new Npgsql.NpgsqlConnection(site.Postgres.ConnectionString + ";Pooling=false");
        connection.Open();
        using var command = new Npgsql.NpgsqlCommand("SELECT address FROM floating_ip WHERE external_network_uid IS NOT NULL", connection);
        using var reader = command.ExecuteReader();
        var paths = new List<Wire.Path>();
        while (reader.Read()) paths.Add(BgpEngine.Encode(mapper, reader.GetFieldValue<IPAddress>(0)));
        return paths;
    }

    private static string MiB(double bytes) => (bytes / 1024 / 1024).ToString("N0", CultureInfo.InvariantCulture);

    private sealed record Replay(double Table, double Router);
}
