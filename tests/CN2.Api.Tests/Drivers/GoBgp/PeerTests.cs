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
        // The router connects once a second; the kernel counts the segments that it drops for their key.
        await Eventually.TrueAsync(() => engine.Md5Failures() >= 3, "connections with the wrong key were dropped", 30);
        Assert.False(speaker.Session("wrong").IsEstablished);

        // The key is corrected at run time, without touching the other session.
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
    public async Task A_peer_is_added_changed_and_removed_without_disturbing_the_others()
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

        // Timers alone open no new session; the states are compared at the end. The next session has them: see the next test.
        var since = speaker.Session("vmx2").Since;
        var sinceFirst = speaker.Session("vmx1").Since;
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001)], Token);
        // The second goes adminDown and comes up again.
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001, p => p with { AdminDown = true })], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx2") is { IsEstablished: false, LastError: "adminDown is set." }, "down", 5);
        await Eventually.TrueAsync(() => second.NextHops("100.0.0.4/32").Count == 0, "route gone at the second", 10);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001)], Token);
        await speaker.EstablishedAsync("vmx2");
        Assert.NotEqual(since, speaker.Session("vmx2").Since);

        // The engine's UpdatePeer does not compare the multihop TTL.
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 }), Peer("vmx2", 246, 65001, p => p with { MultihopTtl = 5 })], Token);
        Assert.Equal(5u, (await PeerAsync(engine, "172.27.115.246")).EbgpMultihop.MultihopTtl);
        await speaker.EstablishedAsync("vmx2");

        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 30 })], Token);
        await Eventually.TrueAsync(() => second.NextHops("100.0.0.4/32").Count == 0, "route gone with the peer", 10);
        Assert.Equal(sinceFirst, Assert.Single(speaker.Sessions).Since);
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
        await Eventually.TrueAsync(async () => await CountAsync(engine) == 1, "the peer added by hand is gone", 5);
    }

    [Fact]
    public async Task A_session_that_is_down_says_why()
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
        await speaker.AdvertisesAsync("vmx1", 2);
    }

    [Fact]
    public async Task Every_listed_family_is_negotiated_and_with_route_target_the_session_says_that_no_unicast_route_is_sent()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        string[] families = ["inet", "inet6", "inet-vpn", "inet6-vpn", "route-target"];
        var router = await _lab.RouterAsync("vmx1", 245, families);
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Vpn("100.0.0.5", "172.27.115.242", 5, ["target:64512:1"])], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => router.Table("ipv4") is ["100.0.0.4/32"], "the unicast route", 40);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Families.SequenceEqual(["inet", "inet6", "inet-vpn", "inet6-vpn"]), "four families", 5,
            () => string.Join(";", speaker.Sessions));

        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { AddressFamilies = [.. families] })], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Families.Count == 5, "five families", 40, () => string.Join(";", speaker.Sessions));
        Assert.Equal(0, speaker.Session("vmx1").Advertised);
        Assert.Contains("route-target", speaker.Session("vmx1").LastError, StringComparison.Ordinal);
        // The VPN route comes when the router asks for it. By then a unicast route would have come.
        router.AddVrf("red", 1, "target:64512:1");
        await Eventually.TrueAsync(() => router.Vrf("red") is ["100.0.0.5/32"], "the VPN route", 40, () => string.Join(";", speaker.Sessions));
        Assert.Empty(router.Table("ipv4"));
    }

    [Fact]
    public async Task A_speaker_started_before_its_engine_waits_for_it()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        engine.Kill();
        await using var speaker = Speaker(engine);
        var noticed = 0;
        speaker.Changed += () => noticed++;
        var start = speaker.StartAsync(Token);
        await Eventually.TrueAsync(() => noticed > 0, "the speaker noticed that the engine is away", 5);
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
