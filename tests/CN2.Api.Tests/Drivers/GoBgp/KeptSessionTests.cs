using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>
/// A new session, by which a router drops what was withdrawn while it was away, costs all of its routes for a moment. A router that missed nothing, or
/// that keeps nothing, is not given one.
/// </summary>
public sealed class KeptSessionTests : IDisposable
{
    private const string A = "172.27.115.242", B = "172.27.115.243", Router = "172.27.115.245";

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_router_without_graceful_restart_has_kept_nothing_and_gets_one_session_after_a_restart()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Asn, FrrNeighbor(extra: "neighbor 172.27.115.241 graceful-restart-disable"));
        var turns = new OwedTurns { Owed = [Router] };
        await using var speaker = Speaker(engine, turns: turns);
        await ConnectAsync(speaker, frr);
        await Eventually.TrueAsync(() => turns.Owed.Count == 0, "nothing is owed", 10);
        await SyncedAsync(speaker, frr);
        Assert.Equal(1, frr.Session("172.27.115.241").Established);
    }

    [Fact]
    public async Task An_engine_that_ends_again_before_its_router_is_back_costs_the_router_no_route()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await ConnectAsync(speaker, frr);
        using var monitor = new RouteMonitor(frr.Namespace);

        await KillAsync(engine, speaker);
        Cut(frr);
        await StartAsync(engine, speaker);
        // A Service goes and another one comes between the two ends.
        await speaker.ChangePathsAsync([Path("100.0.0.6", A)], [Key("100.0.0.5", A)], Token);
        await KillAsync(engine, speaker);
        await StartAsync(engine, speaker);
        Join(frr);
        await SettledAsync(speaker, frr);
        Assert.Equal(2, frr.Session("172.27.115.241").Established);
        Assert.Equal([A], frr.NextHops("100.0.0.6/32"));
        Assert.Empty(monitor.About("100.0.0.4"));
    }

    [Fact]
    public async Task A_router_that_is_back_later_than_the_first_dial_of_the_engine_loses_no_route()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await ConnectAsync(speaker, frr);
        using var monitor = new RouteMonitor(frr.Namespace);

        await KillAsync(engine, speaker);
        Cut(frr);
        await StartAsync(engine, speaker);
        await speaker.ChangePathsAsync([], [Key("100.0.0.5", A)], Token);
        // gobgpd dials for the first time 5 to 9 s after it was given the router. FRR, which hears no refusal, dials all the time.
        await Task.Delay(TimeSpan.FromSeconds(10.5), Token);
        Join(frr);
        await SettledAsync(speaker, frr);
        Assert.Equal(2, frr.Session("172.27.115.241").Established);
        Assert.Empty(monitor.About("100.0.0.4"));
    }

    [Fact]
    public async Task A_router_that_was_away_when_a_path_got_another_number_is_given_a_new_session()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await ConnectAsync(speaker, frr);

        await KillAsync(engine, speaker);
        Cut(frr);
        await StartAsync(engine, speaker);
        // It is withdrawn and announced again under another number, which the router must not get; of the old one nobody tells it.
        await speaker.ChangePathsAsync([Path("100.0.0.4", B, communities: ["NO_ADVERTISE"])], [], Token);
        Join(frr);
        await speaker.EstablishedAsync("frr", 40);
        await Eventually.TrueAsync(() => frr.Session("172.27.115.241").Established == 3, "a new session", 20, () => string.Join("; ", speaker.Sessions));
        await SyncedAsync(speaker, frr);
        Assert.Equal([A], frr.NextHops("100.0.0.4/32"));
    }

    private static async Task ConnectAsync(GoBgpSpeaker speaker, FrrRouter frr)
    {
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", A), Path("100.0.0.4", B), Path("100.0.0.5", A)], Token);
        await speaker.SetPeersAsync([Peer("frr", 245)], Token);
        await speaker.EstablishedAsync("frr", 40);
        await Eventually.TrueAsync(() => frr.Kernel("100.0.0.4").Split("via ").Length == 3 && frr.Kernel("100.0.0.5").Length > 0, "all routes in the kernel", 30);
    }

    private static async Task KillAsync(GoBgpd engine, GoBgpSpeaker speaker)
    {
        engine.Kill();
        await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 5);
    }

    private static async Task StartAsync(GoBgpd engine, GoBgpSpeaker speaker)
    {
        engine.Start();
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 10);
    }

    /// <summary>The router hears nothing of the control node any more.</summary>
    private static void Cut(FrrRouter frr) =>
        Command.Run("ip", "netns", "exec", frr.Namespace, "nft", "table ip cut { chain input { type filter hook input priority 0; ip saddr 172.27.115.241 drop; }; }");

    private static void Join(FrrRouter frr) => Command.Run("ip", "netns", "exec", frr.Namespace, "nft", "delete", "table", "ip", "cut");

    /// <summary>The router has everything, and what was withdrawn while it was away is gone.</summary>
    private static async Task SettledAsync(GoBgpSpeaker speaker, FrrRouter frr)
    {
        await speaker.EstablishedAsync("frr", 40);
        // The engine ends the restart after this time at the latest; a new session would come then.
        await Task.Delay(TimeSpan.FromSeconds(PeerMapper.DeferralTime + 2), Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.5/32").Count == 0, "withdrawn", 20);
        await SyncedAsync(speaker, frr);
        Assert.Equal([A, B], frr.NextHops("100.0.0.4/32"));
        Assert.DoesNotContain("stale", frr.Show("show bgp ipv4 unicast 100.0.0.4/32"), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A route that is sent last has arrived.</summary>
    private static async Task SyncedAsync(GoBgpSpeaker speaker, FrrRouter frr)
    {
        await speaker.ChangePathsAsync([Path("198.51.100.1", A)], [], Token);
        await Eventually.TrueAsync(() => frr.NextHops("198.51.100.1/32").Count == 1, "the last route", 20);
    }

    private sealed class OwedTurns : ISessionTurns
    {
        private readonly FreeTurns _free = new();

        public IReadOnlyCollection<string> Owed { get; set; } = [];

        public event Action? Taken
        {
            add => _free.Taken += value;
            remove => _free.Taken -= value;
        }

        public bool TryTake(string routerAddress) => _free.TryTake(routerAddress);

        public void GiveBack(string routerAddress) => _free.GiveBack(routerAddress);

        public Task OweAsync(IReadOnlyCollection<string> routerAddresses)
        {
            Owed = [.. routerAddresses];
            return Task.CompletedTask;
        }
    }
}
