using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>VPN routes that are learned from real routers.</summary>
public sealed class ImportTests : IDisposable
{
    private const string FromVmx1 = "vmx1 64512:7 10.1.0.0/16";

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    private async Task<(GoBgpd Engine, GoBgpRouter Router, GoBgpSpeaker Speaker, Imports Imports)> StartAsync(
        Func<CN2.Api.Drivers.BgpPeer, CN2.Api.Drivers.BgpPeer>? change = null, int limit = 10_000)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, ["inet-vpn", "inet6-vpn"]);
        var speaker = Speaker(engine, change: o => o with { ImportedRoutesPerPeer = limit });
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Vpn("100.0.0.4", "172.27.115.242", 5)], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: change)], Token);
        return (engine, router, speaker, new(speaker));
    }

    [Fact]
    public async Task Routes_with_an_import_target_are_imported_with_all_their_attributes()
    {
        var (_, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1"), Target("target:10.2.2.2:561"), Target("target:4200000000:7")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 64512:99 encap gre nexthop 172.27.115.245 med 5 local-pref 300 aspath 65001,65002");
        router.AnnounceVpn("10.2.0.0/16 label 1048575 rd 172.27.115.245:8 rt 10.2.2.2:561 nexthop 172.27.115.246");
        router.AnnounceVpn("10.3.0.0/24 label 16 rd 64086.59904:9 rt 64086.59904:7 nexthop 172.27.115.245");
        router.AnnounceVpn("2001:db8:1::/48 label 101 rd 64512:7 rt 64512:1 nexthop ::ffff:172.27.115.245", v6: true);
        router.AnnounceVpn("10.9.0.0/16 label 100 rd 64512:7 rt 64512:2 nexthop 172.27.115.245");
        await imports.BecomeAsync("vmx1 172.27.115.245:8 10.2.0.0/16; vmx1 4200000000:9 10.3.0.0/24; vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 2001:db8:1::/48");

        var route = imports["vmx1", "64512:7", "10.1.0.0/16"];
        Assert.Equal("172.27.115.245", route.NextHop.ToString());
        Assert.Equal((100u, 300u, 5u, 2), (route.Label, route.LocalPreference, route.Med, route.ASPathLength));
        Assert.Equal([Target("target:64512:1"), Target("target:64512:99")], route.RouteTargets);
        Assert.Equal([(ushort)2], route.Encapsulations);
        var second = imports["vmx1", "172.27.115.245:8", "10.2.0.0/16"];
        Assert.Equal(("172.27.115.246", 1048575u, 100u, 0u, 0), (second.NextHop.ToString(), second.Label, second.LocalPreference, second.Med, second.ASPathLength));
        Assert.Empty(second.Encapsulations);
        Assert.Equal([Target("target:4200000000:7")], imports["vmx1", "4200000000:9", "10.3.0.0/24"].RouteTargets);
        Assert.Equal("172.27.115.245", imports["vmx1", "64512:7", "2001:db8:1::/48"].NextHop.ToString());

        router.AnnounceVpn("10.1.0.0/16 label 200 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await Eventually.TrueAsync(() => imports["vmx1", "64512:7", "10.1.0.0/16"] is { Label: 200, Encapsulations.Count: 0 }, "changed", 10);
        router.AnnounceVpn("10.2.0.0/16 label 100 rd 172.27.115.245:8 rt 64512:2 nexthop 172.27.115.245");
        router.WithdrawVpn("10.3.0.0/24 label 16 rd 64086.59904:9");
        await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 2001:db8:1::/48");
    }

    [Fact]
    public async Task Imported_routes_do_not_enter_the_table_are_not_announced_and_cause_no_repair()
    {
        var (engine, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        var inside = await _lab.RouterAsync("vmx2", 246, ["inet-vpn", "inet6-vpn", "route-target"]);
        var outside = await _lab.RouterAsync("vmx3", 247, ["inet-vpn", "inet6-vpn"], 65001);
        inside.AddVrf("red", 1, "target:64512:1");
        await speaker.SetPeersAsync([
            Peer("vmx1", 245), Peer("vmx2", 246, change: p => p with { AddressFamilies = ["inet-vpn", "inet6-vpn", "route-target"] }), Peer("vmx3", 247, 65001)], Token);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync(FromVmx1);
        await Eventually.TrueAsync(() => inside.Vrf("red") is ["100.0.0.4/32"] && outside.Table("vpnv4") is ["172.27.115.242:5:100.0.0.4/32"], "the own route is announced", 40,
            () => string.Join(", ", [.. inside.Table("vpnv4"), .. outside.Table("vpnv4")]) + string.Join(";", speaker.Sessions));
        // Each router sends a route after it has the own one: a route that it had sent back would have come before.
        inside.AnnounceVpn("10.8.0.0/16 label 100 rd 64512:8 rt 64512:1 nexthop 172.27.115.246");
        outside.AnnounceVpn("10.9.0.0/16 label 100 rd 64512:9 rt 64512:1 nexthop 172.27.115.247");
        await imports.BecomeAsync($"{FromVmx1}; vmx2 64512:8 10.8.0.0/16; vmx3 64512:9 10.9.0.0/16");
        Assert.Single(await engine.ListAsync());
        Assert.Equal(["10.8.0.0/16", "100.0.0.4/32"], inside.Vrf("red"));
        Assert.Equal(["172.27.115.242:5:100.0.0.4/32", "64512:9:10.9.0.0/16"], outside.Table("vpnv4"));
        Assert.Equal(0, speaker.Counters.Repairs);
    }

    [Fact]
    public async Task After_a_change_of_import_targets_routes_that_were_sent_before_are_imported_or_dropped()
    {
        var (_, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        router.AnnounceVpn("10.2.0.0/16 label 100 rd 64512:7 rt 64512:2 nexthop 172.27.115.245");
        router.AnnounceVpn("10.3.0.0/16 label 100 rd 64512:7 rt 64512:1 64512:2 nexthop 172.27.115.245");
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Received == 3, "three received", 40, () => string.Join(";", speaker.Sessions));

        // The routes that were sent before can be taken as soon as the call completes.
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        Assert.Equal("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.3.0.0/16", imports.Text);
        await speaker.SetImportAsync([Target("target:64512:1"), Target("target:64512:2")], Token);
        Assert.Equal("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.2.0.0/16; vmx1 64512:7 10.3.0.0/16", imports.Text);
        await speaker.SetImportAsync([Target("target:64512:2")], Token);
        Assert.Equal("vmx1 64512:7 10.2.0.0/16; vmx1 64512:7 10.3.0.0/16", imports.Text);
        await speaker.SetImportAsync([], Token);
        Assert.Equal("", imports.Text);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        Assert.Equal("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.3.0.0/16", imports.Text);
    }

    [Fact]
    public async Task A_restarted_server_gets_all_imported_routes_and_a_restarted_engine_loses_none()
    {
        var (engine, router, speaker, imports) = await StartAsync();
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync(FromVmx1);
        await speaker.DisposeAsync();

        await using var second = Speaker(engine);
        var again = new Imports(second);
        await second.StartAsync(Token);
        await second.SetImportAsync([Target("target:64512:1")], Token);
        await second.SetPeersAsync([Peer("vmx1", 245)], Token);
        await again.BecomeAsync(FromVmx1);
        router.AnnounceVpn("10.4.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await again.BecomeAsync($"{FromVmx1}; vmx1 64512:7 10.4.0.0/16");

        engine.Kill();
        await Eventually.TrueAsync(() => !second.Healthy, "unhealthy", 10);
        router.WithdrawVpn("10.4.0.0/16 label 100 rd 64512:7");
        Assert.Equal(2, again.Now.Count);
        engine.Start();
        await Eventually.TrueAsync(() => second.Healthy, "healthy", 20);
        await second.EstablishedAsync("vmx1", 60);
        await Eventually.TrueAsync(() => second.Session("vmx1").Received == 1, "sent again", 40);
        // The route that was withdrawn meanwhile goes when the router has sent everything again; the other one was never away.
        await again.BecomeAsync(FromVmx1);
        Assert.Equal(["10.1.0.0/16", "10.4.0.0/16", "10.4.0.0/16"], again.Changes.Select(c => c.Key.Prefix.ToString()));
        router.AnnounceVpn("10.2.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await again.BecomeAsync("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.2.0.0/16");
    }

    [Fact]
    public async Task Routes_of_a_router_that_restarts_stay_until_it_has_sent_everything_without_them()
    {
        var (_, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        router.AnnounceVpn("10.2.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.2.0.0/16");
        router.Kill();
        await Eventually.TrueAsync(() => !speaker.Session("vmx1").IsEstablished, "down", 10);
        await router.RestartAsync(r =>
        {
            Assert.Equal(2, imports.Now.Count);
            r.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        });
        await imports.BecomeAsync(FromVmx1, 60);
        // The route that was sent again was never away.
        Assert.Equal(3, imports.Changes.Count);
    }

    [Fact]
    public async Task Routes_of_a_router_that_stays_away_go_after_its_restart_time_or_at_once_without_graceful_restart()
    {
        var (_, router, speaker, imports) = await StartAsync(p => p with { RestartTime = 4 });
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync(FromVmx1);
        await router.DisconnectAsync();
        await Eventually.TrueAsync(() => !speaker.Session("vmx1").IsEstablished, "down", 10);
        var away = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(FromVmx1, imports.Text);
        await imports.BecomeAsync("", 10);
        Assert.True(away.Elapsed > TimeSpan.FromSeconds(3), $"The routes were gone after {away.Elapsed}.");

        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { GracefulRestart = false })], Token);
        await router.ConnectAsync();
        await imports.BecomeAsync(FromVmx1, 60);
        router.Kill();
        await imports.BecomeAsync("", 10);
    }

    [Fact]
    public async Task The_routes_of_a_router_that_is_shut_down_or_deleted_go_at_once()
    {
        var (_, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync(FromVmx1);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { AdminDown = true })], Token);
        Assert.Equal("", imports.Text);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await imports.BecomeAsync(FromVmx1, 60);
        await speaker.SetPeersAsync([Peer("renamed", 245)], Token);
        await imports.BecomeAsync("renamed 64512:7 10.1.0.0/16");
        await speaker.SetPeersAsync([], Token);
        Assert.Equal("", imports.Text);
    }

    [Fact]
    public async Task The_session_of_a_router_over_the_import_limit_says_so_until_it_sends_fewer_routes()
    {
        var (_, router, speaker, imports) = await StartAsync(limit: 3);
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        for (var i = 1; i <= 5; i++) router.AnnounceVpn($"10.{i}.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await Eventually.TrueAsync(() => speaker.Session("vmx1").LastError?.Contains("Bgp__ImportedRoutesPerPeer", StringComparison.Ordinal) == true, "the session says so", 40,
            () => string.Join(";", speaker.Sessions));
        Assert.Equal(3, imports.Now.Count);
        // Routes and states of sessions come by two streams, so the first routes may be there before the state.
        await speaker.EstablishedAsync("vmx1");
        Assert.True(speaker.Session("vmx1").IsEstablished);
        router.WithdrawVpn("10.1.0.0/16 label 100 rd 64512:7");
        router.WithdrawVpn("10.5.0.0/16 label 100 rd 64512:7");
        await imports.BecomeAsync("vmx1 64512:7 10.2.0.0/16; vmx1 64512:7 10.3.0.0/16; vmx1 64512:7 10.4.0.0/16");
        await Eventually.TrueAsync(() => speaker.Session("vmx1").LastError is null, "recovered", 10);
    }

    [Fact]
    public async Task Routes_that_cannot_be_used_are_left_out_and_stop_no_others()
    {
        var (_, router, speaker, imports) = await StartAsync();
        await using var _1 = speaker;
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        router.AnnounceVpn("10.1.0.0/16 label 3 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        router.AnnounceVpn("10.3.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245 aspath 65001,64512");
        router.AnnounceVpn("10.4.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 2001:db8::1");
        router.AnnounceVpn("10.5.0.0/16 label 100 rd 64512:7 nexthop 172.27.115.245");
        router.AnnounceVpn("10.6.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync("vmx1 64512:7 10.6.0.0/16");
        // One that could be used changes into one that cannot.
        router.AnnounceVpn("10.6.0.0/16 label 3 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await imports.BecomeAsync("");
        Assert.True(speaker.Healthy);
        Assert.Null(speaker.Session("vmx1").LastError);
    }

    [Fact]
    public async Task Routes_of_BIRD_are_read_with_both_encapsulations_but_not_with_two_labels_or_an_IPv6_next_hop()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Keep(new BirdRouter(_lab, "bird", 246, Asn, Asn, vpn: true, tables: """
            protocol static { vpn4 { table vpntab4; }; route 172.27.115.246:3 10.1.0.0/16 via 172.27.115.246 mpls 300 {
              bgp_ext_community.add((rt, 64512, 1)); bgp_ext_community.add((generic, 0x030c0000, 2)); bgp_ext_community.add((generic, 0x030c0000, 13)); bgp_med = 7; };
              route 172.27.115.246:3 10.2.0.0/16 via 172.27.115.246 mpls 300/301 { bgp_ext_community.add((rt, 64512, 1)); }; }
            protocol static { vpn6 { table vpntab6; }; route 172.27.115.246:3 2001:db8:1::/48 via fd00:115::246 mpls 301 { bgp_ext_community.add((rt, 64512, 1)); }; }
            """));
        await using var speaker = Speaker(engine);
        var imports = new Imports(speaker);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        await speaker.SetPeersAsync([Peer("bird", 246)], Token);
        await Eventually.TrueAsync(() => speaker.Session("bird").Received == 3, "three received", 40, () => string.Join(";", speaker.Sessions));
        await imports.BecomeAsync("bird 172.27.115.246:3 10.1.0.0/16");
        var route = imports["bird", "172.27.115.246:3", "10.1.0.0/16"];
        Assert.Equal(("172.27.115.246", 300u, 7u, 0), (route.NextHop.ToString(), route.Label, route.Med, route.ASPathLength));
        Assert.Equal([(ushort)2, (ushort)13], route.Encapsulations);
    }
}
