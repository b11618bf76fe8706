using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>The engine or this server is killed: the routers go on forwarding, and everything is restored by itself.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_killed_engine_returns_and_no_kernel_route_of_a_router_changes()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var inside = _lab.Frr("inside", 245, Asn, FrrNeighbor());
        var outside = _lab.Frr("outside", 246, 65001, FrrNeighbor());
        var bird = _lab.Keep(new BirdRouter(_lab, "bird", 247, Asn, Asn));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([.. Enumerable.Range(1, 50).SelectMany(i => new[]
        {
            Path($"100.0.0.{i}", "172.27.115.242"), Path($"100.0.0.{i}", "172.27.115.243"), Path($"2001:db8::{i}", "fd00:115::242"),
        })], Token);
        // The fourth router does not exist: it must not hold back the others.
        await speaker.SetPeersAsync([Peer("inside", 245), Peer("outside", 246, 65001), Peer("bird", 247), Peer("absent", 248)], Token);
        string[] routers = [inside.Namespace, outside.Namespace, bird.Namespace];
        foreach (var ns in routers)
            await Eventually.TrueAsync(() => BgpLab.Ip(ns, "route", "show").Split("100.0.0.").Length == 51, $"all routes in {ns}", 40, () => BgpLab.Ip(ns, "route", "show"));
        foreach (var peer in new[] { "inside", "outside", "bird" }) await speaker.EstablishedAsync(peer);
        // Its path identifier on the wire becomes 3. The restarted engine would number from 1: it must be made to use 3 again.
        await speaker.ChangePathsAsync([], [Key("100.0.0.8", "172.27.115.242")], Token);
        await NextHopsAsync(1);
        await speaker.ChangePathsAsync([Path("100.0.0.8", "172.27.115.242")], [], Token);
        await NextHopsAsync(2);
        var before = await WireIdentifiersAsync();
        Assert.Equal("172.27.115.242=3 172.27.115.243=2", string.Join(' ', before.OrderBy(p => p.Key).Select(p => $"{p.Key}={p.Value}")));
        var monitors = routers.Select(ns => _lab.Keep(new RouteMonitor(ns))).ToList();

        engine.Kill();
        await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 2);
        Assert.All(speaker.Sessions, s => Assert.Equal("Idle", s.State));
        engine.Start();
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 5);
        Assert.Equal(150, (await engine.HoldsAsync()).Count);
        var after = await WireIdentifiersAsync();
        Assert.Equal("172.27.115.242=3 172.27.115.243=2", string.Join(' ', after.OrderBy(p => p.Key).Select(p => $"{p.Key}={p.Value}")));
        foreach (var peer in new[] { "inside", "outside", "bird" }) await speaker.EstablishedAsync(peer, 40);
        // A restarted engine sends all routes and then an End-of-RIB; on that, routers drop the routes that were not sent again. The first
        // route below arrives with all the others, the second one after the End-of-RIB.
        foreach (var late in new[] { "198.51.100.1", "198.51.100.2" })
        {
            await speaker.ChangePathsAsync([Path(late, "172.27.115.242")], [], Token);
            foreach (var ns in routers)
                await Eventually.TrueAsync(() => BgpLab.Ip(ns, "route", "show", late).Length > 0, $"{late} in {ns}", 40, () => string.Join(";", speaker.Sessions));
        }

        Assert.All(monitors, m => Assert.Empty(m.About("100.0.0.")));
        Assert.Equal(2, inside.NextHops("100.0.0.7/32").Count);
        Assert.Contains("2001:db8::7", BgpLab.Ip(bird.Namespace, "-6", "route", "show"), StringComparison.Ordinal);
        await speaker.ChangePathsAsync([], [Key("100.0.0.7", "172.27.115.242"), Key("100.0.0.7", "172.27.115.243")], Token);
        foreach (var ns in routers)
            await Eventually.TrueAsync(() => !BgpLab.Ip(ns, "route", "show").Contains("100.0.0.7 ", StringComparison.Ordinal), $"withdrawn in {ns}", 10);

        async Task<Dictionary<string, uint>> WireIdentifiersAsync() =>
            (await engine.ListAsync()).Select(p => (Found: new PathMapper(64512).Decode(p)!.Value, p.LocalIdentifier))
                .Where(p => p.Found.Key == EngineRouteKey.From(System.Net.IPAddress.Parse("100.0.0.8"))).ToDictionary(p => p.Found.NextHop!.ToString(), p => p.LocalIdentifier);

        async Task NextHopsAsync(int count)
        {
            foreach (var ns in routers)
                await Eventually.TrueAsync(() => BgpLab.Ip(ns, "route", "show", "100.0.0.8").Split("via ").Length == count + 1, $"{count} next hops in {ns}", 10, () => BgpLab.Ip(ns, "route", "show", "100.0.0.8"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_router_that_does_not_speak_every_family_keeps_its_routes_and_gets_a_family_that_it_learns(bool serverRestarts)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        var peer = Peer("vmx1", 245, change: p => p with { AddressFamilies = ["inet", "inet-vpn", "route-target"] });
        BgpPath[] paths = [Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")];
        var turns = new LastTurns();
        AnnouncedPath[] announced = [];
        var speaker = await StartAsync();
        try
        {
            // In the kernel: FRR's table has them a moment earlier, and the monitor would see them come.
            await Eventually.TrueAsync(() => BgpLab.Ip(frr.Namespace, "route", "show", "100.0.0.4").Split("via ").Length == 3, "both next hops", 30);
            Assert.Equal(["inet"], speaker.Session("vmx1").Families);
            using var monitor = new RouteMonitor(frr.Namespace);

            turns.LastSessions = [.. speaker.Sessions];
            BgpPathKey[] keys = [.. paths.Select(p => p.Key)];
            announced = [.. keys.Zip(speaker.PathIdentifiersOf(keys), (k, id) => new AnnouncedPath(k, id))];
            engine.Kill();
            if (serverRestarts)
            {
                await speaker.DisposeAsync();
                engine.Start();
                speaker = await StartAsync();
            }
            else
            {
                await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 5);
                engine.Start();
            }
            await speaker.EstablishedAsync("vmx1", 40);
            var since = speaker.Session("vmx1").Since;
            // gobgpd ends the restart after this time at the latest: that is when it sends the End-of-RIB of all families.
            await Task.Delay(TimeSpan.FromSeconds(PeerMapper.DeferralTime + 2), Token);
            Assert.Equal((true, since), (speaker.Session("vmx1").IsEstablished, speaker.Session("vmx1").Since));
            var changes = monitor.About("100.0.0.");
            Assert.True(changes.Count == 0, $"{string.Join('\n', changes)}\nnow: {BgpLab.Ip(frr.Namespace, "route", "show")}{BgpLab.Ip(frr.Namespace, "nexthop", "show")}{frr.Show("show bgp ipv4 unicast 100.0.0.4/32")}");

            frr.Change($"configure terminal\nrouter bgp {Asn}\naddress-family ipv4 vpn\nneighbor 172.27.115.241 activate");
            await Eventually.TrueAsync(
                () => speaker.Session("vmx1").Families.SequenceEqual(["inet", "inet-vpn"]), "the new family", 40, () => $"{speaker.Session("vmx1")} {frr.Show("show bgp neighbors")}");
            await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 2, "both next hops again", 30);
        }
        finally
        {
            await speaker.DisposeAsync();
        }

        async Task<GoBgpSpeaker> StartAsync()
        {
            var started = Speaker(engine, turns: turns);
            started.Expect(announced);
            await started.StartAsync(Token);
            await started.SetPathsAsync(paths, Token);
            await started.SetPeersAsync([peer], Token);
            await started.EstablishedAsync("vmx1", 40);
            return started;
        }
    }

    [Fact]
    public async Task A_restarted_server_adopts_paths_and_sessions_without_disturbing_them()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        _lab.Frr("vmx2", 246, 65001, FrrNeighbor(extra: "neighbor 172.27.115.241 password s3cret"));
        BgpPeer[] peers = [Peer("vmx1", 245), Peer("vmx2", 246, 65001, p => p with { AuthKey = "s3cret", MultihopTtl = 3, HoldTime = 30 })];
        BgpPath[] paths = [Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")];
        await using (var before = Speaker(engine))
        {
            await before.StartAsync(Token);
            await before.SetPathsAsync(paths, Token);
            await before.SetPeersAsync(peers, Token);
            await before.EstablishedAsync("vmx1");
            await before.EstablishedAsync("vmx2");
        }
        await Eventually.TrueAsync(() => BgpLab.Ip(frr.Namespace, "route", "show", "100.0.0.4").Split("nexthop").Length == 3, "both next hops in the kernel", 10);
        var uptime = await UptimesAsync(engine);
        using var monitor = new RouteMonitor(frr.Namespace);

        await using var speaker = Speaker(engine);
        Assert.Equal(2, (await speaker.StartAsync(Token)).Count);
        await speaker.SetPathsAsync(paths, Token);
        await speaker.SetPeersAsync(peers, Token);
        await speaker.EstablishedAsync("vmx1", 5);
        await speaker.EstablishedAsync("vmx2", 5);
        await speaker.AdvertisesAsync("vmx1", 2);
        Assert.Equal(new(0, 0, 0, 0), speaker.Counters);
        // The next route reaches the router in the session of before.
        await speaker.ChangePathsAsync([Path("198.51.100.1", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("198.51.100.1/32").Count == 1, "the next route", 10);
        Assert.Equal(uptime, await UptimesAsync(engine));
        Assert.Empty(monitor.About("100.0.0."));
    }

    [Fact]
    public async Task Paths_that_were_set_before_the_start_are_not_withdrawn_from_an_engine_that_holds_them()
    {
        // One speaker at a time: another one that wants nothing would withdraw everything.
        var engine = _lab.Keep(new GoBgpd(_lab));
        var (a, b, c) = (Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243"), Path("100.0.0.5", "172.27.115.242"));
        await using (var before = Speaker(engine))
        {
            await before.StartAsync(Token);
            await before.SetPathsAsync([a, b, c], Token);
        }
        var identifiers = await WireIdentifiersAsync();
        await using var speaker = Speaker(engine);
        var failure = await Assert.ThrowsAsync<BgpEngineException>(() => speaker.SetPathsAsync([a, b], Token));
        Assert.True(failure.IsTransient);
        await speaker.StartAsync(Token);
        Assert.Empty(await speaker.SetPathsAsync([a, b], Token));
        Assert.Equal((0, 1, 0), (speaker.Counters.PathsAdded, speaker.Counters.PathsWithdrawn, speaker.Counters.Repairs));
        // The engine gives a path that was withdrawn and added again another identifier.
        Assert.Equal(identifiers.Where(i => i.StartsWith("100.0.0.4", StringComparison.Ordinal)), await WireIdentifiersAsync());

        async Task<IReadOnlyList<string>> WireIdentifiersAsync() =>
            [.. (await engine.ListAsync()).Select(p => (Path: new PathMapper(64512).Decode(p)!.Value, p.LocalIdentifier))
                .Select(p => $"{p.Path.Key} {p.Path.NextHop} {p.LocalIdentifier}").Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task An_engine_that_runs_with_another_AS_number_is_restarted()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using (var before = Speaker(engine, 65001))
        {
            await before.StartAsync(Token);
            await before.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
            await before.SetPeersAsync([Peer("vmx1", 245)], Token);
        }
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        Assert.Empty(await speaker.StartAsync(Token));
        Assert.Equal(Asn, (await engine.ByHand.GetBgpAsync(new(), cancellationToken: Token)).Global.Asn);
        await speaker.SetPathsAsync([Path("100.0.0.5", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.5/32").Count == 1, "announced", 30);
    }

    [Fact]
    public async Task An_engine_stopped_by_hand_is_started_again()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await engine.ByHand.StopBgpAsync(new(), cancellationToken: Token);
        await Eventually.TrueAsync(() => speaker.Counters.EngineRestarts == 1 && speaker.Healthy, "started", 6);
        Assert.Single(await engine.HoldsAsync());
    }

    [Fact]
    public async Task A_thousand_paths_deleted_by_hand_are_back_within_five_seconds()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([.. Enumerable.Range(0, 1000).Select(i => Path($"100.0.{i / 250}.{(i % 250) + 1}", "172.27.115.242"))], Token);
        await engine.ByHand.DeletePathAsync(new() { TableType = CN2.Api.Drivers.GoBgp.Wire.TableType.Global }, cancellationToken: Token);
        await Eventually.TrueAsync(async () => (await engine.HoldsAsync()).Count == 1000, "repaired", 5);
        Assert.True(speaker.Healthy);
        Assert.Equal(0, speaker.Counters.EngineRestarts);
    }

    private static async Task<string> UptimesAsync(GoBgpd engine)
    {
        using var call = engine.ByHand.ListPeer(new());
        var uptimes = new SortedDictionary<string, string>();
        while (await call.ResponseStream.MoveNext(Token))
        {
            var peer = call.ResponseStream.Current.Peer;
            uptimes[peer.Conf.NeighborAddress] = $"{peer.State.SessionState} {peer.Timers.State.Uptime}";
        }
        return string.Join(";", uptimes);
    }

    /// <summary>The sessions of an earlier run; every turn is free.</summary>
    private sealed class LastTurns : ISessionTurns
    {
        private readonly FreeTurns _free = new();

        public IReadOnlyCollection<BgpSession> LastSessions { get; set; } = [];

        public event Action? Taken
        {
            add => _free.Taken += value;
            remove => _free.Taken -= value;
        }

        public bool TryTake(string routerAddress) => _free.TryTake(routerAddress);

        public void GiveBack(string routerAddress) => _free.GiveBack(routerAddress);
    }
}
