using CN2.Api.Drivers;
using CN2.Network.Addressing;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers;

/// <summary>What every <see cref="IBgpSpeaker"/> with an engine must do. A new engine adds a subclass.</summary>
public abstract class BgpSpeakerContract : IAsyncLifetime
{
    private IBgpSpeaker _speaker = null!;

    protected abstract IBgpSpeaker NewSpeaker();

    protected abstract Task StopAsync(IBgpSpeaker speaker);

    /// <summary>All paths in the engine, also those that were put there by hand.</summary>
    protected abstract Task<IReadOnlyCollection<BgpPath>> EngineHoldsAsync();

    protected abstract Task DeleteByHandAsync(BgpPath path);

    protected abstract Task AddByHandAsync(BgpPath path);

    protected abstract void KillEngine();

    protected abstract void StartEngine();

    public async ValueTask InitializeAsync()
    {
        _speaker = NewSpeaker();
        Assert.Empty(await _speaker.StartAsync(Token));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await StopAsync(_speaker);
        GC.SuppressFinalize(this);
    }

    private static readonly BgpPath A1 = Path("100.0.0.4", "172.27.115.242");
    private static readonly BgpPath A2 = Path("100.0.0.4", "172.27.115.243");
    private static readonly BgpPath B = Path("100.0.0.5", "172.27.115.242", communities: ["64512:100"], large: ["64512:1:2"]);
    private static readonly BgpPath V6 = Path("2001:db8::4", "fd00:115::242");
    private static readonly BgpPath Vpn1 = Vpn("100.0.0.4", "172.27.115.242", 5);
    private static readonly BgpPath Vpn2 = Vpn("100.0.0.4", "172.27.115.243", 5, communities: ["64512:100"]);
    private static readonly BgpPath Other = Vpn("100.0.0.4", "172.27.115.242", 6, ["target:10.2.2.2:561", "target:4200000000:7"]);
    private static readonly BgpPath Vpn6 = Vpn("2001:db8::4", "172.27.115.242", 5);

    private static IEnumerable<BgpPath> Sorted(IEnumerable<BgpPath> paths) => paths.OrderBy(p => $"{p.Prefix} {p.Key.Path}", StringComparer.Ordinal);

    private async Task HoldsAsync(params BgpPath[] paths) => Assert.Equal(Sorted(paths), Sorted(await EngineHoldsAsync()));

    private Task WillHoldAsync(params BgpPath[] paths) => Eventually.TrueAsync(
        async () => Sorted(paths).SequenceEqual(Sorted(await EngineHoldsAsync())), "the engine holds what is wanted", 5);

    [Fact]
    public async Task A_started_speaker_is_enabled_and_healthy()
    {
        Assert.True(_speaker.Enabled);
        Assert.True(_speaker.Healthy);
        await HoldsAsync();
    }

    [Fact]
    public async Task When_SetPaths_completes_the_engine_holds_exactly_the_set()
    {
        await _speaker.SetPathsAsync([A1, A2, V6], Token);
        await HoldsAsync(A1, A2, V6);
        await _speaker.SetPathsAsync([A2, B], Token);
        await HoldsAsync(A2, B);
        await _speaker.SetPathsAsync([], Token);
        await HoldsAsync();
    }

    [Fact]
    public async Task One_change_adds_replaces_attributes_and_withdraws()
    {
        await _speaker.SetPathsAsync([A1, A2], Token);
        var changed = A2 with { Med = 50, Communities = [Community("64512:7")] };
        await _speaker.ChangePathsAsync([changed, B], [A1.Key], Token);
        await HoldsAsync(changed, B);
        Assert.Equal(4, _speaker.Counters.PathsAdded);
        Assert.Equal(1, _speaker.Counters.PathsWithdrawn);
    }

    [Fact]
    public async Task Repeating_a_call_sends_nothing()
    {
        await _speaker.SetPathsAsync([A1, A2], Token);
        var before = _speaker.Counters;
        await _speaker.SetPathsAsync([A2, A1], Token);
        await _speaker.ChangePathsAsync([A1], [B.Key], Token);
        Assert.Equal(before, _speaker.Counters);
        await HoldsAsync(A1, A2);
    }

    [Fact]
    public async Task A_path_that_is_both_added_and_removed_stays()
    {
        await _speaker.SetPathsAsync([A1], Token);
        await _speaker.ChangePathsAsync([A1 with { Med = 5 }], [A1.Key], Token);
        await HoldsAsync(A1 with { Med = 5 });
    }

    [Theory]
    [InlineData("0.0.0.0", "172.27.115.242", 0)]
    [InlineData("127.0.0.1", "172.27.115.242", 0)]
    [InlineData("224.0.0.5", "172.27.115.242", 0)]
    [InlineData("::ffff:100.0.0.4", "fd00:115::242", 0)]
    [InlineData("100.0.0.9", "fd00:115::242", 0)]
    [InlineData("100.0.0.9", "127.0.0.1", 0)]
    [InlineData("2001:db8::9", "fe80::242", 0)]
    [InlineData("100.0.0.9", "172.27.115.242", PathLimits.MaxCommunities + 1)]
    public async Task A_refused_path_is_reported_and_all_others_are_announced(string prefix, string nextHop, int communities)
    {
        var bad = Path(prefix, nextHop, communities: Communities(communities));
        await SetAsync(A1);
        Assert.Equal([bad.Key], await ChangeRefusedAsync([B, bad, V6], [A1.Key]));
        await HoldsAsync(B, V6);
        Assert.Equal([bad.Key], await SetRefusedAsync([bad, A1, B]));
        await HoldsAsync(A1, B);
    }

    [Fact]
    public async Task A_refused_change_of_a_path_withdraws_the_path_that_is_announced()
    {
        var bad = Path("100.0.0.4", "172.27.115.242", communities: Communities(PathLimits.MaxCommunities + 1));
        var badLabel = Vpn1 with { Vpn = Vpn1.Vpn! with { Label = 1 << 20 } };
        await SetAsync(A1, A2, Vpn1, Vpn2);
        Assert.Equal([bad.Key, badLabel.Key], await ChangeRefusedAsync([bad, B, badLabel], []));
        await HoldsAsync(A2, Vpn2, B);
        await SetAsync(A1, A2, Vpn1);
        Assert.Equal([badLabel.Key, bad.Key], await SetRefusedAsync([badLabel, A2, bad]));
        await HoldsAsync(A2);
        await SetAsync(A1, A2);
        await HoldsAsync(A1, A2);
    }

    [Fact]
    public async Task A_refused_path_does_not_come_back_with_a_restarted_engine()
    {
        var bad = Path("100.0.0.4", "172.27.115.242", communities: Communities(PathLimits.MaxCommunities + 1));
        await SetAsync(A1, A2);
        Assert.Equal([bad.Key], await ChangeRefusedAsync([bad], []));
        KillEngine();
        await Eventually.TrueAsync(() => !_speaker.Healthy, "unhealthy", 5);
        StartEngine();
        await Eventually.TrueAsync(() => _speaker.Healthy, "healthy", 10);
        await HoldsAsync(A2);
    }

    [Fact]
    public async Task Paths_at_the_limits_are_accepted()
    {
        BgpPath[] paths =
        [
            Path("1.0.0.0", "223.255.255.255", med: 0, preference: 0),
            Path("223.255.255.255", "1.0.0.1", med: uint.MaxValue, preference: uint.MaxValue),
            Path("100.0.0.1", "172.27.115.242", communities: ["0:0", "65535:65535"], large: ["0:0:0", "4294967295:4294967295:4294967295"]),
            Path("100.0.0.2", "172.27.115.242", communities: Communities(PathLimits.MaxCommunities)),
            Path("100.0.0.3", "172.27.115.242", large: [.. Enumerable.Range(0, PathLimits.MaxCommunities).Select(i => $"64512:1:{i}")]),
            Path("2001:db8::1", "2001:db8::242"),
            Path("fd00::1", "fd00:115::242"),
            Vpn("100.0.0.5", "172.27.115.242", 1, label: MplsLabel.First),
            Vpn("2001:db8::5", "172.27.115.242", ushort.MaxValue, label: MplsLabel.Last),
            Vpn("100.0.0.6", "172.27.115.242", 7, ["target:1:4294967295", "target:10.2.2.2:65535", "target:65536:65535"]),
            Vpn("100.0.0.7", "172.27.115.242", 8, [.. Enumerable.Range(1, PathLimits.MaxRouteTargets).Select(i => $"target:64512:{i}")]),
            Vpn("100.0.0.8", "172.27.115.242", 9, []),
        ];
        await SetAsync(paths);
        await HoldsAsync(paths);
        await SetAsync();
        Assert.Empty(await _speaker.ChangePathsAsync(paths, [], Token));
        await HoldsAsync(paths);
    }

    [Theory]
    [InlineData("GRACEFUL_SHUTDOWN", "65535:0")]
    [InlineData("BLACKHOLE", "65535:666")]
    [InlineData("NO_EXPORT", "65535:65281")]
    [InlineData("NO_ADVERTISE", "65535:65282")]
    [InlineData("NO_EXPORT_SUBCONFED", "65535:65283")]
    [InlineData("NOPEER", "65535:65284")]
    public async Task A_well_known_community_is_accepted_by_name_and_by_number(string name, string number)
    {
        var named = Path("100.0.0.4", "172.27.115.242", communities: [name]);
        await SetAsync(named);
        var before = _speaker.Counters;
        Assert.Empty(await _speaker.ChangePathsAsync([Path("100.0.0.4", "172.27.115.242", communities: [number])], [], Token));
        Assert.Equal(before.PathsWithdrawn, _speaker.Counters.PathsWithdrawn);
        Assert.Equal(named.Key, Assert.Single(await EngineHoldsAsync()).Key);
    }

    private static string[] Communities(int count) => [.. Enumerable.Range(0, count).Select(i => $"64512:{i}")];

    private async Task SetAsync(params BgpPath[] paths) => Assert.Empty(await _speaker.SetPathsAsync(paths, Token));

    private async Task<IEnumerable<BgpPathKey>> SetRefusedAsync(BgpPath[] paths) => Keys(await _speaker.SetPathsAsync(paths, Token));

    private async Task<IEnumerable<BgpPathKey>> ChangeRefusedAsync(BgpPath[] add, BgpPathKey[] remove) =>
        Keys(await _speaker.ChangePathsAsync(add, remove, Token));

    private static IEnumerable<BgpPathKey> Keys(IReadOnlyList<RefusedPath> refused)
    {
        Assert.All(refused, r => Assert.EndsWith(".", r.Reason, StringComparison.Ordinal));
        return refused.Select(r => r.Key);
    }

    [Fact]
    public async Task VPN_routes_and_the_unicast_route_of_one_prefix_exist_together()
    {
        await _speaker.SetPathsAsync([A1, Vpn1, Vpn2, Other, V6, Vpn6], Token);
        await HoldsAsync(A1, Vpn1, Vpn2, Other, V6, Vpn6);
        // A network moves from the underlay to the overlay through the same vRouter, and back: make before break.
        await _speaker.ChangePathsAsync([], [A1.Key, Vpn6.Key], Token);
        await HoldsAsync(Vpn1, Vpn2, Other, V6);
        await _speaker.ChangePathsAsync([A1], [Vpn1.Key], Token);
        await HoldsAsync(A1, Vpn2, Other, V6);
        await _speaker.SetPathsAsync([Vpn1], Token);
        await HoldsAsync(Vpn1);
    }

    [Fact]
    public async Task Another_label_or_other_targets_replace_a_VPN_route_in_place()
    {
        await _speaker.SetPathsAsync([Vpn1, Vpn6], Token);
        var label = Vpn1 with { Vpn = Vpn1.Vpn! with { Label = 77 } };
        var targets = Vpn6 with { Vpn = Vpn6.Vpn! with { RouteTargets = [Target("target:64512:9")] } };
        await _speaker.ChangePathsAsync([label, targets], [], Token);
        await HoldsAsync(label, targets);
        Assert.Equal((4, 0), (_speaker.Counters.PathsAdded, _speaker.Counters.PathsWithdrawn));
        await _speaker.ChangePathsAsync([targets], [label.Key], Token);
        await HoldsAsync(targets);
        Assert.Equal((4, 1), (_speaker.Counters.PathsAdded, _speaker.Counters.PathsWithdrawn));
    }

    [Theory]
    [InlineData("100.0.0.9", "172.27.115.242", "172.27.115.243:5", 21)]
    [InlineData("100.0.0.9", "172.27.115.242", "172.27.115.242:0", 21)]
    [InlineData("100.0.0.9", "172.27.115.242", "172.27.115.242:5", 15)]
    [InlineData("100.0.0.9", "172.27.115.242", "172.27.115.242:5", 1 << 20)]
    [InlineData("2001:db8::9", "fd00:115::242", "172.27.115.242:5", 21)]
    [InlineData("0.0.0.0", "172.27.115.242", "172.27.115.242:5", 21)]
    public async Task A_VPN_route_that_no_vRouter_could_have_is_refused(string prefix, string nextHop, string distinguisher, uint label)
    {
        Assert.True(RouteDistinguisher.TryParse(distinguisher, out var rd));
        var path = Path(prefix, nextHop) with { Vpn = new(rd.Value, label, [Target("target:64512:1")]) };
        Assert.Equal([path.Key], await ChangeRefusedAsync([Vpn1, path], []));
        await HoldsAsync(Vpn1);
    }

    [Fact]
    public async Task A_route_target_with_a_number_that_the_engine_would_cut_is_refused()
    {
        var path = Vpn1 with { Vpn = Vpn1.Vpn! with { RouteTargets = [new(RouteTargetKind.FourOctetAS, 4200000000, 65536)] } };
        Assert.Equal([path.Key], await ChangeRefusedAsync([path, Other], []));
        await HoldsAsync(Other);
    }

    [Fact]
    public async Task A_VPN_route_deleted_by_hand_comes_back_and_one_added_by_hand_goes()
    {
        await _speaker.SetPathsAsync([Vpn1, Vpn2, Vpn6], Token);
        await DeleteByHandAsync(Vpn2);
        await WillHoldAsync(Vpn1, Vpn2, Vpn6);
        await DeleteByHandAsync(Vpn6);
        await WillHoldAsync(Vpn1, Vpn2, Vpn6);
        await AddByHandAsync(Vpn("100.0.0.77", "172.27.115.99", 9));
        await WillHoldAsync(Vpn1, Vpn2, Vpn6);
        await AddByHandAsync(Vpn1 with { Vpn = Vpn1.Vpn! with { Label = 99 } });
        await WillHoldAsync(Vpn1, Vpn2, Vpn6);
        Assert.True(_speaker.Counters.Repairs >= 4);
    }

    [Fact]
    public async Task A_path_deleted_by_hand_comes_back()
    {
        await _speaker.SetPathsAsync([A1, A2, V6], Token);
        await DeleteByHandAsync(A2);
        await WillHoldAsync(A1, A2, V6);
        await DeleteByHandAsync(V6);
        await WillHoldAsync(A1, A2, V6);
        Assert.True(_speaker.Counters.Repairs >= 2);
    }

    [Fact]
    public async Task A_path_added_by_hand_goes()
    {
        await _speaker.SetPathsAsync([A1], Token);
        await AddByHandAsync(Path("100.0.0.77", "172.27.115.99"));
        await WillHoldAsync(A1);
        await AddByHandAsync(A1 with { Med = 1 });
        await WillHoldAsync(A1);
    }

    [Fact]
    public async Task A_new_speaker_adopts_what_the_engine_holds_until_SetPaths()
    {
        await _speaker.SetPathsAsync([A1, A2, B, V6, Vpn1, Vpn6], Token);
        await StopAsync(_speaker);
        _speaker = NewSpeaker();
        var found = await _speaker.StartAsync(Token);
        Assert.Equal(Sorted([A1, A2, B, V6, Vpn1, Vpn6]), Sorted(found));
        await HoldsAsync(A1, A2, B, V6, Vpn1, Vpn6);
        await _speaker.SetPathsAsync([A1, A2, V6, Vpn1, Vpn6], Token);
        Assert.Equal(0, _speaker.Counters.PathsAdded);
        Assert.Equal(1, _speaker.Counters.PathsWithdrawn);
        await HoldsAsync(A1, A2, V6, Vpn1, Vpn6);
    }

    [Fact]
    public async Task An_engine_that_restarts_empty_gets_all_paths_and_peers_again()
    {
        await _speaker.SetPathsAsync([A1, A2, V6, Vpn1, Vpn6], Token);
        var raised = 0;
        _speaker.Changed += () => raised++;
        KillEngine();
        await Eventually.TrueAsync(() => !_speaker.Healthy, "unhealthy", 5);
        await Eventually.TrueAsync(() => raised > 0, "Changed was raised", 5);
        StartEngine();
        await Eventually.TrueAsync(() => _speaker.Healthy, "healthy", 10);
        await HoldsAsync(A1, A2, V6, Vpn1, Vpn6);
        Assert.Equal(1, _speaker.Counters.EngineRestarts);
    }

    [Fact]
    public async Task A_change_while_the_engine_is_away_fails_as_transient_and_is_applied_later()
    {
        await _speaker.SetPathsAsync([A1, A2], Token);
        KillEngine();
        await Eventually.TrueAsync(() => !_speaker.Healthy, "unhealthy", 5);
        var failure = await Assert.ThrowsAsync<BgpEngineException>(() => _speaker.ChangePathsAsync([B], [A1.Key], Token));
        Assert.True(failure.IsTransient);
        StartEngine();
        await Eventually.TrueAsync(() => _speaker.Healthy, "healthy", 10);
        await _speaker.ChangePathsAsync([B], [A1.Key], Token);
        await HoldsAsync(A2, B);
    }

    [Fact]
    public async Task Import_targets_can_be_set_at_any_time_and_without_peers_nothing_is_imported()
    {
        await _speaker.SetImportAsync([Target("target:64512:1")], Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        await _speaker.SetPathsAsync([Vpn1], Token);
        KillEngine();
        await Eventually.TrueAsync(() => !_speaker.Healthy, "unhealthy", 5);
        await _speaker.SetImportAsync([Target("target:64512:1"), Target("target:10.2.2.2:561")], Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        StartEngine();
        await Eventually.TrueAsync(() => _speaker.Healthy, "healthy", 10);
        await _speaker.SetImportAsync([], Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        await HoldsAsync(Vpn1);
        Assert.Empty(_speaker.TakeImported());
    }

    [Fact]
    public async Task Every_peer_has_a_session_and_one_that_the_engine_refuses_says_why()
    {
        await _speaker.SetPathsAsync([], Token);
        await _speaker.SetPeersAsync([Peer("vmx1", 245), Peer("down", 246, change: p => p with { AdminDown = true }), Peer("bad", 247, asn: 0)], Token);
        Assert.Equal(["bad", "down", "vmx1"], _speaker.Sessions.Select(s => s.Peer));
        Assert.Contains("autonomousSystem", _speaker.Session("bad").LastError, StringComparison.Ordinal);
        Assert.Contains("adminDown", _speaker.Session("down").LastError, StringComparison.Ordinal);
        Assert.False(_speaker.Session("vmx1").IsEstablished);
        await _speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        Assert.Equal(["vmx1"], _speaker.Sessions.Select(s => s.Peer));
    }
}
