using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>VPN routes as real routers see them (docs/contract.md §4): three independent implementations.</summary>
public sealed class VpnRouterTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task FRR_reads_distinguisher_label_targets_encapsulation_and_attributes_in_both_families()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:1", "target:10.2.2.2:561", "target:4200000000:7"], ["64512:100"]),
            Vpn("100.0.0.4", "172.27.115.243", 5),
            Vpn("2001:db8::4", "172.27.115.242", 5),
            Path("100.0.0.4", "172.27.115.242"),
        ], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);

        await Eventually.TrueAsync(() => frr.VpnPaths("100.0.0.4/32").Count == 2 && frr.VpnPaths("2001:db8::4/128").Count == 1, "three VPN routes", 40,
            () => frr.Show("show bgp ipv4 vpn") + frr.Show("show bgp ipv6 vpn") + string.Join(";", speaker.Sessions));
        var path = frr.VpnPaths("100.0.0.4/32")["172.27.115.242:5"];
        Assert.Equal(100, path.GetProperty("metric").GetInt32());
        Assert.Equal(200, path.GetProperty("locPrf").GetInt32());
        Assert.Equal("incomplete", path.GetProperty("origin").GetString());
        Assert.Equal("Local", path.GetProperty("aspath").GetProperty("string").GetString());
        Assert.Equal("64512:100", path.GetProperty("community").GetProperty("string").GetString());
        Assert.Equal("172.27.115.242", path.GetProperty("nexthops")[0].GetProperty("ip").GetString());
        Assert.Equal(21, path.GetProperty("remoteLabel").GetInt32());
        var extended = path.GetProperty("extendedCommunity").GetProperty("string").GetString()!;
        Assert.Contains("RT:64512:1", extended, StringComparison.Ordinal);
        Assert.Contains("RT:10.2.2.2:561", extended, StringComparison.Ordinal);
        Assert.Contains("RT:4200000000:7", extended, StringComparison.Ordinal);
        Assert.Contains("ET:2", extended, StringComparison.Ordinal);
        Assert.Contains("ET:13", extended, StringComparison.Ordinal);
        var v6 = frr.VpnPaths("2001:db8::4/128")["172.27.115.242:5"];
        // FRR prints the IPv4-mapped address (RFC 4659) in hexadecimal.
        Assert.Equal("::ffff:ac1b:73f2", v6.GetProperty("nexthops")[0].GetProperty("ip").GetString());
        Assert.Equal(21, v6.GetProperty("remoteLabel").GetInt32());
        await Eventually.TrueAsync(() => speaker.Session("vmx1") is { Advertised: 4, LastError: null }, "four advertised", 10, () => string.Join(";", speaker.Sessions));

        // Another label and other targets replace the route in place; then it is withdrawn.
        await speaker.ChangePathsAsync([Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:9"], label: 77)], [Vpn("100.0.0.4", "172.27.115.243", 5).Key], Token);
        await Eventually.TrueAsync(() => frr.VpnPaths("100.0.0.4/32") is { Count: 1 } one
            && one["172.27.115.242:5"].GetProperty("remoteLabel").GetInt32() == 77, "changed", 10, () => frr.Show("show bgp ipv4 vpn 100.0.0.4/32 json"));
        Assert.DoesNotContain("64512:1 ", frr.VpnPaths("100.0.0.4/32")["172.27.115.242:5"].GetProperty("extendedCommunity").GetProperty("string").GetString() + " ", StringComparison.Ordinal);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await Eventually.TrueAsync(() => frr.VpnPaths("100.0.0.4/32").Count == 0 && frr.VpnPaths("2001:db8::4/128").Count == 0, "withdrawn", 10);
        Assert.Single(frr.Paths("100.0.0.4/32"));
    }

    [Fact]
    public async Task BIRD_reads_distinguisher_label_targets_encapsulation_and_attributes()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var bird = _lab.Keep(new BirdRouter(_lab, "bird", 246, Asn, Asn, vpn: true));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:1", "target:10.2.2.2:561", "target:4200000000:7"]), Vpn("2001:db8::4", "172.27.115.242", 5)], Token);
        await speaker.SetPeersAsync([Peer("bird", 246)], Token);
        await Eventually.TrueAsync(() => bird.Show("show route table vpntab4").Contains("100.0.0.4/32", StringComparison.Ordinal)
            && bird.Show("show route table vpntab6").Contains("2001:db8::4/128", StringComparison.Ordinal), "both routes", 40,
            () => bird.Show("show protocols all control") + string.Join(";", speaker.Sessions));
        var v4 = bird.Show("show route table vpntab4 all");
        Assert.Contains("172.27.115.242:5 100.0.0.4/32", v4, StringComparison.Ordinal);
        Assert.Contains("BGP.local_pref: 200", v4, StringComparison.Ordinal);
        Assert.Contains("BGP.med: 100", v4, StringComparison.Ordinal);
        Assert.Contains("BGP.origin: Incomplete", v4, StringComparison.Ordinal);
        Assert.Contains("BGP.mpls_label_stack: 21", v4, StringComparison.Ordinal);
        Assert.Contains("(rt, 64512, 1)", v4, StringComparison.Ordinal);
        Assert.Contains("(rt, 10.2.2.2, 561)", v4, StringComparison.Ordinal);
        Assert.Contains("(rt, 4200000000, 7)", v4, StringComparison.Ordinal);
        // RFC 9012: opaque, sub-type 0x0c, tunnel types 2 and 13.
        Assert.Contains("(generic, 0x30c0000, 0x2)", v4, StringComparison.Ordinal);
        Assert.Contains("(generic, 0x30c0000, 0xd)", v4, StringComparison.Ordinal);
        Assert.Contains("172.27.115.242", bird.Show("show route table vpntab6 all"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_VRFs_of_another_gobgpd_import_by_their_target_only()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var router = await _lab.RouterAsync("vmx1", 245, ["inet-vpn", "inet6-vpn"]);
        router.AddVrf("red", 1, "target:64512:1");
        router.AddVrf("blue", 2, "target:64512:2");
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:1"]), Vpn("100.0.0.4", "172.27.115.242", 6, ["target:64512:2"]),
            Vpn("100.0.0.5", "172.27.115.242", 6, ["target:64512:2"]), Vpn("2001:db8::4", "172.27.115.242", 5, ["target:64512:1"])], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => router.Vrf("red") is ["100.0.0.4/32", "2001:db8::4/128"]
            && router.Vrf("blue") is ["100.0.0.4/32", "100.0.0.5/32"], "sorted by target", 40, () => router.Output);
    }

    [Fact]
    public async Task Ten_thousand_VPN_routes_are_restored_after_the_engine_was_killed_and_the_router_keeps_them_all_the_time()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        CN2.Api.Drivers.BgpPath[] paths = [.. Enumerable.Range(0, 10_000).Select(i => Vpn($"100.{i / 65536}.{i / 256 % 256}.{i % 256}", "172.27.115.242", 5))];
        await speaker.SetPathsAsync(paths, Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => frr.VpnCount() == 10_000, "all at the router", 60, () => $"{frr.VpnCount()} {string.Join(";", speaker.Sessions)}");
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Advertised == 10_000, "counted", 10, () => string.Join(";", speaker.Sessions));

        engine.Kill();
        await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 10);
        engine.Start();
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 30);
        Assert.Equal(10_000, (await engine.ListAsync()).Count);
        var back = speaker.EstablishedAsync("vmx1", 60);
        while (!back.IsCompleted) Assert.Equal(10_000, frr.VpnCount());
        await back;
        Assert.Equal(10_000, frr.VpnCount());

        // One of many deleted by hand is restored within five seconds.
        var one = await engine.FindAsync(paths[77]);
        one!.Pattrs.Clear();
        await engine.ByHand.AddPathStreamAsync(PathMapper.EncodeWithdraw(one));
        await Eventually.TrueAsync(async () => await CountAsync() == 10_000, "repaired", 5);

        async Task<ulong> CountAsync() => (await engine.ByHand.GetTableAsync(new() { Family = RouteFamily.InetVpn.ToWire() }, cancellationToken: Token)).NumPath;
    }
}
