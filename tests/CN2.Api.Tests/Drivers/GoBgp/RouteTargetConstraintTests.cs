using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Route target constraint (RFC 4684) with a router that negotiates it: each side gets the routes that it asked for.</summary>
public sealed class RouteTargetConstraintTests : IDisposable
{
    private static readonly string[] Families = ["inet-vpn", "inet6-vpn", "route-target"];

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    private static BgpPeer Constrained(string name, int host, uint asn = Asn) => Peer(name, host, asn, p => p with { AddressFamilies = [.. Families] });

    [Theory]
    [InlineData(Asn)]
    [InlineData(65001)]
    public async Task A_router_gets_only_the_routes_of_the_targets_it_has_a_membership_for(uint asn)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, Families, asn);
        router.AddVrf("red", 1, "target:64512:1");
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Vpn("100.0.0.1", "172.27.115.242", 1, ["target:64512:1"]), Vpn("2001:db8::1", "172.27.115.242", 1, ["target:64512:1"]),
            Vpn("100.0.0.2", "172.27.115.242", 2, ["target:64512:2", "target:4200000000:7"]), Vpn("100.0.0.3", "172.27.115.242", 3, ["target:10.2.2.2:561"])], Token);
        await speaker.SetPeersAsync([Constrained("vmx1", 245, asn)], Token);
        await HasAsync(["172.27.115.242:1:100.0.0.1/32"]);
        await Eventually.TrueAsync(() => router.Table("vpnv6") is ["172.27.115.242:1:2001:db8::1/128"], "vpnv6", 10);
        await AdvertisedAsync(2);

        router.AddVrf("blue", 2, "target:64512:2");
        router.AddVrf("green", 3, "target:10.2.2.2:561");
        await HasAsync(["172.27.115.242:1:100.0.0.1/32", "172.27.115.242:2:100.0.0.2/32", "172.27.115.242:3:100.0.0.3/32"]);
        await AdvertisedAsync(4);
        router.DeleteVrf("blue");
        await HasAsync(["172.27.115.242:1:100.0.0.1/32", "172.27.115.242:3:100.0.0.3/32"]);
        await AdvertisedAsync(3);

        // A new route with a target that it asked for, and one with a target that it did not ask for.
        await speaker.ChangePathsAsync([Vpn("100.0.0.5", "172.27.115.243", 1, ["target:64512:1"]), Vpn("100.0.0.6", "172.27.115.243", 2, ["target:64512:2"])], [], Token);
        await HasAsync(["172.27.115.242:1:100.0.0.1/32", "172.27.115.242:3:100.0.0.3/32", "172.27.115.243:1:100.0.0.5/32"]);
        await AdvertisedAsync(4);
        Assert.Null(speaker.Session("vmx1").LastError);
        Assert.Equal(0, speaker.Counters.Repairs);

        Task HasAsync(string[] routes) => Eventually.TrueAsync(() => router.Table("vpnv4").SequenceEqual(routes), string.Join(", ", routes), 40,
            () => string.Join(", ", router.Table("vpnv4")) + " | " + string.Join(", ", router.Table("rtc")) + " | " + string.Join(";", speaker.Sessions));
        Task AdvertisedAsync(int count) => Eventually.TrueAsync(() => speaker.Session("vmx1").Advertised == count, $"{count} advertised", 10, () => string.Join(";", speaker.Sessions));
    }

    [Theory]
    [InlineData(Asn)]
    [InlineData(65001)]
    public async Task The_router_is_asked_for_the_import_targets_and_sends_only_their_routes(uint asn)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, Families, asn);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        router.AnnounceVpn("10.2.0.0/16 label 100 rd 64512:7 rt 64512:2 nexthop 172.27.115.245");
        await using var speaker = Speaker(engine);
        var imports = new Imports(speaker);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Vpn("100.0.0.4", "172.27.115.242", 5)], Token);
        await speaker.SetImportAsync([Target("target:64512:1")], Token);
        await speaker.SetPeersAsync([Constrained("vmx1", 245, asn)], Token);
        await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16", 40);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Received == 1, "the other route was not sent", 15, () => string.Join(";", speaker.Sessions));

        await speaker.SetImportAsync([Target("target:64512:1"), Target("target:64512:2")], Token);
        await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16; vmx1 64512:7 10.2.0.0/16");
        await speaker.SetImportAsync([Target("target:64512:2")], Token);
        await imports.BecomeAsync("vmx1 64512:7 10.2.0.0/16");
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Received == 1, "taken back", 15, () => string.Join(";", speaker.Sessions));

        // A membership is not counted as a route. It is restored when it is deleted by hand, and when the engine restarts.
        Assert.Single(await engine.ListAsync());
        Assert.Equal((0, 1), (speaker.Counters.Repairs, speaker.Counters.PathsAdded));
        await engine.ByHand.DeletePathAsync(new() { Family = RouteFamilies.RouteTarget }, cancellationToken: Token);
        await Eventually.TrueAsync(() => router.Table("rtc").Count == 1, "asked again", 10, () => string.Join(", ", router.Table("rtc")));
        engine.Kill();
        await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 10);
        engine.Start();
        await speaker.EstablishedAsync("vmx1", 60);
        router.AnnounceVpn("10.3.0.0/16 label 100 rd 64512:7 rt 64512:2 nexthop 172.27.115.245");
        await imports.BecomeAsync("vmx1 64512:7 10.2.0.0/16; vmx1 64512:7 10.3.0.0/16", 40);
    }

    [Fact]
    public async Task A_server_that_has_just_started_takes_back_no_membership_before_it_knows_the_import_targets()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, Families);
        await using (var first = Speaker(engine))
        {
            await first.StartAsync(Token);
            await first.SetImportAsync([Target("target:64512:1")], Token);
            await first.SetPeersAsync([Constrained("vmx1", 245)], Token);
            await Eventually.TrueAsync(() => router.Table("rtc").Count == 1, "asked for", 40);
        }

        await using var second = Speaker(engine);
        await second.StartAsync(Token);
        await Eventually.TrueAsync(() => second.Healthy, "healthy", 20);
        await Task.Delay(TimeSpan.FromSeconds(1), Token); // everything else is read meanwhile
        var kept = router.Table("rtc");
        Assert.Single(kept);
        await second.SetImportAsync([Target("target:64512:2")], Token);
        await Eventually.TrueAsync(() => router.Table("rtc") is [var now] && now != kept[0], "replaced", 20);
    }

    [Fact]
    public async Task A_router_that_sends_the_default_membership_again_gets_everything_and_the_engine_does_not_crash()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Vpn("100.0.0.1", "172.27.115.242", 1, ["target:64512:1"]), Vpn("100.0.0.2", "172.27.115.242", 2, ["target:64512:2"])], Token);
        await speaker.SetPeersAsync([Constrained("rr", 245) with { Passive = true }], Token);
        using var router = new RawRouter(_lab, "rr", 245);
        // RFC 4684 §4: the default membership is a prefix of length 0; target:64512:1 from AS 64512 is one of 96 bits.
        // The last one, target:64512:3, shows that the engine has read all before it.
        router.Connect(["00", "600000fc000002fc0000000001", "00", "600000fc000002fc0000000001", "600000fc000002fc0000000003"]);
        await Eventually.TrueAsync(() => speaker.Session("rr") is { Advertised: 2, Received: 3 }, "everything", 40, () => string.Join(";", speaker.Sessions) + router.Output);
        Assert.True(speaker.Session("rr").IsEstablished);
        await speaker.ChangePathsAsync([Vpn("100.0.0.3", "172.27.115.242", 3, ["target:64512:4"])], [], Token);
        await Eventually.TrueAsync(() => speaker.Session("rr").Advertised == 3, "the engine goes on", 10, () => string.Join(";", speaker.Sessions));
        Assert.Equal((0, 0), (speaker.Counters.EngineRestarts, speaker.Counters.Repairs));
    }

    [Fact]
    public async Task Both_sides_may_ask_for_the_same_target_and_stop_in_any_order()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, Families);
        router.AnnounceVpn("10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 nexthop 172.27.115.245");
        await using var speaker = Speaker(engine);
        var imports = new Imports(speaker);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:1"])], Token);
        await speaker.SetPeersAsync([Constrained("vmx1", 245)], Token);
        await speaker.EstablishedAsync("vmx1", 40);
        for (var round = 0; round < 2; round++)
        {
            router.AddVrf("red", 1, "target:64512:1");
            await Eventually.TrueAsync(() => router.Vrf("red").Contains("100.0.0.4/32"), "the announced route is there", 20, () => string.Join(", ", router.Table("rtc")));
            await speaker.SetImportAsync([Target("target:64512:1")], Token);
            await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16");
            await speaker.SetImportAsync([], Token);
            await imports.BecomeAsync("");
            Assert.Contains("100.0.0.4/32", router.Vrf("red"));
            await speaker.SetImportAsync([Target("target:64512:1")], Token);
            await imports.BecomeAsync("vmx1 64512:7 10.1.0.0/16");
            router.DeleteVrf("red");
            await Eventually.TrueAsync(() => router.Table("vpnv4") is ["64512:7:10.1.0.0/16"], "the announced route is gone", 20, () => string.Join(", ", router.Table("vpnv4")));
            Assert.Equal("vmx1 64512:7 10.1.0.0/16", imports.Text);
            await speaker.SetImportAsync([], Token);
            await imports.BecomeAsync("");
        }
    }
}
