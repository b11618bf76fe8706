using System.Globalization;
using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>
/// A real FRR ends the session when it has more prefixes than <c>maximum-prefix</c>. With <c>maxAdvertised</c> it gets the oldest, and a router
/// beside it gets everything.
/// </summary>
public sealed class MaxAdvertisedTests : IDisposable
{
    private const string A = "172.27.115.242", B = "172.27.115.243";

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_oldest_prefixes_are_sent_and_the_session_stays_up_whatever_comes_and_goes()
    {
        using var engine = new GoBgpd(_lab);
        engine.Start();
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        var (small, large) = Routers();
        await speaker.SetPathsAsync([.. Enumerable.Range(3, 5).Select(n => Aged(n))], Token);
        await speaker.SetPeersAsync([Small, Large], Token);
        await HaveAsync(small, 3, 4, 5);
        await HaveAsync(large, 3, 4, 5, 6, 7);
        await speaker.AdvertisesAsync("small", 3);
        await speaker.AdvertisesAsync("large", 5);
        Assert.Equal(["small"], speaker.WithheldFrom(Key("100.0.0.6", A)));
        Assert.Empty(speaker.WithheldFrom(Key("100.0.0.5", A)));
        Assert.Equal((2, 0), (speaker.Session("small").Withheld, speaker.Session("large").Withheld));
        Assert.Equal(2, speaker.TakeMoved().Count);
        // bgpd has a path a moment before the kernel has the route.
        await Eventually.TrueAsync(() => ((int[])[5, 6, 7]).All(n => large.Kernel($"100.0.0.{n}/32").Length > 0), "the kernel of the other router has what stays");
        using var monitor = new RouteMonitor(large.Namespace);

        // One goes, the next oldest comes.
        await speaker.ChangePathsAsync([], [Key("100.0.0.4", A)], Token);
        await HaveAsync(small, 3, 5, 6);
        Assert.Equal(["100.0.0.6"], speaker.TakeMoved().Select(m => m.Prefix.ToString()));
        // An older one comes, the youngest goes; in the same call another one goes and two younger ones come.
        await speaker.ChangePathsAsync([Aged(1)], [], Token);
        await HaveAsync(small, 1, 3, 5);
        await speaker.ChangePathsAsync([Aged(2), Aged(8), Aged(9)], [Key("100.0.0.3", A)], Token);
        await HaveAsync(small, 1, 2, 5);
        await HaveAsync(large, 1, 2, 5, 6, 7, 8, 9);
        await speaker.AdvertisesAsync("small", 3);
        await speaker.AdvertisesAsync("large", 7);
        // The other router's kernel kept 5, 6 and 7 all the time, and no marker was sent to it.
        Assert.Empty(((int[])[5, 6, 7]).SelectMany(n => monitor.About($"100.0.0.{n}")));
        Assert.All(large.Paths("100.0.0.6/32"), p => Assert.False(p.TryGetProperty("largeCommunity", out _)));

        // Another number is taken over without a new session; null sends everything, more than the router takes.
        await speaker.SetPeersAsync([Small with { MaxAdvertised = 2 }, Large], Token);
        await HaveAsync(small, 1, 2);
        await speaker.SetPeersAsync([Small, Large], Token);
        await HaveAsync(small, 1, 2, 5);
        Assert.All((FrrRouter[])[small, large], r => Assert.True(r.Session("172.27.115.241").Established == 1, r.Show("show bgp neighbors 172.27.115.241")));
        Assert.Empty(((int[])[5, 6, 7]).SelectMany(n => monitor.About($"100.0.0.{n}")));
        small.Change("configure terminal\nrouter bgp 64512\naddress-family ipv4 unicast\nno neighbor 172.27.115.241 maximum-prefix");
        await speaker.SetPeersAsync([Small with { MaxAdvertised = 7 }, Large], Token);
        await speaker.SetPeersAsync([Small with { MaxAdvertised = null }, Large], Token);
        await speaker.AdvertisesAsync("small", 7);
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 5);
        Assert.Equal(0, speaker.Counters.Repairs);
    }

    [Fact]
    public async Task A_restart_of_the_engine_or_of_the_server_changes_nothing()
    {
        using var engine = new GoBgpd(_lab);
        engine.Start();
        var (small, large) = Routers();
        BgpPath[] paths = [.. Enumerable.Range(1, 6).SelectMany(n => (BgpPath[])[Aged(n), AgedVpn(n)])];
        await using (var before = Speaker(engine))
        {
            await before.StartAsync(Token);
            await before.SetPathsAsync(paths, Token);
            await before.SetPeersAsync([Small, Large], Token);
            // Each FloatingIP has two routes of the same age here; three are the first one's and one of the second.
            await HaveAsync(small, 1, 2);
            await HaveAsync(large, 1, 2, 3, 4, 5, 6);
            await Eventually.TrueAsync(() => (small.VpnCount(), large.VpnCount()) == (1, 6), "VPN routes", 20, () => $"{small.VpnCount()}, {large.VpnCount()}");
            engine.Kill();
            engine.Start();
            await Eventually.TrueAsync(() => before is { Healthy: true, Counters.EngineRestarts: 1 }, "healthy", 10);
            await before.EstablishedAsync("small");
            await HaveAsync(small, 1, 2);
        }
        await using (var speaker = Speaker(engine)) await StaysAsync(speaker, [Small, Large]);

        // The next one cannot read what is stored of the limited router: it stays as the engine has it, also when the engine restarts.
        await using var last = Speaker(engine);
        await StaysAsync(last, [BgpPeer.Unreadable("small", Small.Address, Small.MaxAdvertised), Large]);
        engine.Kill();
        engine.Start();
        await Eventually.TrueAsync(() => last is { Healthy: true, Counters.EngineRestarts: 1 }, "healthy", 10);
        await last.EstablishedAsync("small");
        await HaveAsync(small, 1, 2);
        // One that the engine does not have cannot be added.
        await last.SetPeersAsync([Small, Large, BgpPeer.Unreadable("new", System.Net.IPAddress.Parse("172.27.115.247"), null)], Token);
        Assert.Contains("cannot be read", last.Session("new").LastError, StringComparison.Ordinal);
        Assert.True(last.Session("small").IsEstablished);

        async Task StaysAsync(CN2.Api.Drivers.GoBgp.GoBgpSpeaker speaker, BgpPeer[] peers)
        {
            Assert.Equal(12, (await speaker.StartAsync(Token)).Count);
            speaker.ExpectPeers(peers);
            await speaker.SetPathsAsync(paths, Token);
            await speaker.SetPeersAsync(peers, Token);
            await speaker.EstablishedAsync("small");
            await Eventually.StaysAsync(() => small.Session("172.27.115.241").Established == 2, "the session of the restarted engine", TimeSpan.FromSeconds(2));
            await HaveAsync(small, 1, 2);
            await speaker.AdvertisesAsync("small", 3);
            await speaker.AdvertisesAsync("large", 12);
            Assert.Equal((0, 0), (speaker.Counters.PathsAdded, speaker.Counters.PathsWithdrawn));
        }
    }

    [Fact]
    public async Task Among_many_prefixes_a_change_costs_one_path()
    {
        using var engine = new GoBgpd(_lab);
        engine.Start();
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([.. Enumerable.Range(1, 20_000).Select(n => Aged(n))], Token);
        await speaker.SetPeersAsync([Peer("small", 245, change: p => p with { MaxAdvertised = 10_000 })], Token);
        var (added, withdrawn) = (speaker.Counters.PathsAdded, speaker.Counters.PathsWithdrawn);
        await speaker.ChangePathsAsync([], [Key("100.0.0.1", A)], Token);
        // One is withdrawn, and one is sent again without its marker.
        Assert.Equal((added + 1, withdrawn + 1), (speaker.Counters.PathsAdded, speaker.Counters.PathsWithdrawn));
    }

    private static BgpPeer Small { get; } = Peer("small", 245, change: p => p with { MaxAdvertised = 3 });

    private static BgpPeer Large { get; } = Peer("large", 246);

    private (FrrRouter Small, FrrRouter Large) Routers()
    {
        var limit = "\n address-family ipv4 unicast\n  neighbor 172.27.115.241 maximum-prefix 3\n exit-address-family";
        return (_lab.Frr("small", 245, Asn, FrrVpnNeighbor() + limit), _lab.Frr("large", 246, Asn, FrrVpnNeighbor()));
    }

    /// <summary>A path whose FloatingIP is the older, the lower its number.</summary>
    private static BgpPath Aged(int n) => Path($"100.0.{n / 256}.{n % 256}", A) with { FloatingIP = Uid(n) };

    private static BgpPath AgedVpn(int n) => Vpn($"100.1.0.{n}", A, 5) with { FloatingIP = Uid(n) };

    private static Guid Uid(int n) => Guid.Parse($"{n:x8}-0000-7000-8000-000000000000");

    private static Task HaveAsync(FrrRouter router, params int[] numbers) => Eventually.TrueAsync(
        () => Numbers(router).SequenceEqual(numbers), $"the router has {string.Join(", ", numbers)}", 20,
        () => string.Join(", ", Numbers(router)) + "; " + router.Show("show bgp summary"));

    private static IEnumerable<int> Numbers(FrrRouter router) =>
        Enumerable.Range(1, 9).Where(n => router.Paths(string.Create(CultureInfo.InvariantCulture, $"100.0.0.{n}/32")).Count > 0);
}
