using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Network.Resources;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Routers that flood, talk garbage, hang or reset: they alone pay, and the sessions and routes of the others stay.</summary>
public sealed class HostileRouterTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_router_that_floods_says_so_and_the_others_are_served()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 244, Asn, FrrNeighbor());
        var flooding = await _lab.RouterAsync("flooding", 245, ["inet-vpn"]);
        var quiet = await _lab.RouterAsync("quiet", 246, ["inet-vpn"]);
        await using var speaker = Speaker(engine);
        var imports = new Imports(speaker);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        await speaker.SetPeersAsync([Peer("frr", 244), VpnPeer("flooding", 245), VpnPeer("quiet", 246)], Token);
        await speaker.EstablishedAsync("frr");
        await speaker.EstablishedAsync("flooding");
        await speaker.EstablishedAsync("quiet");
        var since = Since();

        // One prefix by more next hops than are taken, each with a route distinguisher of its own.
        var flood = Enumerable.Range(0, Limits.ImportedNextHops + 900).Select(i => Vpn("100.9.9.9", $"10.7.{i >> 8}.{i & 255}", 5, ["target:64512:1"])).ToList();
        await flooding.SendVpnAsync(flood, isWithdraw: false);
        await Eventually.TrueAsync(() => speaker.Session("flooding").LastError is { } e && e.Contains("next hops", StringComparison.Ordinal) && e.Contains("one prefix", StringComparison.Ordinal),
            "its session says so", 60, () => string.Join(";", speaker.Sessions));
        quiet.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.246");
        await Eventually.TrueAsync(() => imports.Now.Keys.Any(k => k.Peer == "quiet"), "the other router's route", 30, () => string.Join(";", speaker.Sessions));
        Assert.Equal(Limits.ImportedNextHops, imports.Now.Values.Select(r => r.NextHop).Distinct().Count());
        await speaker.ChangePathsAsync([Path("100.0.0.5", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.5/32").Count == 1, "the own route", 10);
        Assert.Null(speaker.Session("quiet").LastError);
        Assert.Equal(since, Since());

        await flooding.SendVpnAsync(flood, isWithdraw: true);
        await Eventually.TrueAsync(() => speaker.Session("flooding").LastError is null, "nothing is left out any more", 60, () => string.Join(";", speaker.Sessions));
        // The error goes when what is left is within the limits, before the last withdrawal.
        await Eventually.TrueAsync(() => imports.Now.Count == 1, "the flood is withdrawn", 30, () => imports.Text);
        Assert.Equal("quiet", Assert.Single(imports.Now.Keys).Peer);
        Assert.Equal(since, Since());

        string Since() => string.Join(" ", speaker.Sessions.Select(s => $"{s.Peer} {s.State} {s.Since:O}"));
    }

    [Fact]
    public async Task Routers_that_talk_garbage_hang_or_reset_each_second_disturb_nobody_else()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 244, Asn, FrrNeighbor());
        var quiet = await _lab.RouterAsync("quiet", 246, ["inet-vpn"]);
        await using var speaker = Speaker(engine);
        var imports = new Imports(speaker);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        BgpPeer[] good = [Peer("frr", 244), VpnPeer("quiet", 246)];
        await speaker.SetPeersAsync(good, Token);
        await speaker.EstablishedAsync("frr");
        await speaker.EstablishedAsync("quiet");
        var since = Since();

        HostileRouter[] hostile = [
            _lab.Keep(new HostileRouter(_lab, "garbage", 247, Hostility.Garbage)),
            _lab.Keep(new HostileRouter(_lab, "halfopen", 248, Hostility.HalfOpen)),
            _lab.Keep(new HostileRouter(_lab, "resets", 249, Hostility.Resets))];
        await speaker.SetPeersAsync([.. good, Peer("garbage", 247), Peer("halfopen", 248), Peer("resets", 249)], Token);
        // Route by route, until each of them has been at it several times.
        for (var i = 1; i <= 200 && (i <= 5 || hostile[0].Connections < 5 || hostile[2].Connections < 5); i++)
        {
            await speaker.ChangePathsAsync([Path($"100.0.1.{i}", "172.27.115.242")], i > 1 ? [Key($"100.0.1.{i - 1}", "172.27.115.242")] : [], Token);
            await Eventually.TrueAsync(() => frr.NextHops($"100.0.1.{i}/32").Count == 1 && (i == 1 || frr.NextHops($"100.0.1.{i - 1}/32").Count == 0), "the change at the router", 10);
            quiet.AnnounceVpn($"10.{i}.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.246");
            await Eventually.TrueAsync(() => imports.Now.Count == i, "the imported route", 10, () => $"{imports.Text} | {string.Join(";", speaker.Sessions)}");
        }
        Assert.All(hostile, h => Assert.True(h.Connections > 0));
        Assert.True(speaker.Healthy);
        Assert.Equal(since, Since());
        await Eventually.TrueAsync(() => speaker.Sessions.Where(s => s.Peer is "garbage" or "resets").All(s => s.LastError is not null), "they say so", 60,
            () => string.Join(";", speaker.Sessions));
        Assert.Equal((0L, 0L), (speaker.Counters.Repairs, speaker.Counters.EngineRestarts));

        string Since() => string.Join(" ", speaker.Sessions.Where(s => s.Peer is "frr" or "quiet").Select(s => $"{s.Peer} {s.State} {s.Since:O}"));
    }

    [Fact]
    public async Task A_router_whose_bytes_end_the_engine_is_found_and_left_out()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 244, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("frr", 244)], Token);
        await speaker.EstablishedAsync("frr");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var supervisor = engine.SuperviseAsync(stop.Token);

        var harmful = _lab.Keep(new HostileRouter(_lab, "harmful", 247, Hostility.EndsTheEngine));
        _lab.Keep(new HostileRouter(_lab, "halfopen", 248, Hostility.HalfOpen));
        await speaker.SetPeersAsync([Peer("frr", 244), Peer("harmful", 247), Peer("halfopen", 248)], Token);
        await Eventually.TrueAsync(() => speaker.Session("harmful").LastError?.Contains("what it sends ends the engine", StringComparison.Ordinal) == true, "it is left out", 120,
            () => $"{string.Join(";", speaker.Sessions)} {speaker.Counters} {engine.Output}");
        await speaker.EstablishedAsync("frr", 60);
        var (restarts, connections) = (speaker.Counters.EngineRestarts, harmful.Connections);
        await speaker.ChangePathsAsync([Path("100.0.1.1", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.1.1/32").Count == 1, "the route", 30);
        await Eventually.TrueAsync(() => harmful.Connections >= connections + 5, "it goes on trying", 60);
        await speaker.EstablishedAsync("frr");
        Assert.Equal(restarts, speaker.Counters.EngineRestarts);
        Assert.DoesNotContain("left out", speaker.Session("halfopen").LastError ?? "", StringComparison.Ordinal);
        await stop.CancelAsync();
        await supervisor;
    }

    [Theory]
    [InlineData((int)Hostility.EndsTheEngineAtOnce)]
    [InlineData((int)Hostility.EndsTheEngineInSession)]
    public async Task A_router_that_ends_the_engine_out_of_a_session_is_left_out_and_the_others_keep_session_and_routes(int hostility)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 244, Asn, FrrNeighbor());
        // Innocent, and down: it would be the first in every order of names or addresses.
        _lab.AddHost("absent", 243);
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.241")], Token);
        BgpPeer[] innocent = [Peer("absent", 243), Peer("frr", 244)];
        await speaker.SetPeersAsync(innocent, Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 2, "the route", 30);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await speaker.EstablishedAsync("frr");
        // The engine gives such a router its routes before it connects one that has just come.
        await Eventually.TrueAsync(() => clock.Elapsed > PeerTrials.ProvenAfter, "a session that has stood for long", 60);
        using var monitor = new RouteMonitor(frr.Namespace);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var supervisor = engine.SuperviseAsync(stop.Token);

        _lab.Keep(new HostileRouter(_lab, "hostile", 247, (Hostility)hostility));
        await speaker.SetPeersAsync([.. innocent, Peer("hostile", 247)], Token);
        var blamed = "";
        await Eventually.TrueAsync(() => Blame() && IsLeftOut("hostile"), "the hostile router is left out", 150, () => $"{string.Join(";", speaker.Sessions)} {speaker.Counters}");
        await speaker.EstablishedAsync("frr", 30);
        await speaker.ChangePathsAsync([Path("100.0.0.5", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.5/32").Count == 1, "a later route", 30);
        Assert.Equal(["172.27.115.243", "172.27.115.244"], await GivenAsync(engine));
        Assert.Empty(monitor.About("100.0.0.4"));
        Blame();
        Assert.Equal("", blamed);
        await stop.CancelAsync();
        await supervisor;

        bool Blame()
        {
            foreach (var peer in (string[])["absent", "frr"]) blamed += IsLeftOut(peer) ? peer : "";
            return true;
        }

        bool IsLeftOut(string peer) => speaker.Session(peer).LastError?.Contains("is left out", StringComparison.Ordinal) == true;
    }

    private static async Task<List<string>> GivenAsync(GoBgpd engine)
    {
        using var call = engine.ByHand.ListPeer(new(), cancellationToken: Token);
        var peers = new List<string>();
        while (await call.ResponseStream.MoveNext(Token)) peers.Add(call.ResponseStream.Current.Peer.Conf.NeighborAddress);
        return [.. peers.Order(StringComparer.Ordinal)];
    }

    /// <summary>The families that the router has; see docs/operating.md.</summary>
    private static BgpPeer VpnPeer(string name, int host) => Peer(name, host, change: p => p with { AddressFamilies = ["inet-vpn"] });
}
