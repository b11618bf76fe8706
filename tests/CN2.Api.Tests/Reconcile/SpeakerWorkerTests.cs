using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Compilation;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The order of announcement rows and speaker calls, and what becomes of a job that cannot be carried out.</summary>
public sealed class SpeakerWorkerTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>, IAsyncLifetime
{
    private static int _count;
    private readonly CancellationTokenSource _stop = new();
    private readonly string _self = $"cn-{Interlocked.Increment(ref _count)}";
    private readonly List<LoopEvent> _events = [];
    private LoopParts _parts = null!;
    private Task _run = Task.CompletedTask;

    private SpeakerJobQueue Jobs => _parts.Get<SpeakerJobQueue>();

    public async ValueTask InitializeAsync()
    {
        await api.PutAsync("/v1/namespaces/default/external-networks/workers", """{"subnets":[{"cidr":"100.64.0.0/16"}],"fabricForwarding":true}""");
        _parts = new LoopParts(api.ConnectionString, _self);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        await _parts.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_row_stands_before_its_route_is_handed_to_the_speaker_and_goes_with_the_withdrawal()
    {
        var route = await RouteAsync();
        string? before = null;
        _parts.Speaker.EngineRefuses = path =>
        {
            before = RowOf(route);
            return null;
        };
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        Assert.Equal($"""["{route.Path}"]""", before);

        await DoneAsync(new SpeakerJob.ChangeRoutes([], [route]), d => d.Withdrawn.Contains(route));
        await UntilAsync(() => RowOf(route) is null);
        Assert.Equal([$"+{route.Address} via {route.Path}", $"-{route.Address} via {route.Path}"], _parts.Speaker.Journal);
    }

    /// <summary>A path that was withdrawn and comes back gets another number. The next process numbers the paths of an empty engine by the rows.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_row_says_the_new_number_of_a_path_before_it_is_announced_again(bool withAnother)
    {
        var (route, other) = (await RouteAsync(), await RouteAsync());
        var key = new BgpPathKey(route.Address, route.Path);
        _parts.Speaker.Numbers[key] = 3;
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        Assert.Contains(": 3}", NumbersOf(route), StringComparison.Ordinal);

        _parts.Speaker.Numbers[key] = 5;
        string? before = null;
        _parts.Speaker.EngineRefuses = path =>
        {
            if (path.Key == key) before = NumbersOf(route);
            return null;
        };
        Jobs.Post(new SpeakerJob.ChangeRoutes(withAnother ? [route, other] : [route], []));
        await UntilAsync(() => before is not null);
        Assert.Contains(": 5}", before, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_stays_until_the_engine_has_confirmed_the_withdrawal()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        _parts.Speaker.KillEngine();
        Jobs.Post(new SpeakerJob.ChangeRoutes([], [route]));
        await UntilAsync(() => _parts.Log.Lines.Any(l => l.Text.Contains("could not be carried out yet", StringComparison.Ordinal)));
        Assert.NotNull(RowOf(route));
        Assert.DoesNotContain(Events<SpeakerEvent.RoutesDone>(), d => d.Withdrawn.Count > 0);
        _parts.Speaker.StartEngine();
        await UntilAsync(() => RowOf(route) is null && Events<SpeakerEvent.RoutesDone>().Any(d => d.Withdrawn.Contains(route)));
    }

    [Fact]
    public async Task With_other_replicas_an_empty_row_stays_until_the_entries_are_gone_and_every_change_is_in_the_feed()
    {
        var route = await RouteAsync();
        await StartAsync();
        Jobs.Post(new SpeakerJob.FollowReplicas(HasOthers: true, Introduce: true, RewriteRows: false));
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        await DoneAsync(new SpeakerJob.ChangeRoutes([], [route]), d => d.Withdrawn.Contains(route));
        await UntilAsync(() => RowOf(route) == "[]");
        Jobs.Post(new SpeakerJob.Release([route.FloatingIP]));
        await UntilAsync(() => RowOf(route) is null);
        Assert.Equal(1L, Query<long>($"SELECT count(*) FROM change WHERE kind = 10 AND name = '{_self}' AND uid = '{Guid.Empty}'"));
        Assert.Equal(3L, Query<long>($"SELECT count(*) FROM change WHERE kind = 10 AND name = '{_self}' AND uid = '{route.FloatingIP}'"));
    }

    [Fact]
    public async Task Without_other_replicas_no_change_rows_are_written()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        Assert.Equal(0L, Query<long>($"SELECT count(*) FROM change WHERE kind = 10 AND name = '{_self}'"));
    }

    [Fact]
    public async Task Rows_that_were_removed_as_those_of_a_gone_replica_are_written_again()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Announced.Contains(route));
        Query<long>($"WITH d AS (DELETE FROM advertisement WHERE control_node = '{_self}' RETURNING 1) SELECT count(*) FROM d");
        Jobs.Post(new SpeakerJob.FollowReplicas(HasOthers: false, Introduce: false, RewriteRows: true));
        await UntilAsync(() => RowOf(route) == $"""["{route.Path}"]""");
    }

    [Fact]
    public async Task While_the_engine_is_away_later_jobs_win_and_no_peer_is_added()
    {
        var (first, second) = (await RouteAsync(), await RouteAsync());
        await StartAsync();
        _parts.Speaker.KillEngine();
        Jobs.Post(new SpeakerJob.ReplaceAll([first], []));
        Jobs.Post(new SpeakerJob.SetPeers([Drivers.GoBgp.Spec.Peer("vmx1", 245)]));
        await UntilAsync(() => _parts.Log.Lines.Any(l => l.Text.Contains("ReplaceAll could not be carried out yet", StringComparison.Ordinal)));
        Jobs.Post(new SpeakerJob.ChangeRoutes([second], [first]));
        _parts.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(_parts.Speaker.Peers);
        Assert.Empty(Events<SpeakerEvent.RoutesDone>());

        _parts.Speaker.StartEngine();
        await UntilAsync(() => _parts.Speaker.Peers.Count == 1);
        var done = Assert.Single(Events<SpeakerEvent.RoutesDone>());
        Assert.True(done.IsFirstSet);
        Assert.Equal([second], done.Announced);
        Assert.Equal([first], done.Withdrawn);
        Assert.Equal(second.Address, Assert.Single(_parts.Speaker.Paths).Prefix);
        await UntilAsync(() => RowOf(first) is null && RowOf(second) is not null);
    }

    [Fact]
    public async Task While_the_database_is_away_withdrawals_go_on_and_announcements_wait()
    {
        var (first, second) = (await RouteAsync(), await RouteAsync());
        var database = await InterruptibleDatabase.OpenAsync(api.ConnectionString);
        await _parts.DisposeAsync();
        _parts = new LoopParts(database.ConnectionString, _self);
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([first], []), d => d.Announced.Contains(first));
        await database.TakeAwayAsync();
        Jobs.Post(new SpeakerJob.SetPeers([Drivers.GoBgp.Spec.Peer("vmx1", 245)]));
        await DoneAsync(new SpeakerJob.ChangeRoutes([], [first]), d => d.Withdrawn.Contains(first));
        Jobs.Post(new SpeakerJob.ChangeRoutes([second], []));
        await UntilAsync(() => _parts.Log.Lines.Any(l => l.Text.Contains("ChangeRoutes could not be carried out yet", StringComparison.Ordinal)));
        Assert.Single(_parts.Speaker.Peers);
        Assert.Empty(_parts.Speaker.Paths);
        Assert.NotNull(RowOf(first));

        await database.GiveBackAsync();
        await UntilAsync(() => RowOf(first) is null && RowOf(second) is not null && _parts.Speaker.Paths.Count == 1);
        Assert.Empty(_parts.Log.Errors);
    }

    [Fact]
    public async Task A_refused_route_is_answered_with_its_reason_and_holds_up_no_other()
    {
        var (refused, other, deleted) = (await RouteAsync(), await RouteAsync(), await RouteAsync());
        _parts.Speaker.EngineRefuses = path => path.Prefix.Equals(refused.Address) ? "The engine dislikes it." : null;
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll([deleted], []), d => d.IsFirstSet);
        var done = await DoneAsync(new SpeakerJob.ChangeRoutes([refused, other], [deleted]), d => d.Refused.Count > 0);
        Assert.Equal(new RefusedRoute(refused, "The engine dislikes it."), Assert.Single(done.Refused));
        Assert.Equal([other], done.Announced);
        Assert.Equal([deleted], done.Withdrawn);
        await UntilAsync(() => RowOf(refused) is null && RowOf(deleted) is null && RowOf(other) is not null);

        await DoneAsync(new SpeakerJob.ChangeRoutes([], [refused]), d => d.Withdrawn.Contains(refused)); // its deletion completes
        _parts.Speaker.EngineRefuses = _ => null;
        await DoneAsync(new SpeakerJob.ChangeRoutes([refused], []), d => d.Announced.Contains(refused));
        Assert.NotNull(RowOf(refused));
        Assert.Empty(_parts.Log.Errors);
    }

    [Fact]
    public async Task A_version_that_is_refused_takes_the_earlier_one_out_of_the_row()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll([route], []), d => d.Announced.Contains(route));
        _parts.Speaker.EngineRefuses = path => path.Med == 7 ? "No MED 7." : null;
        var changed = route with { Network = route.Network with { Advertisement = route.Network.Advertisement with { Med = 7 } } };
        await DoneAsync(new SpeakerJob.ChangeRoutes([changed], []), d => d.Refused.Count == 1);
        Assert.Empty(_parts.Speaker.Paths);
        await UntilAsync(() => RowOf(route) is null);
    }

    [Fact]
    public async Task A_floating_IP_that_is_gone_is_not_announced()
    {
        var (route, gone) = (await RouteAsync(), Sample.Route(77));
        await StartAsync();
        var done = await DoneAsync(new SpeakerJob.ChangeRoutes([gone, route], []), d => d.Announced.Count > 0);
        Assert.Equal([route], done.Announced);
        Assert.Equal(route.Address, Assert.Single(_parts.Speaker.Paths).Prefix);
    }

    [Fact]
    public async Task A_bug_holds_back_only_the_routes_that_cause_it_and_they_are_tried_again_alone()
    {
        FloatingIPRoute[] routes = [await RouteAsync(), await RouteAsync(), await RouteAsync(), await RouteAsync(), await RouteAsync()];
        var (bad, deleted) = (routes[2], routes[4]);
        var calls = 0;
        _parts.Speaker.EngineRefuses = path => path.Prefix.Equals(bad.Address) && ++calls > 0 ? throw new InvalidOperationException("A bug.") : null;
        await StartAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([deleted], []), d => d.Announced.Count > 0);
        Jobs.Post(new SpeakerJob.ChangeRoutes(routes[..4], [deleted]));
        await UntilAsync(() => _parts.Speaker.Paths.Count == 3 && Events<SpeakerEvent.RoutesDone>().Any(d => d.Refused.Count > 0)
            && Events<SpeakerEvent.RoutesDone>().Any(d => d.Withdrawn.Contains(deleted)));
        Assert.Contains("InvalidOperationException", Events<SpeakerEvent.RoutesDone>().SelectMany(d => d.Refused).Single().Reason, StringComparison.Ordinal);
        Assert.All(_parts.Log.Errors, e => Assert.IsType<InvalidOperationException>(e.Exception));
        Assert.NotEmpty(_parts.Log.Errors);

        // Later jobs do not carry it along.
        var before = calls;
        var later = await RouteAsync();
        await DoneAsync(new SpeakerJob.ChangeRoutes([later], []), d => d.Announced.Contains(later));
        Assert.Equal(before, calls);

        _parts.Speaker.EngineRefuses = _ => null;
        _parts.Time.Advance(SpeakerJobQueue.RetryInterval);
        await UntilAsync(() => Events<SpeakerEvent.RoutesDone>().Any(d => d.Announced.Contains(bad)));
    }

    [Fact]
    public async Task A_bug_in_the_first_set_leaves_out_the_routes_that_cause_it_and_peers_follow()
    {
        FloatingIPRoute[] routes = [await RouteAsync(), await RouteAsync(), await RouteAsync()];
        _parts.Speaker.EngineRefuses = path => path.Prefix.Equals(routes[1].Address) ? throw new InvalidOperationException("A bug.") : null;
        await StartAsync();
        Jobs.Post(new SpeakerJob.ReplaceAll(routes, []));
        Jobs.Post(new SpeakerJob.SetPeers([Drivers.GoBgp.Spec.Peer("vmx1", 245)]));
        await UntilAsync(() => _parts.Speaker.Peers.Count == 1);
        Assert.Equal([routes[0], routes[2]], Events<SpeakerEvent.RoutesDone>().Single(d => d.IsFirstSet).Announced);
        Assert.Equal(2, _parts.Speaker.Paths.Count);
    }

    [Fact]
    public async Task The_row_of_a_refused_route_stays_while_a_router_may_have_an_earlier_version()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll([route], []), d => d.IsFirstSet);
        var key = new BgpPathKey(route.Address, route.Path);
        _parts.Speaker.Waiting.Add(key);
        _parts.Speaker.EngineRefuses = _ => "The engine dislikes it.";
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Refused.Count > 0);
        Jobs.Post(new SpeakerJob.SaveRows());
        await DoneAsync(new SpeakerJob.ChangeRoutes([route], []), d => d.Refused.Count > 0);
        Assert.NotNull(RowOf(route));
        _parts.Speaker.Waiting.Remove(key);
        await UntilAsync(() => RowOf(route) is null);
    }

    [Fact]
    public async Task A_withdrawal_that_a_router_has_not_got_yet_is_confirmed_later_and_the_rest_of_the_change_at_once()
    {
        var (announced, kept, gone) = (await RouteAsync(), await RouteAsync(), await RouteAsync());
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll([kept, gone], []), d => d.IsFirstSet);
        var key = new BgpPathKey(kept.Address, kept.Path);
        _parts.Speaker.Waiting.Add(key);
        var done = await DoneAsync(new SpeakerJob.ChangeRoutes([announced], [kept, gone]), d => d.Announced.Contains(announced));
        Assert.Equal([gone], done.Withdrawn);
        await UntilAsync(() => RowOf(gone) is null);
        Assert.NotNull(RowOf(kept));
        _parts.Speaker.Waiting.Remove(key);
        await UntilAsync(() => RowOf(kept) is null);
    }

    [Fact]
    public async Task The_row_of_a_path_of_an_earlier_run_goes_when_no_router_has_the_path_any_more()
    {
        var route = await AnnounceInAnEarlierRunAsync();
        await using var next = new LoopParts(api.ConnectionString, _self);
        var key = new BgpPathKey(route.Address, route.Path);
        next.Speaker.Waiting.Add(key);
        var worker = next.Get<SpeakerWorker>();
        Assert.True(await worker.LoadAsync(TestContext.Current.CancellationToken));
        using var stop = new CancellationTokenSource();
        var run = worker.RunAsync(stop.Token);
        var other = await RouteAsync();
        next.Get<SpeakerJobQueue>().Post(new SpeakerJob.ReplaceAll([other], []));
        await UntilAsync(() => RowOf(other) is not null, next);
        Assert.NotNull(RowOf(route));
        next.Speaker.Waiting.Remove(key);
        await UntilAsync(() => RowOf(route) is null, next);
        await stop.CancelAsync();
        await run.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task With_other_replicas_the_loop_hears_of_a_path_of_an_earlier_run_that_is_gone_so_that_it_releases_the_row()
    {
        var route = await AnnounceInAnEarlierRunAsync();
        await using var next = new LoopParts(api.ConnectionString, _self);
        var key = new BgpPathKey(route.Address, route.Path);
        next.Speaker.Waiting.Add(key);
        var worker = next.Get<SpeakerWorker>();
        Assert.True(await worker.LoadAsync(TestContext.Current.CancellationToken));
        using var stop = new CancellationTokenSource();
        var run = worker.RunAsync(stop.Token);
        next.Get<SpeakerJobQueue>().Post(new SpeakerJob.FollowReplicas(HasOthers: true, Introduce: false, RewriteRows: false));
        var other = await RouteAsync();
        next.Get<SpeakerJobQueue>().Post(new SpeakerJob.ReplaceAll([other], []));
        List<LoopEvent> events = [];
        await HearsAsync<SpeakerEvent.RoutesDone>(e => e.IsFirstSet);
        next.Speaker.Waiting.Remove(key);
        await UntilAsync(() => RowOf(route) == "[]", next);
        await HearsAsync<SpeakerEvent.LeftoversGone>(e => e.FloatingIPs.Contains(route.FloatingIP));
        await stop.CancelAsync();
        await run.ContinueWith(_ => { }, TaskScheduler.Default);

        Task HearsAsync<T>(Func<T, bool> expected) => UntilAsync(
            () =>
            {
                events.AddRange(next.TakeEvents());
                return events.OfType<T>().Any(expected);
            }, next);
    }

    [Fact]
    public async Task Rows_of_an_earlier_run_say_whether_something_may_be_announced_and_go_with_the_first_set()
    {
        var route = await AnnounceInAnEarlierRunAsync();
        await using var next = new LoopParts(api.ConnectionString, _self);
        var worker = next.Get<SpeakerWorker>();
        Assert.True(await worker.LoadAsync(TestContext.Current.CancellationToken));
        using var stop = new CancellationTokenSource();
        var run = worker.RunAsync(stop.Token);
        next.Get<SpeakerJobQueue>().Post(new SpeakerJob.ReplaceAll([], []));
        await UntilAsync(() => RowOf(route) is null);
        await stop.CancelAsync();
        await run.ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.False(await worker.LoadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_speaker_is_asked_once_what_it_holds_while_the_rest_of_the_database_is_read()
    {
        var worker = _parts.Get<SpeakerWorker>();
        Assert.False(await worker.LoadAsync(TestContext.Current.CancellationToken));
        worker.BeginToAsk(TestContext.Current.CancellationToken);
        await UntilAsync(() => Events<SpeakerEvent.Started>().Count == 1);
        await worker.LoadAsync(TestContext.Current.CancellationToken); // the rest could not be read
        worker.BeginToAsk(TestContext.Current.CancellationToken);
        _run = worker.RunAsync(_stop.Token);
        await DoneAsync(new SpeakerJob.ReplaceAll([], []), d => d.IsFirstSet);
        Assert.Single(Events<SpeakerEvent.Started>());
    }

    [Fact]
    public async Task Equal_rows_are_read_once_and_each_that_cannot_be_read_is_named()
    {
        List<FloatingIPRoute> routes = [await RouteAsync(), await RouteAsync(), await RouteAsync(), await RouteAsync()];
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll(routes, []), d => d.IsFirstSet);
        var store = _parts.Get<IAnnouncementStore>();
        Query<object>($"""UPDATE advertisement SET routes = '["nowhere"]' WHERE control_node = '{_self}' AND floating_ip_uid = ANY('{"{"}{routes[2].FloatingIP},{routes[3].FloatingIP}{"}"}')""");
        var rows = (await store.LoadAsync(_self, TestContext.Current.CancellationToken)).ToDictionary(r => r.FloatingIP);
        Assert.Equal(routes[0].Path, Assert.Single(rows[routes[0].FloatingIP].Paths).Key);
        Assert.Same(rows[routes[0].FloatingIP].Paths, rows[routes[1].FloatingIP].Paths);
        foreach (var bad in routes.Skip(2))
        {
            Assert.Empty(rows[bad.FloatingIP].Paths);
            Assert.Contains(_parts.Log.Lines, l => l.Text.Contains($"{bad.FloatingIP} cannot be read", StringComparison.Ordinal));
        }
    }

    /// <summary>A route that this control node announced before it stopped.</summary>
    private async Task<FloatingIPRoute> AnnounceInAnEarlierRunAsync()
    {
        var route = await RouteAsync();
        await StartAsync();
        await DoneAsync(new SpeakerJob.ReplaceAll([route], []), d => d.IsFirstSet);
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        return route;
    }

    /// <summary>A route of a new FloatingIP.</summary>
    private async Task<FloatingIPRoute> RouteAsync()
    {
        var made = (await api.PostAsync("/v1/namespaces/default/floating-ips", $$"""{"name":"w{{Interlocked.Increment(ref _count)}}","externalNetwork":"workers"}""")).Expect(201).Json!;
        return Sample.Route(1) with { FloatingIP = (Guid)made["uid"]!, Address = IPAddress.Parse((string)made["address"]!) };
    }

    private async Task StartAsync()
    {
        Assert.False(await _parts.Get<SpeakerWorker>().LoadAsync(TestContext.Current.CancellationToken));
        _run = _parts.Get<SpeakerWorker>().RunAsync(_stop.Token);
    }

    private async Task<SpeakerEvent.RoutesDone> DoneAsync(SpeakerJob job, Func<SpeakerEvent.RoutesDone, bool> expected)
    {
        Jobs.Post(job);
        await UntilAsync(() => Events<SpeakerEvent.RoutesDone>().Any(expected));
        return Events<SpeakerEvent.RoutesDone>().Last(expected);
    }

    private List<T> Events<T>() where T : LoopEvent
    {
        _events.AddRange(_parts.TakeEvents());
        return _events.OfType<T>().ToList();
    }

    /// <summary>Waits while time passes slowly enough that no failed job is due again.</summary>
    private Task UntilAsync(Func<bool> condition, LoopParts? parts = null) => Eventually.TrueAsync(() =>
    {
        if (condition()) return true;
        (parts ?? _parts).Time.Advance(TimeSpan.FromMilliseconds(10));
        return false;
    }, seconds: 30, everyMilliseconds: 10);

    private string? RowOf(FloatingIPRoute route) =>
        Query<string?>($"SELECT (SELECT routes::text FROM advertisement WHERE control_node = '{_self}' AND floating_ip_uid = '{route.FloatingIP}')");

    private string? NumbersOf(FloatingIPRoute route) =>
        Query<string?>($"SELECT path_ids::text FROM advertisement WHERE control_node = '{_self}' AND floating_ip_uid = '{route.FloatingIP}'");

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(api.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is T value ? value : default!;
    }
}
