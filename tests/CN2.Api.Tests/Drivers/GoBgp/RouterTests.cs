using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Unicast routes as real routers see them (docs/contract.md §4).</summary>
public sealed class RouterTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task FRR_over_iBGP_sees_both_next_hops_with_the_attributes_of_the_contract()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        Assert.Empty(await speaker.StartAsync(Token));
        await speaker.SetPathsAsync([
            Path("100.0.0.4", "172.27.115.242", communities: ["64512:100"], large: ["64512:1:2"]),
            Path("100.0.0.4", "172.27.115.243", communities: ["64512:100"], large: ["64512:1:2"]),
            Path("2001:db8::4", "fd00:115::242"),
            Path("2001:db8::4", "fd00:115::243"),
        ], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);

        await Eventually.TrueAsync(() => frr.Kernel("100.0.0.4").Split("nexthop").Length == 3, "two next hops in FRR's kernel", 30,
            () => frr.Kernel("100.0.0.4") + string.Join(";", speaker.Sessions) + frr.Show("show bgp summary"));
        var paths = frr.Paths("100.0.0.4/32");
        Assert.Equal(2, paths.Count);
        foreach (var path in paths)
        {
            Assert.Equal(100, path.GetProperty("metric").GetInt32());
            Assert.Equal(200, path.GetProperty("locPrf").GetInt32());
            Assert.Equal("incomplete", path.GetProperty("origin").GetString());
            Assert.Equal("Local", path.GetProperty("aspath").GetProperty("string").GetString());
            Assert.Equal("64512:100", path.GetProperty("community").GetProperty("string").GetString());
            Assert.Equal("64512:1:2", path.GetProperty("largeCommunity").GetProperty("string").GetString());
        }
        Assert.Equal(["172.27.115.242", "172.27.115.243"], frr.NextHops("100.0.0.4/32"));
        await Eventually.TrueAsync(() => frr.Kernel("2001:db8::4").Contains("fd00:115::243", StringComparison.Ordinal)
            && frr.Kernel("2001:db8::4").Contains("fd00:115::242", StringComparison.Ordinal), "both IPv6 next hops", 10, () => frr.Kernel("2001:db8::4"));

        await Eventually.TrueAsync(() => speaker.Session("vmx1") is { Advertised: 4, AddPath: true }, "four routes advertised", 5,
            () => string.Join(";", speaker.Sessions));
        var session = speaker.Session("vmx1");
        Assert.Equal(["inet", "inet6"], session.Families);
        Assert.Null(session.LastError);
        Assert.Equal(0, session.Received);
    }

    [Fact]
    public async Task FRR_over_eBGP_with_a_four_byte_AS_keeps_the_vRouters_as_next_hops_and_the_MED()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, 4200000001, FrrNeighbor(4200000000));
        await using var speaker = Speaker(engine, 4200000000);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, 4200000001)], Token);

        await Eventually.TrueAsync(() => frr.Kernel("100.0.0.4").Split("nexthop").Length == 3, "two next hops in FRR's kernel", 30, () => frr.Kernel("100.0.0.4"));
        Assert.Equal(["172.27.115.242", "172.27.115.243"], frr.NextHops("100.0.0.4/32"));
        Assert.All(frr.Paths("100.0.0.4/32"), p =>
        {
            Assert.Equal("4200000000", p.GetProperty("aspath").GetProperty("string").GetString());
            Assert.Equal(100, p.GetProperty("metric").GetInt32());
        });
    }

    [Fact]
    public async Task BIRD_sees_both_next_hops()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var bird = _lab.Keep(new BirdRouter(_lab, "bird", 246, Asn, Asn));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243"), Path("2001:db8::4", "fd00:115::242")], Token);
        await speaker.SetPeersAsync([Peer("bird", 246)], Token);
        await Eventually.TrueAsync(() => bird.Kernel("100.0.0.4").Split("nexthop").Length == 3, "two next hops in BIRD's kernel", 30,
            () => bird.Show("show route all") + bird.Show("show protocols all control") + string.Join(";", speaker.Sessions));
        Assert.Contains("BGP.local_pref: 200", bird.Show("show route 100.0.0.4/32 all"), StringComparison.Ordinal);
        Assert.Contains("2001:db8::4/128", bird.Show("show route"), StringComparison.Ordinal);
        await speaker.AdvertisesAsync("bird", 3);
    }

    [Fact]
    public async Task A_peer_without_ADD_PATH_gets_the_best_path()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { AddPath = false })], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 1, "one path", 30);
        await Eventually.TrueAsync(() => speaker.Session("vmx1") is { Advertised: 1, AddPath: false, IsEstablished: true }, "one advertised", 5);
        await SameBestAsync(2);
        // Whatever comes and goes, the speaker names the path that the router has.
        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.244")], [], Token);
        await SameBestAsync(3);
        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.243", med: 50)], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32") is ["172.27.115.243"], "the lower MED", 5);
        await SameBestAsync(3);
        await speaker.ChangePathsAsync([], [Key("100.0.0.4", "172.27.115.243")], Token);
        await SameBestAsync(2);

        async Task SameBestAsync(int paths)
        {
            string[] all = ["172.27.115.242", "172.27.115.243", "172.27.115.244"];
            await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").SequenceEqual(all.Where(n => speaker.IsBest(Key("100.0.0.4", n)))), $"the best of {paths} is the router's", 10,
                () => string.Join(",", frr.NextHops("100.0.0.4/32")) + " / " + string.Join(",", all.Where(n => speaker.IsBest(Key("100.0.0.4", n)))));
        }
    }

    [Fact]
    public async Task A_withdrawn_path_leaves_the_router_and_a_changed_one_changes_there()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 2, "both", 30);

        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242", med: 7)], [Key("100.0.0.4", "172.27.115.243")], Token);
        Assert.Single(await engine.HoldsAsync());
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32") is [var only] && only.GetProperty("metric").GetInt32() == 7, "one with MED 7", 5);
        await speaker.ChangePathsAsync([], [Key("100.0.0.4", "172.27.115.242")], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 0, "none", 5);
    }

    [Fact]
    public async Task Nothing_is_accepted_from_a_router()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor(extra: "address-family ipv4 unicast\n  redistribute connected\n exit-address-family"));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => speaker.Sessions.Any(s => s.Received == 1), "one received", 40, () => string.Join(";", speaker.Sessions));
        Assert.Single(await engine.ListAsync());
        Assert.Equal(0, speaker.Counters.Repairs);
    }

    [Fact]
    public async Task No_export_keeps_a_path_from_eBGP_routers_only_and_also_when_it_is_set_later()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var inside = _lab.Frr("inside", 245, Asn, FrrNeighbor());
        var outside = _lab.Frr("outside", 246, 65001, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Path("100.0.0.4", "172.27.115.242"),
            Path("100.0.0.5", "172.27.115.242", communities: ["NO_EXPORT"]),
            Path("100.0.0.6", "172.27.115.242", communities: ["NO_ADVERTISE"]),
        ], Token);
        await speaker.SetPeersAsync([Peer("inside", 245), Peer("outside", 246, 65001)], Token);
        await Eventually.TrueAsync(() => outside.Paths("100.0.0.4/32").Count == 1 && inside.Paths("100.0.0.5/32").Count == 1, "there", 30);
        Assert.Empty(outside.Paths("100.0.0.5/32"));
        Assert.Empty(inside.Paths("100.0.0.6/32"));
        await Eventually.TrueAsync(() => speaker.Session("inside").Advertised == 2 && speaker.Session("outside").Advertised == 1, "counted", 5,
            () => string.Join(";", speaker.Sessions));

        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242", communities: ["NO_EXPORT"])], [], Token);
        await Eventually.TrueAsync(() => outside.Paths("100.0.0.4/32").Count == 0, "taken back", 5);
        await Eventually.TrueAsync(() => inside.Paths("100.0.0.4/32").Count == 1, "kept inside", 5);
        Assert.Equal(["outside"], speaker.KeptFrom(Key("100.0.0.4", "172.27.115.242")));

        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242", communities: ["NO_ADVERTISE"])], [], Token);
        await Eventually.TrueAsync(() => inside.Paths("100.0.0.4/32").Count == 0, "taken back from the last one", 5);
        Assert.Equal(["inside", "outside"], speaker.KeptFrom(Key("100.0.0.4", "172.27.115.242")).Order());
        Assert.Empty(speaker.KeptFrom(Key("100.0.0.9", "172.27.115.242")));
    }
}
