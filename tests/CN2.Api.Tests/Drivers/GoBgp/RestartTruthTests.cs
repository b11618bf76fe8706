using System.Collections;
using System.Text.RegularExpressions;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>After a restart of the engine the routers' tables are what is wanted: no path more, none less, none stale (docs/contract.md §4).</summary>
public sealed partial class RestartTruthTests : IDisposable
{
    private const string A = "172.27.115.242", B = "172.27.115.243", C = "172.27.115.244";

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Paths_that_were_replaced_before_a_restart_of_the_engine_are_not_left_stale()
    {
        await using var site = await SiteAsync();
        var speaker = site.Speaker;
        await speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A), Path("2001:db8::4", "fd00:115::242")], Token);
        await site.ConnectAsync();
        // Nodes come and go: the identifiers on the wire become 2 and 16, and 9 for the other prefix.
        for (var i = 0; i < 14; i++)
        {
            await speaker.ChangePathsAsync([], [Key("100.0.0.4", A)], Token);
            await speaker.ChangePathsAsync([Path("100.0.0.4", A)], [], Token);
            if (i >= 8) continue;
            await speaker.ChangePathsAsync([], [Key("100.0.0.5", A)], Token);
            await speaker.ChangePathsAsync([Path("100.0.0.5", A)], [], Token);
        }
        await site.HaveAsync("100.0.0.4", A, B);
        Assert.Equal([16u, 2u, 9u], speaker.PathIdentifiersOf([Key("100.0.0.4", A), Key("100.0.0.4", B), Key("100.0.0.5", A)]));
        await site.HaveAsync("100.0.0.5", A);
        var before = site.FrrIdentifiers("100.0.0.4");
        var monitors = site.Monitor();

        await site.RestartEngineAsync();
        await site.SyncedAsync();
        Assert.Equal(before, site.FrrIdentifiers("100.0.0.4"));
        await site.HaveAsync("100.0.0.4", A, B);
        await site.HaveAsync("100.0.0.5", A);
        Assert.All(monitors, m => Assert.Empty(m.About("100.0.0.")));
        // The identifiers that follow are new ones, as before.
        await speaker.ChangePathsAsync([Path("100.0.0.4", C)], [], Token);
        await site.HaveAsync("100.0.0.4", A, B, C);
        await speaker.ChangePathsAsync([], [Key("100.0.0.4", A), Key("100.0.0.4", B)], Token);
        await site.HaveAsync("100.0.0.4", C);
    }

    [Fact]
    public async Task A_path_withdrawn_while_the_engine_was_down_is_withdrawn_from_the_routers_before_the_call_confirms_it()
    {
        await using var site = await SiteAsync();
        var speaker = site.Speaker;
        await speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A), Path("100.0.0.5", B), Path("100.0.0.6", A), Path("100.0.0.6", B), Path("100.0.0.7", C)], Token);
        await site.ConnectAsync();
        await site.HaveAsync("100.0.0.7", C);
        var monitors = site.Monitor();

        // A Service goes, another loses a node and gets one.
        BgpPathKey[] gone = [Key("100.0.0.4", A), Key("100.0.0.4", B), Key("100.0.0.5", A)];
        // The engine dies while the call is on its way: after its turn has begun, before anything is sent.
        var dying = new ReadOnce<BgpPathKey>(gone, () =>
        {
            site.Engine.Kill();
            SpinWait.SpinUntil(() => !speaker.Healthy, TimeSpan.FromSeconds(5));
        });
        await Assert.ThrowsAsync<BgpEngineException>(() => speaker.ChangePathsAsync([Path("100.0.0.5", C)], dying, Token));
        site.Engine.Start();
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 5);
        var answer = await speaker.ChangePathsAsync([], gone, Token);
        Assert.Equal(gone, answer.Where(a => a.IsWithdrawal).Select(a => a.Key));
        await Eventually.TrueAsync(async () => (await speaker.ChangePathsAsync([], gone, Token)).Count == 0, "confirmed", 30);
        // A withdrawal that was confirmed is on its way to the routers.
        await Eventually.TrueAsync(() => site.Frr.Paths("100.0.0.4/32").Count == 0 && site.Frr.NextHops("100.0.0.5/32").SequenceEqual([B, C]), "withdrawn from FRR", 3);
        await site.SyncedAsync();
        await site.HaveAsync("100.0.0.4");
        await site.HaveAsync("100.0.0.5", B, C);
        await site.HaveAsync("100.0.0.6", A, B);
        Assert.All(monitors, m => Assert.Empty(m.About("100.0.0.6").Concat(m.About("100.0.0.7"))));
    }

    [Fact]
    public async Task After_a_restart_without_a_path_the_numbers_begin_anew()
    {
        await using var site = await SiteAsync();
        var speaker = site.Speaker;
        await speaker.SetPathsAsync([Path("100.0.0.8", A), Path("100.0.0.8", B)], Token);
        Assert.Empty(await speaker.ChangePathsAsync([], [Key("100.0.0.8", A), Key("100.0.0.8", B)], Token));
        await site.RestartEngineAsync();
        await speaker.ChangePathsAsync([Path("100.0.0.8", C)], [], Token);
        Assert.Equal([1u], speaker.PathIdentifiersOf([Key("100.0.0.8", C)]));
    }

    [Fact]
    public async Task Everything_holds_when_the_server_and_the_engine_are_both_killed()
    {
        await using var site = await SiteAsync();
        await site.Speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A), Path("100.0.0.6", A), Path("100.0.0.6", B)], Token);
        await site.ConnectAsync();
        foreach (var hop in (string[])[A, B, A])
        {
            await site.Speaker.ChangePathsAsync([], [Key("100.0.0.4", hop)], Token);
            await site.Speaker.ChangePathsAsync([Path("100.0.0.4", hop)], [], Token);
        }
        await site.HaveAsync("100.0.0.4", A, B);
        BgpPathKey[] announced = [Key("100.0.0.4", A), Key("100.0.0.4", B), Key("100.0.0.5", A), Key("100.0.0.6", A), Key("100.0.0.6", B)];
        AnnouncedPath[] saved = [.. announced.Zip(site.Speaker.PathIdentifiersOf(announced), (k, id) => new AnnouncedPath(k, id))];
        var monitors = site.Monitor();

        site.Engine.Kill();
        await site.Speaker.DisposeAsync();
        site.Engine.Start();
        var speaker = site.Speaker = Speaker(site.Engine);
        speaker.Expect(saved);
        Assert.Empty(await speaker.StartAsync(Token));
        // 100.0.0.5 was deleted meanwhile, 100.0.0.4 lost a node and got one.
        var wanted = (BgpPath[])[Path("100.0.0.4", B), Path("100.0.0.4", C), Path("100.0.0.6", A), Path("100.0.0.6", B)];
        var waiting = await speaker.SetPathsAsync(wanted, Token);
        Assert.Equal([Key("100.0.0.4", A), Key("100.0.0.5", A)], waiting.Where(w => w.IsWithdrawal).Select(w => w.Key).OrderBy(k => k.Prefix.ToString()));
        await site.SetPeersAsync();
        await Eventually.TrueAsync(async () => (await speaker.ChangePathsAsync([], [.. waiting.Select(w => w.Key)], Token)).Count == 0, "confirmed", 30);
        await site.SyncedAsync();
        await site.HaveAsync("100.0.0.4", B, C);
        await site.HaveAsync("100.0.0.5");
        await site.HaveAsync("100.0.0.6", A, B);
        Assert.All(monitors, m => Assert.Empty(m.About("100.0.0.6")));
    }

    [Fact]
    public async Task Without_known_identifiers_the_routers_drop_what_they_kept()
    {
        await using var site = await SiteAsync();
        await site.Speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A)], Token);
        await site.ConnectAsync();
        await site.Speaker.ChangePathsAsync([], [Key("100.0.0.4", A)], Token);
        await site.Speaker.ChangePathsAsync([Path("100.0.0.4", A)], [], Token);
        await site.HaveAsync("100.0.0.4", A, B);
        site.Engine.Kill();
        await site.Speaker.DisposeAsync();
        site.Engine.Start();
        var speaker = site.Speaker = Speaker(site.Engine);
        speaker.Expect([new(Key("100.0.0.4", A), 0), new(Key("100.0.0.4", B), 0), new(Key("100.0.0.5", A), 1)]);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", A)], Token);
        await site.SetPeersAsync();
        await site.SyncedAsync();
        await site.HaveAsync("100.0.0.4", A);
        await site.HaveAsync("100.0.0.5");
    }

    [Fact]
    public async Task A_router_that_stays_away_holds_up_no_withdrawal_for_long_and_drops_what_it_kept_when_it_is_back()
    {
        await using var site = await SiteAsync();
        var speaker = site.Speaker;
        await speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A)], Token);
        await site.ConnectAsync();
        await site.HaveAsync("100.0.0.4", A, B);
        var away = site.Bird.Namespace;
        BgpLab.Ip(away, "link", "set", "eth0", "down");
        await site.RestartEngineAsync();
        await speaker.EstablishedAsync("frr");
        var answer = await speaker.ChangePathsAsync([], [Key("100.0.0.4", A), Key("100.0.0.5", A)], Token);
        Assert.Equal(2, answer.Count);
        await Eventually.TrueAsync(async () => (await speaker.ChangePathsAsync([], [.. answer.Select(a => a.Key)], Token)).Count == 0, "confirmed", 20);
        await Eventually.TrueAsync(() => site.Frr.NextHops("100.0.0.4/32").SequenceEqual([B]) && site.Frr.Paths("100.0.0.5/32").Count == 0, "at the router that is there", 3);
        BgpLab.Ip(away, "link", "set", "eth0", "up");
        await site.SyncedAsync(60);
        await site.HaveAsync("100.0.0.4", B);
        await site.HaveAsync("100.0.0.5");
    }

    [GeneratedRegex(@"([\d.]+) from 172.27.115.241.*?AddPath ID: RX (\d+)", RegexOptions.Singleline)]
    private static partial Regex FrrPath();

    [Fact]
    public async Task A_path_withdrawn_while_a_router_was_cut_off_is_gone_when_it_is_back()
    {
        await using var site = await SiteAsync();
        var speaker = site.Speaker;
        await speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.4", C), Path("100.0.0.5", A)], Token);
        await site.ConnectAsync();
        await site.HaveAsync("100.0.0.4", A, B, C);
        // Both sides lose the TCP connection without a NOTIFICATION, as when a firewall resets it; the router keeps what it has.
        BgpLab.Ip(site.Frr.Namespace, "link", "set", "eth0", "down");
        Command.Run("ip", "netns", "exec", site.Frr.Namespace, "ss", "-K", "dport", "=", "179", "or", "sport", "=", "179");
        Command.Run("ip", "netns", "exec", site.Engine.Namespace, "ss", "-K", "dst", "172.27.115.245");
        await Eventually.TrueAsync(() => !speaker.Session("frr").IsEstablished, "cut", 10);
        Assert.Empty(await speaker.ChangePathsAsync([], [Key("100.0.0.4", A), Key("100.0.0.4", B), Key("100.0.0.5", A)], Token));
        BgpLab.Ip(site.Frr.Namespace, "link", "set", "eth0", "up");
        await site.SyncedAsync(60);
        await site.HaveAsync("100.0.0.4", C);
        await site.HaveAsync("100.0.0.5");
    }

    /// <summary>A collection with something that happens when it is read for the first time.</summary>
    private sealed class ReadOnce<T>(IReadOnlyCollection<T> items, Action reading) : IReadOnlyCollection<T>
    {
        private Action? _reading = reading;

        public int Count => items.Count;

        public IEnumerator<T> GetEnumerator()
        {
            Interlocked.Exchange(ref _reading, null)?.Invoke();
            return items.GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private async Task<Site> SiteAsync()
    {
        var site = new Site(_lab);
        await site.Speaker.StartAsync(Token);
        return site;
    }

    /// <summary>An engine with a speaker, an FRR and a BIRD, all of which keep routes over a restart.</summary>
    private sealed class Site : IAsyncDisposable
    {
        public Site(BgpLab lab)
        {
            (_lab, Engine) = (lab, lab.Keep(new GoBgpd(lab)));
            Frr = lab.Frr("frr", 245, Asn, FrrNeighbor());
            Bird = lab.Keep(new BirdRouter(lab, "bird", 247, Asn, Asn));
            Speaker = Spec.Speaker(Engine);
        }

        private readonly BgpLab _lab;

        public GoBgpd Engine { get; }

        public FrrRouter Frr { get; }

        public BirdRouter Bird { get; }

        public GoBgpSpeaker Speaker { get; set; }

        public Task SetPeersAsync() => Speaker.SetPeersAsync([Peer("frr", 245), Peer("bird", 247)], Token);

        public async Task ConnectAsync()
        {
            await SetPeersAsync();
            await Speaker.EstablishedAsync("frr", 40);
            await Speaker.EstablishedAsync("bird", 40);
        }

        public async Task RestartEngineAsync()
        {
            Engine.Kill();
            await Eventually.TrueAsync(() => !Speaker.Healthy, "unhealthy", 5);
            Engine.Start();
            await Eventually.TrueAsync(() => Speaker.Healthy, "healthy", 5);
        }

        /// <summary>Both routers have got everything: a route that is sent last is there.</summary>
        public async Task SyncedAsync(int seconds = 40)
        {
            await Speaker.EstablishedAsync("frr", seconds);
            await Speaker.EstablishedAsync("bird", seconds);
            await Speaker.ChangePathsAsync([Path("198.51.100.1", A)], [], Token);
            await HaveAsync("198.51.100.1", A);
        }

        /// <summary>Both routers' tables and kernels have exactly these next hops, none of them stale.</summary>
        public async Task HaveAsync(string prefix, params string[] nextHops)
        {
            await Eventually.TrueAsync(() => Frr.NextHops($"{prefix}/32").SequenceEqual(nextHops) && KernelOf(Frr.Namespace, prefix).SequenceEqual(nextHops),
                $"{prefix} via {string.Join(' ', nextHops)} in FRR", 15, () => Frr.Show($"show bgp ipv4 unicast {prefix}/32") + Engine.Output[^Math.Min(4000, Engine.Output.Length)..] + Frr.Show("show bgp neighbors 172.27.115.241"));
            await Eventually.TrueAsync(() => KernelOf(Bird.Namespace, prefix).SequenceEqual(nextHops),
                $"{prefix} via {string.Join(' ', nextHops)} in BIRD", 15, () => Bird.Show($"show route for {prefix} all"));
            Assert.DoesNotContain("stale", Frr.Show($"show bgp ipv4 unicast {prefix}/32"), StringComparison.OrdinalIgnoreCase);
        }

        /// <summary>The path identifiers as FRR has received them, in the order of the next hops.</summary>
        public string FrrIdentifiers(string prefix) => string.Join(' ', FrrPath().Matches(Frr.Show($"show bgp ipv4 unicast {prefix}/32"))
            .Select(m => $"{m.Groups[1].Value}={m.Groups[2].Value}").Order(StringComparer.Ordinal));

        public List<RouteMonitor> Monitor() => [_lab.Keep(new RouteMonitor(Frr.Namespace)), _lab.Keep(new RouteMonitor(Bird.Namespace))];

        public async ValueTask DisposeAsync() => await Speaker.DisposeAsync();

        private static List<string> KernelOf(string ns, string prefix) =>
            [.. BgpLab.Ip(ns, "route", "show", prefix).Split("via ").Skip(1).Select(p => p.Split(' ')[0]).Order(StringComparer.Ordinal)];
    }
}
