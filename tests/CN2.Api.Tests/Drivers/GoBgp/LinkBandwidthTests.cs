using System.Globalization;
using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Network.Fencing;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Weighted paths as a real gobgpd sends them and a real FRR installs them: by link bandwidth (draft-ietf-idr-link-bandwidth).</summary>
public sealed class LinkBandwidthTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(1, 64512u, 125_000f)]
    [InlineData(3, 64512u, 375_000f)]
    [InlineData(34_359, 64512u, 4_294_875_000f)]
    [InlineData(1_000_000, 4200000000u, 4_294_875_000f)]
    public void A_weight_is_a_megabit_a_second_and_at_most_what_32_bits_hold(int weight, uint autonomousSystem, float bandwidth)
    {
        var made = LinkBandwidth.Of(weight, autonomousSystem)!.Value;
        var wire = made.Encode().Unpack<LinkBandwidthExtended>();
        Assert.Equal((autonomousSystem > 65535 ? 23456u : autonomousSystem, bandwidth), (wire.Asn, wire.Bandwidth));
        Assert.True(wire.Bandwidth < uint.MaxValue);
        Assert.True(LinkBandwidth.TryDecode(made.Encode(), out var read));
        Assert.Equal(made, read);
    }

    [Fact]
    public void Every_weight_is_read_as_it_was_written()
    {
        for (var weight = 1; weight <= LinkBandwidth.MostWeight; weight++)
        {
            Assert.True(LinkBandwidth.TryDecode(LinkBandwidth.Of(weight, 64512)!.Value.Encode(), out var read));
            Assert.Equal(weight, read.Weight);
        }

        Assert.Null(LinkBandwidth.Of(0, 64512));
    }

    public static TheoryData<uint, float> Others => new()
    {
        { 64512, 0 }, { 64512, -125_000 }, { 64512, 1 }, { 64512, 125_001 }, { 64512, float.NaN }, { 64512, float.PositiveInfinity }, { 64512, 1e12f }, { 65536, 125_000 },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void A_bandwidth_that_is_no_weight_is_somebody_elses(uint autonomousSystem, float bandwidth) =>
        Assert.False(LinkBandwidth.TryDecode(PathAttributes.Pack(new LinkBandwidthExtended { Asn = autonomousSystem, Bandwidth = bandwidth }), out _));

    [Theory]
    [InlineData(Asn, Asn)]
    [InlineData(Asn, 65001u)]
    [InlineData(4200000000u, 65001u)]
    public async Task FRR_over_iBGP_and_eBGP_spreads_by_weight_and_a_changed_weight_is_no_withdrawal(uint asn, uint routerAsn)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, routerAsn, FrrNeighbor(asn));
        await using var speaker = Speaker(engine, asn);
        await speaker.StartAsync(Token);
        // As the fence of a namespace with a grant would have it.
        await speaker.SetFenceAsync(new ExportFence([new ExportRule("test", false, [IPNetwork.Parse("100.0.0.0/24"), IPNetwork.Parse("2001:db8::/64")], [], [], [])]), Token);
        await speaker.SetPathsAsync([
            Path("100.0.0.4", "172.27.115.242") with { Weight = 2 }, Path("100.0.0.4", "172.27.115.243") with { Weight = 1 },
            Path("100.0.0.5", "172.27.115.242"), Path("100.0.0.5", "172.27.115.243"),
            Path("2001:db8::4", "fd00:115::242") with { Weight = 30 }, Path("2001:db8::4", "fd00:115::243") with { Weight = 10 },
        ], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, routerAsn)], Token);
        await Eventually.TrueAsync(() => Weights(frr, "100.0.0.4") is [33, 66], "weights 1:2", 40, () => frr.Kernel("100.0.0.4") + frr.Show("show bgp ipv4 unicast 100.0.0.4/32") + engine.Output);
        await Eventually.TrueAsync(() => Weights(frr, "2001:db8::4") is [25, 75], "weights 1:3", 10, () => frr.Kernel("2001:db8::4"));
        await Eventually.TrueAsync(() => Weights(frr, "100.0.0.5") is [1, 1], "no weights", 10, () => frr.Kernel("100.0.0.5"));
        Assert.Contains($"LB:{(asn > 65535 ? 23456 : asn)}:250000", frr.Show("show bgp ipv4 unicast 100.0.0.4/32"), StringComparison.Ordinal);
        Assert.DoesNotContain("Extended", frr.Show("show bgp ipv4 unicast 100.0.0.5/32"), StringComparison.Ordinal);
        var identifiers = Identifiers(frr);

        using var monitor = new RouteMonitor(frr.Namespace);
        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242") with { Weight = 1 }], [], Token);
        await Eventually.TrueAsync(() => Weights(frr, "100.0.0.4") is [50, 50], "weights 1:1", 10, () => frr.Kernel("100.0.0.4"));
        await speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], [], Token);
        await Eventually.TrueAsync(() => Weights(frr, "100.0.0.4") is [1, 1], "no weights any more", 10, () => frr.Kernel("100.0.0.4"));
        Assert.Equal(identifiers, Identifiers(frr));
        Assert.DoesNotContain(monitor.About("100.0.0.4"), l => l.StartsWith("Deleted", StringComparison.Ordinal));
        Assert.Equal(0, speaker.Counters.Repairs);
        Assert.Equal(6, (await engine.HoldsAsync()).Count);
    }

    [Fact]
    public async Task An_engine_that_goes_on_over_a_restart_of_the_server_keeps_its_weighted_paths()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var path = Path("100.0.0.4", "172.27.115.242") with { Weight = 20 };
        await using (var first = Speaker(engine))
        {
            await first.StartAsync(Token);
            await first.SetPathsAsync([path], Token);
        }

        await using var second = Speaker(engine);
        Assert.Equal(20, Assert.Single(await second.StartAsync(Token)).Weight);
        await second.SetPathsAsync([path], Token);
        Assert.Equal(0, second.Counters.PathsAdded);
    }

    [Fact]
    public async Task BIRD_takes_weighted_paths_and_spreads_evenly()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var bird = _lab.Keep(new BirdRouter(_lab, "bird", 246, Asn, Asn));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242") with { Weight = 2 }, Path("100.0.0.4", "172.27.115.243") with { Weight = 1 }], Token);
        await speaker.SetPeersAsync([Peer("bird", 246)], Token);
        await Eventually.TrueAsync(() => bird.Kernel("100.0.0.4").Split("weight 1 ").Length + bird.Kernel("100.0.0.4").Split("weight 1\n").Length == 4, "two next hops of equal weight", 30,
            () => bird.Kernel("100.0.0.4") + bird.Show("show route all"));
    }

    /// <summary>The weights of the next hops of the kernel's route, in order; a route with one next hop has none.</summary>
    private static int[] Weights(FrrRouter frr, string prefix) =>
        [.. frr.Kernel(prefix).Split("weight ").Skip(1).Select(w => int.Parse(w.Split((char[])[' ', '\n'])[0], CultureInfo.InvariantCulture)).Order()];

    private static List<string> Identifiers(FrrRouter frr) =>
        [.. frr.Show("show bgp ipv4 unicast 100.0.0.4/32").Split('\n').Where(l => l.Contains("AddPath ID: RX", StringComparison.Ordinal)).Select(l => l.Trim().Split(',')[0]).Order(StringComparer.Ordinal)];
}
