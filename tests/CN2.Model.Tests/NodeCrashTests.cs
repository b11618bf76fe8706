using System.Diagnostics;
using System.Globalization;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests;

/// <summary>
/// <c>VRouters__LostAfterSeconds=0.5</c>: a node that is cut off loses its routes within a second, and nobody else loses any. FRR hears what is announced. The
/// times are printed; what is asserted is the order.
/// </summary>
[Collection("processes")] // one such world at a time
public sealed class NodeCrashTests : IAsyncLifetime
{
    private const string Prefix = WebService.Address + "/32";
    private const int FrrNumber = 8;
    private readonly ModelLab _lab = new(0.5);
    private readonly HttpClient _http;
    private readonly ApiClient _api;
    private readonly string[] _hops = [.. ModelLab.VirtualRouters.Select(v => ModelLab.AddressOf(v, 4))];
    private FrrRouter _frr = null!;

    public NodeCrashTests()
    {
        _http = _lab.OpenHttp();
        _api = new ApiClient(_http);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _frr = new FrrRouter(_lab.AddHost("frr", FrrNumber).Name, Path.Combine(_lab.Directory, "frr"),
            $"""
             hostname frr
             router bgp 64512
              bgp router-id 172.31.7.{FrrNumber}
              no bgp default ipv4-unicast
              neighbor {ModelLab.ControlAddress} remote-as 64512
              neighbor {ModelLab.ControlAddress} timers connect 1
              address-family ipv4 unicast
               neighbor {ModelLab.ControlAddress} activate
              exit-address-family
             """);
        await WebService.CreateAsync(_api, $"172.31.7.{FrrNumber}");
        await Eventually.TrueAsync(() => _frr.NextHops(Prefix).SequenceEqual(_hops), "both routes are out", 60, () => _frr.Show("show bgp ipv4 unicast") + _frr.Show("show bgp summary"));
        // A leader judges nobody before everybody has had 10 s to report.
        await StaysAsync(TimeSpan.FromSeconds(11));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _frr.Dispose();
        await _lab.DisposeAsync();
    }

    [Fact]
    public async Task A_node_that_is_cut_off_loses_its_routes_at_once_and_gets_them_back()
    {
        for (var turn = 1; turn <= 3; turn++)
        {
            _lab.Nodes["vr2"].Ip("link set eth0 down");
            var clock = Stopwatch.StartNew();
            await Eventually.TrueAsync(() => !_frr.NextHops(Prefix).Contains(_hops[1]), "its route is withdrawn", 60, everyMilliseconds: 2);
            Print($"turn {turn}: the route was withdrawn {clock.Elapsed.TotalSeconds:0.000} s after the node was cut off");
            Assert.Equal([_hops[0]], _frr.NextHops(Prefix));
            Assert.Equal(["Lost", "Vanished"], (await ReasonsAsync("vr2")).Take(2));
            Assert.Empty((await ReasonsAsync("vr1")).Intersect(["Lost", "Vanished", "Disconnected", "MassLoss"]));
            _lab.Nodes["vr2"].Ip("link set eth0 up\naddr replace fd07::12/64 dev eth0 nodad");
            await Eventually.TrueAsync(() => _frr.NextHops(Prefix).SequenceEqual(_hops), "its route is back", 60);
        }
    }

    [Fact]
    public async Task A_server_that_stood_still_loses_nobody_and_neither_does_an_agent_that_stands_still_on_a_node_that_answers()
    {
        _lab.Api.Signal("STOP");
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        _lab.Api.Signal("CONT");
        await StaysAsync(TimeSpan.FromSeconds(3));
        foreach (var name in ModelLab.VirtualRouters) Assert.Empty((await ReasonsAsync(name)).Intersect(["Lost", "Vanished", "Disconnected"]));

        var clock = Stopwatch.StartNew();
        _lab.Agents["vr2"].Signal("STOP");
        await StaysAsync(TimeSpan.FromSeconds(8));
        await Eventually.TrueAsync(() => _frr.NextHops(Prefix).SequenceEqual([_hops[0]]), "the time for every other absence is over", 30);
        Print($"the route of the agent that stood still was withdrawn after {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(["Lost", "Disconnected"], (await ReasonsAsync("vr2")).Take(2));
        _lab.Agents["vr2"].Signal("CONT");
        await Eventually.TrueAsync(() => _frr.NextHops(Prefix).SequenceEqual(_hops), "its route is back", 60);
    }

    /// <summary><c>CN2_LOSS_SECONDS</c>: how long it watches (default 20). An hour needs <c>CN2_TEST_SLOWNESS=8</c>, or it counts as a test that hangs.</summary>
    [Fact]
    public async Task Nobody_is_lost_while_all_processors_are_busy()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("CN2_LOSS_SECONDS") ?? "20", CultureInfo.InvariantCulture);
        var before = await MetricsAsync();
        var busy = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new RunningProcess("sh", "-c", "ulimit -t 3700; while :; do :; done")).ToList();
        try
        {
            await StaysAsync(TimeSpan.FromSeconds(seconds));
        }
        finally
        {
            foreach (var process in busy) process.Dispose();
        }

        var after = await MetricsAsync();
        Print($"{seconds:0} s with {busy.Count} busy processes: {after.Questions - before.Questions:0} questions about silent agents, {after.Stalls - before.Stalls:0} stalls of the server, nobody lost");
        foreach (var name in ModelLab.VirtualRouters) Assert.Empty((await ReasonsAsync(name)).Intersect(["Lost", "Vanished"]));
    }

    private static void Print(FormattableString text) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(text));

    private Task StaysAsync(TimeSpan time) => Eventually.StaysAsync(() => _frr.NextHops(Prefix).SequenceEqual(_hops), "both routes are at the router", time);

    private async Task<(double Questions, double Stalls)> MetricsAsync()
    {
        var lines = (await _http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation)).Split('\n');
        return (Value("cn2_vrouter_questions_total"), Value("cn2_vrouter_stalls_total"));

        double Value(string name) => double.Parse(lines.Single(l => l.StartsWith(name, StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>The reasons of a VirtualRouter's events, the newest first.</summary>
    private async Task<List<string>> ReasonsAsync(string virtualRouter) =>
        [.. (await _api.GetAsync($"/v1/events?regarding=virtual-routers/{virtualRouter}")).Json!["items"]!.AsArray().Select(e => (string)e!["reason"]!)];
}
