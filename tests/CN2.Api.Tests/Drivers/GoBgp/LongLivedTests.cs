using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Long-lived graceful restart (RFC 9494) with a real FRR that takes part.</summary>
public sealed class LongLivedTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_cut_that_outlasts_the_hold_time_takes_no_route_away_and_a_deleted_router_keeps_none()
    {
        using var engine = new GoBgpd(_lab);
        engine.Start();
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor() + "\n bgp graceful-restart\n bgp long-lived-graceful-restart stale-time 300");
        var peer = Peer("vmx1", 245, change: p => p with { HoldTime = 3, RestartTime = 1, LongLivedStaleTime = 60 });
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243"), Path("100.0.0.5", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([peer], Token);
        await Eventually.TrueAsync(() => frr.Kernel("100.0.0.4").Length > 0 && frr.Kernel("100.0.0.5").Length > 0, "routes", 30);
        using var monitor = new RouteMonitor(frr.Namespace);

        Command.Run("ip", "netns", "exec", frr.Namespace, "nft", "table ip cut { chain input { type filter hook input priority 0; ip saddr 172.27.115.241 drop; }; }");
        await Eventually.TrueAsync(() => frr.Show("show bgp ipv4 unicast 100.0.0.4/32").Contains("llgr-stale", StringComparison.Ordinal), "kept as long-lived stale", 30,
            () => frr.Show("show bgp ipv4 unicast 100.0.0.4/32"));
        Assert.NotEmpty(frr.Kernel("100.0.0.4"));
        Command.Run("ip", "netns", "exec", frr.Namespace, "nft", "delete", "table", "ip", "cut");
        await Eventually.TrueAsync(() => !frr.Show("show bgp ipv4 unicast 100.0.0.4/32").Contains("stale", StringComparison.Ordinal) && frr.Paths("100.0.0.4/32").Count == 2, "fresh again", 60,
            () => frr.Show("show bgp ipv4 unicast 100.0.0.4/32"));
        // A change that needs a new session is one more loss that the router's routes outlast; without ADD-PATH it must drop what it kept.
        var since = speaker.Session("vmx1").Since;
        await speaker.SetPeersAsync([peer with { RestartTime = 2 }], Token);
        await FreshAsync(2);
        Assert.DoesNotContain(monitor.About("100.0.0."), l => l.StartsWith("Deleted", StringComparison.Ordinal));
        since = speaker.Session("vmx1").Since;
        await speaker.SetPeersAsync([peer with { RestartTime = 2, AddPath = false }], Token);
        await FreshAsync(1);

        await speaker.SetPeersAsync([], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 0 && frr.Kernel("100.0.0.4").Length == 0, "nothing kept of a deleted peer", 40,
            () => frr.Show("show bgp ipv4 unicast 100.0.0.4/32"));

        Task FreshAsync(int paths) => Eventually.TrueAsync(
            () => speaker.Session("vmx1") is { IsEstablished: true } s && s.Since > since && frr.Paths("100.0.0.4/32").Count == paths
                && !frr.Show("show bgp ipv4 unicast 100.0.0.4/32").Contains("stale", StringComparison.Ordinal),
            $"{paths} fresh paths in a new session", 30, () => frr.Show("show bgp ipv4 unicast 100.0.0.4/32"));
    }
}
