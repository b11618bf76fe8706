using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Peers added, changed and removed at run time, with real routers at the other end.</summary>
public sealed class PeerTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_right_key_opens_the_session_and_a_wrong_one_does_not()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("right", 245, Asn, FrrNeighbor(extra: "neighbor 172.27.115.241 password s3cret"));
        _lab.Frr("wrong", 246, Asn, FrrNeighbor(extra: "neighbor 172.27.115.241 password other"));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([
            Peer("right", 245, change: p => p with { AuthKey = "s3cret" }), Peer("wrong", 246, change: p => p with { AuthKey = "s3cret" })], Token);
        await speaker.EstablishedAsync("right");
        await Eventually.StaysAsync(() => !speaker.Session("wrong").IsEstablished, "stays down", TimeSpan.FromSeconds(4));

        // Corrected at run time, without touching the other.
        var since = speaker.Session("right").Since;
        await speaker.SetPeersAsync([
            Peer("right", 245, change: p => p with { AuthKey = "s3cret" }), Peer("wrong", 246, change: p => p with { AuthKey = "other" })], Token);
        await speaker.EstablishedAsync("wrong");
        Assert.Equal(since, speaker.Session("right").Since);
    }

    [Fact]
    public async Task A_deleted_peer_leaves_no_key_behind()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { AuthKey = "s3cret", Passive = true })], Token);
        await speaker.SetPeersAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { Passive = true })], Token);
        await speaker.EstablishedAsync("vmx1");
    }

    [Fact]
    public async Task A_passive_peer_waits_for_the_router()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { Passive = true })], Token);
        await speaker.EstablishedAsync("vmx1");
    }

    [Fact]
    public async Task A_control_node_that_never_listens_connects_by_itself()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor(extra: "neighbor 172.27.115.241 passive"));
        await using var speaker = Speaker(engine, change: o => o with { ListenPort = -1 });
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245), Peer("never", 246, change: p => p with { Passive = true })], Token);
        await speaker.EstablishedAsync("vmx1", 40);
        Assert.Contains("does not listen", speaker.Session("never").LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peers_come_change_and_go_without_disturbing_the_others()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        var second = _lab.Frr("vmx2", 246, 65001, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await speaker.EstablishedAsync("vmx1");
        var states = new List<string>();
        speaker.Changed += () =>
        {
            lock (states) states.Add(speaker.Sessions.Single(s => s.Peer == "vmx1").State);
        };

        await speaker.SetPeersAsync([Peer("vmx1", 245), Peer("vmx2", 246, 65001)], Token);
        await speaker.EstablishedAsync("vmx2");
        await Eventually.TrueAsync(() => second.NextHops("100.0.0.4/32").Count == 1, "route at the second");

        // Timers: no new session, for neither.
        var since = speaker.Session("vmx2").Since;
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001)], Token);
        await Eventually.StaysAsync(() => speaker.Session("vmx1").IsEstablished, "stays up", TimeSpan.FromSeconds(1));
        Assert.Equal(30ul, (await PeerAsync(engine, "172.27.115.245")).Timers.Config.HoldTime);

        // adminDown and up again, of the second.
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001, p => p with { AdminDown = true })], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx2") is { IsEstablished: false, LastError: "adminDown is set." }, "down", 5);
        await Eventually.TrueAsync(() => second.NextHops("100.0.0.4/32").Count == 0, "route gone at the second", 10);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001)], Token);
        await speaker.EstablishedAsync("vmx2");
        Assert.NotEqual(since, speaker.Session("vmx2").Since);

        // Multihop, which the engine's update does not compare.
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001, p => p with { MultihopTtl = 5 })], Token);
        Assert.Equal(5u, (await PeerAsync(engine, "172.27.115.246")).EbgpMultihop.MultihopTtl);
        await speaker.EstablishedAsync("vmx2");

        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 })], Token);
        await Eventually.TrueAsync(() => second.NextHops("100.0.0.4/32").Count == 0, "route gone with the peer", 10);
        Assert.Single(speaker.Sessions);
        lock (states) Assert.All(states, s => Assert.Equal("Established", s));
    }

    [Fact]
    public async Task A_peer_deleted_by_hand_comes_back_and_one_added_by_hand_goes()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await speaker.EstablishedAsync("vmx1");
        await engine.ByHand.DeletePeerAsync(new() { Address = "172.27.115.245" }, cancellationToken: Token);
        await Eventually.TrueAsync(() => !speaker.Session("vmx1").IsEstablished, "seen", 5);
        await speaker.EstablishedAsync("vmx1");
        await engine.ByHand.AddPeerAsync(new() { Peer = new() { Conf = new() { NeighborAddress = "172.27.115.99", PeerAsn = 65009 } } }, cancellationToken: Token);
        await Eventually.TrueAsync(async () => await CountAsync(engine) == 1, "the foreign peer is gone", 5);
    }

    [Fact]
    public async Task The_session_tells_why_the_router_is_not_there()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, 65001, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, 65002), Peer("twin", 245, 65001)], Token);
        Assert.Contains("same address", speaker.Session("vmx1").LastError, StringComparison.Ordinal);
        await speaker.SetPeersAsync([Peer("vmx1", 245, 65002)], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").LastError?.Contains("NOTIFICATION", StringComparison.Ordinal) == true, "a reason", 30,
            () => string.Join(";", speaker.Sessions));
    }

    [Fact]
    public async Task A_session_over_IPv6_from_the_configured_address_carries_both_families()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn,
            FrrNeighbor().Replace("172.27.115.241", "fd00:115::241", StringComparison.Ordinal));
        await using var speaker = Speaker(engine, change: o => o with { ListenAddresses = [System.Net.IPAddress.Parse("172.27.115.241"), System.Net.IPAddress.Parse("fd00:115::241")] });
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("2001:db8::4", "fd00:115::242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { Address = System.Net.IPAddress.Parse("fd00:115::245") })], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 1 && frr.NextHops("2001:db8::4/128").Count == 1, "both", 30,
            () => frr.Show("show bgp summary") + string.Join(";", speaker.Sessions));
        Assert.Equal(["172.27.115.242"], frr.NextHops("100.0.0.4/32"));
        Assert.Equal(2, speaker.Session("vmx1").Advertised);
    }

    [Fact]
    public async Task Every_listed_family_is_negotiated_and_route_target_with_its_consequence_told()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = _lab.Keep(new GoBgpd(_lab, "router", _lab.AddHost("vmx1", 245)));
        await Eventually.TrueAsync(() => System.IO.File.Exists(router.Address[7..]), "router's socket");
        await router.ByHand.StartBgpAsync(new() { Global = new() { Asn = Asn, RouterId = "172.27.115.245", ListenPort = 179 } }, cancellationToken: Token);
        var peer = new CN2.Api.Drivers.GoBgp.Wire.Peer { Conf = new() { NeighborAddress = "172.27.115.241", PeerAsn = Asn } };
        foreach (var (afi, safi) in new (uint, uint)[] { (1, 1), (2, 1), (1, 128), (2, 128), (1, 132) })
            peer.AfiSafis.Add(new CN2.Api.Drivers.GoBgp.Wire.AfiSafi { Config = new() { Family = new() { Afi = afi, Safi = safi }, Enabled = true } });
        await router.ByHand.AddPeerAsync(new() { Peer = peer }, cancellationToken: Token);

        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(async () => (await router.ListAsync()).Count == 1, "the route", 40);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Families.SequenceEqual(["inet", "inet6", "inet-vpn", "inet6-vpn"]), "four families", 5,
            () => string.Join(";", speaker.Sessions));

        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { AddressFamilies = ["inet", "inet6", "inet-vpn", "inet6-vpn", "route-target"] })], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Families.Count == 5, "five families", 40, () => string.Join(";", speaker.Sessions));
        await Eventually.StaysAsync(() => speaker.Session("vmx1") is { Advertised: 0 } s && s.LastError!.Contains("route-target", StringComparison.Ordinal),
            "told", TimeSpan.FromSeconds(2));
        Assert.Empty(await router.ListAsync());
    }

    [Fact]
    public async Task A_speaker_started_before_its_engine_waits_for_it()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        engine.Kill();
        await using var speaker = Speaker(engine);
        var start = speaker.StartAsync(Token);
        await Task.Delay(300, Token);
        Assert.False(start.IsCompleted);
        Assert.False(speaker.Healthy);
        engine.Start();
        Assert.Empty(await start.WaitAsync(TimeSpan.FromSeconds(5), Token));
        Assert.True(speaker.Healthy);
    }

    private static async Task<CN2.Api.Drivers.GoBgp.Wire.Peer> PeerAsync(GoBgpd engine, string address)
    {
        using var call = engine.ByHand.ListPeer(new() { Address = address });
        await call.ResponseStream.MoveNext(Token);
        return call.ResponseStream.Current.Peer;
    }

    private static async Task<int> CountAsync(GoBgpd engine)
    {
        using var call = engine.ByHand.ListPeer(new());
        var count = 0;
        while (await call.ResponseStream.MoveNext(Token)) count++;
        return count;
    }
}
