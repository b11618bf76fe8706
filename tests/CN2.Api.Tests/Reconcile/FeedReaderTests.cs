using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Sequencing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The database in memory: all of it at the start, then what the change feed names.</summary>
public sealed class FeedReaderTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private ApiServerWithoutReconciler _api = null!;
    private LoopParts _parts = null!;

    private FeedReader Feed => _parts.Get<FeedReader>();

    public async ValueTask InitializeAsync()
    {
        _api = new ApiServerWithoutReconciler(postgres);
        await _api.InitializeAsync();
        _parts = new LoopParts(_api.ConnectionString, replace: services => services.AddSingleton<ILeaderTasks>(new RecordingLeaderTasks()));
    }

    public async ValueTask DisposeAsync()
    {
        await _parts.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task All_rows_are_read_at_the_start_and_later_only_changed_and_deleted_ones()
    {
        await NetworkAsync("vn");
        await EndpointAsync("pod1");
        await ServiceAsync("web");
        await LoadAsync();
        Assert.Equal((1, 1), (_parts.State.Resources.ServiceCount, _parts.State.Resources.VirtualMachineInterfaces.Count));
        Assert.Equal(2, _parts.State.Resources.FloatingIPs.Count); // its external address and its cluster IP

        await ServiceAsync("second");
        await _api.DeleteAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1");
        await ReadUntilAsync(() => _parts.State.Resources.ServiceCount == 2 && _parts.State.Resources.VirtualMachineInterfaces.Count == 0);
        Assert.Equal(4, _parts.State.Resources.FloatingIPs.Count);
        Assert.False(Feed.IsMidPage);
    }

    [Fact]
    public async Task A_network_that_gets_the_number_of_a_deleted_one_in_the_same_page_keeps_its_name_and_imports()
    {
        await OverlayNetworkAsync("old");
        await LoadAsync();
        var instances = _parts.Get<RoutingInstances>();
        Assert.Equal("default/old", instances.NameOf(1));

        (await _api.DeleteAsync("/v1/namespaces/default/external-networks/old")).Expect(204);
        await OverlayNetworkAsync("new");
        await ReadUntilAsync(() => instances.NameOf(1) != "default/old");
        Assert.Equal("default/new", instances.NameOf(1));
        Assert.Contains(instances.ImportTargets, t => t.ToString() == "target:64512:7");

        async Task OverlayNetworkAsync(string name) => (await _api.PostAsync("/v1/namespaces/default/external-networks",
            new { name, subnets = new[] { new { cidr = "10.77.0.0/24" } }, importRouteTargets = new[] { "target:64512:7" } })).Expect(201);
    }

    [Fact]
    public async Task A_round_reads_the_feed_when_it_may_have_grown_and_else_once_a_second()
    {
        await LoadAsync();
        var (inbox, signal) = (_parts.Get<LoopInbox>(), _parts.Get<ChangeSignal>());
        await RoundAsync();
        await EndpointAsync("pod1"); // by another process, and nobody tells
        inbox.Wake();
        _parts.Time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal(TimeSpan.FromMilliseconds(100), (await RoundAsync()).At - _parts.Now);
        Assert.Empty(_parts.State.Resources.VirtualMachineInterfaces);
        signal.Set();
        await RoundAsync();
        Assert.Single(_parts.State.Resources.VirtualMachineInterfaces);

        await EndpointAsync("pod2");
        _parts.Time.Advance(NextTick.LongestWait);
        await RoundAsync();
        Assert.Equal(2, _parts.State.Resources.VirtualMachineInterfaces.Count);
    }

    /// <summary>The replica that announces has told of it, and that was lost with a connection.</summary>
    [Fact]
    public async Task Entries_whose_hold_is_over_stay_when_another_replica_has_announced_their_route_and_nobody_told()
    {
        await LoadAsync();
        var (decisions, sequencer, signal) = (_parts.Get<LoopDecisions>(), _parts.State.Sequencer, _parts.Get<ChangeSignal>());
        var floatingIP = HoldAnEntry();
        await HoldRoundAsync();
        _parts.Time.Advance(RouteSequencer.EntryHold - TimeSpan.FromMilliseconds(100));
        signal.Set();
        await HoldRoundAsync();
        Announce("cn-b", floatingIP);
        _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
        await HoldRoundAsync();
        Assert.True(_parts.State.Others.Holds(floatingIP));
        Assert.False(sequencer.IsQuiet(floatingIP));

        Execute($"DELETE FROM advertisement; INSERT INTO change (kind, name, uid, verb, status_only) VALUES ({(short)ResourceKind.Announcements}, 'cn-b', '{floatingIP}', 2, true)");
        _parts.Time.Advance(RouteSequencer.EntryHold);
        Assert.Null((await HoldRoundAsync()).HoldEndsAt);
        Assert.True(sequencer.IsQuiet(floatingIP));

        async Task<RouteSequencer> HoldRoundAsync()
        {
            var next = await RoundAsync();
            decisions.Compile(_parts.Now, next, isMidPage: false);
            return sequencer;
        }
    }

    [Fact]
    public async Task A_hold_that_ends_after_the_feed_was_read_asks_for_a_round_that_reads_it()
    {
        await LoadAsync();
        var floatingIP = HoldAnEntry();
        await RoundAsync();
        _parts.Get<LoopDecisions>().Compile(_parts.Now, new NextTick(), isMidPage: false);
        _parts.Time.Advance(RouteSequencer.EntryHold);
        var next = new NextTick();
        _parts.Get<LoopDecisions>().Compile(_parts.Now, next, isMidPage: false);
        Assert.False(_parts.State.Sequencer.IsQuiet(floatingIP));
        _parts.Get<FeedGate>().Schedule(_parts.Now, next);
        Assert.True(next.At <= _parts.Now);
        await RoundAsync();
        _parts.Get<LoopDecisions>().Compile(_parts.Now, new NextTick(), isMidPage: false);
        Assert.True(_parts.State.Sequencer.IsQuiet(floatingIP));
    }

    [Fact]
    public async Task A_reading_that_failed_is_made_again_in_the_next_round()
    {
        await LoadAsync();
        await RoundAsync();
        await EndpointAsync("pod1");
        Execute("ALTER TABLE virtual_machine_interface RENAME TO away");
        _parts.Get<ChangeSignal>().Set();
        var (_, failure) = await _parts.Get<FeedGate>().ReadAsync(_parts.Now, new NextTick(), TestContext.Current.CancellationToken);
        Assert.IsType<PostgresException>(failure?.SourceException);
        Execute("ALTER TABLE away RENAME TO virtual_machine_interface");
        await RoundAsync();
        Assert.Single(_parts.State.Resources.VirtualMachineInterfaces);
    }

    /// <summary>What agents at other replicas have applied is looked at although no change row names it.</summary>
    [Fact]
    public async Task While_something_waits_for_agents_elsewhere_a_round_reads_every_250_ms()
    {
        Execute("INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('cn-b', now(), 0, '{}')");
        var agents = _parts.Get<AgentReportStore>();
        var ct = TestContext.Current.CancellationToken;
        await agents.ConnectAsync(new VRouterHello("node1", System.Net.IPAddress.Parse("172.27.115.242"), null, "1.0"), "cn-b", 10, DateTimeOffset.UtcNow, ct);
        await LoadAsync();
        await RoundAsync();
        _parts.Get<LoopInbox>().TakeFeedHasGrown();
        var account = _parts.State.Ledger.Open("node1");
        account.Sent(new Sending(new CN2.Network.Sequencing.AckMark(1, _parts.State.Ledger.Feed.Last), null, [Sample.Uid(1)]));
        Feed.Schedule(_parts.Now, new NextTick());
        await agents.SaveAsync("cn-b", [new VirtualRouterProgress("node1", TimeSpan.Zero, 0, 0, _parts.State.Ledger.Position, "1.0", null)], [], ct);
        _parts.Get<LoopInbox>().TakeFeedHasGrown(); // the other replica is another process
        _parts.Time.Advance(FeedReader.RemoteInterval / 2);
        Feed.Schedule(_parts.Now, new NextTick()); // rounds in between put it off no further
        await RoundAsync();
        Assert.True(account.IsBehind);
        _parts.Time.Advance(FeedReader.RemoteInterval / 2);
        await RoundAsync();
        Assert.False(account.IsBehind);
    }

    [Fact]
    public async Task When_the_feed_was_trimmed_past_the_position_all_rows_are_read_again()
    {
        await EndpointAsync("pod1");
        // Other tests have transactions on the same server; the position of a load is below the oldest one.
        await Eventually.TrueAsync(() => Query<bool>("SELECT NOT EXISTS (SELECT FROM change WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))"));
        await LoadAsync();
        Assert.Single(_parts.State.Resources.VirtualMachineInterfaces);
        // Rows that no reader will ever see: written and trimmed in one transaction, as after an hour without this replica.
        Query<long>("""
            WITH gone AS (DELETE FROM virtual_machine_interface RETURNING 1),
            moved AS (UPDATE change_horizon SET xid = pg_current_xact_id(), id = 9223372036854775806 RETURNING 1)
            SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM moved)
            """);
        await ReadAsync(TimeSpan.FromMilliseconds(100));
        Assert.Empty(_parts.State.Resources.VirtualMachineInterfaces);
        Assert.Contains(_parts.Log.Lines, l => l.Text.Contains("everything is read again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Announcement_rows_of_other_replicas_are_read_and_own_ones_are_not()
    {
        await NetworkAsync("vn");
        await LoadAsync();
        await ServiceAsync("web");
        await ReadUntilAsync(() => _parts.State.Resources.ServiceCount == 1);
        var uid = Query<Guid>("SELECT uid FROM floating_ip WHERE external_network_uid IS NOT NULL");
        Announce("cn-a", uid);
        Announce("cn-b", uid);
        await ReadUntilAsync(() => _parts.State.Others.Holds(uid));
        Assert.Equal("cn-b", Assert.Single(_parts.State.Others.Through(uid, Sample.Route(1).Path)).ControlNode);

        // Without a change row of its own, and then made known by the row that stands for all.
        Query<long>("WITH d AS (DELETE FROM advertisement WHERE control_node = 'cn-b' RETURNING 1) SELECT count(*) FROM d");
        Query<long>($"WITH c AS (INSERT INTO change (kind, name, uid, verb, status_only) VALUES ({(short)ResourceKind.Announcements}, 'cn-b', '{Guid.Empty}', 2, true) RETURNING 1) SELECT count(*) FROM c");
        await ReadUntilAsync(() => !_parts.State.Others.Holds(uid));
    }

    [Fact]
    public async Task A_page_that_breaks_off_is_read_again_before_anything_is_compiled()
    {
        await LoadAsync();
        await EndpointAsync("pod1");
        await NetworkAsync("vn");
        await ServiceAsync("web");
        Execute("ALTER TABLE service RENAME TO service_away");
        _parts.Time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<PostgresException>(() => ReadUntilAsync(() => false));
        Assert.True(Feed.IsMidPage);
        Execute("ALTER TABLE service_away RENAME TO service");
        await ReadUntilAsync(() => _parts.State.Resources.ServiceCount == 1);
        Assert.False(Feed.IsMidPage);
        Assert.Single(_parts.State.Resources.VirtualMachineInterfaces);
        Assert.Equal(2, _parts.State.Resources.FloatingIPs.Count);
    }

    [Fact]
    public async Task A_transaction_that_stays_open_holds_nothing_back_and_what_it_commits_later_is_read()
    {
        await LoadAsync();
        await using var connection = new NpgsqlConnection(_api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var open = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await InsertRouterAsync(connection, open);

        await EndpointAsync("pod1");
        await ReadUntilAsync(() => _parts.State.Resources.VirtualMachineInterfaces.Count == 1);
        await EndpointAsync("pod2");
        await ReadUntilAsync(() => _parts.State.Resources.VirtualMachineInterfaces.Count == 2);
        Assert.Null(_parts.State.Resources.VirtualRouter("late"));
        await open.CommitAsync(TestContext.Current.CancellationToken);
        await ReadUntilAsync(() => _parts.State.Resources.VirtualRouter("late") is not null);
    }

    [Fact]
    public async Task Retention_leaves_what_a_transaction_commits_that_was_open_for_longer_than_changes_are_kept()
    {
        var ct = TestContext.Current.CancellationToken;
        await LoadAsync();
        await using var connection = new NpgsqlConnection(_api.ConnectionString);
        await connection.OpenAsync(ct);
        await using var open = await connection.BeginTransactionAsync(ct);
        await InsertRouterAsync(connection, open);
        await EndpointAsync("pod1");
        await using var other = new NpgsqlConnection(_api.ConnectionString);
        await other.OpenAsync(ct);
        await using var now = new NpgsqlCommand("SELECT pg_current_snapshot()::text", other);
        var snapshot = (string)(await now.ExecuteScalarAsync(ct))!;
        await ReadUntilAsync(() => _parts.State.Resources.VirtualMachineInterfaces.Count == 1);

        Execute($"INSERT INTO feed_snapshot (at, snapshot) VALUES (now() - interval '2 hours', '{snapshot}')");
        var retention = ActivatorUtilities.CreateInstance<Retention>(_api.Services);
        await retention.RunOnceAsync(ct);
        Assert.Equal(0L, Count("pod1"));
        await open.CommitAsync(ct);
        await retention.RunOnceAsync(ct);
        Assert.Equal(1L, Count("late"));
        await ReadUntilAsync(() => _parts.State.Resources.VirtualRouter("late") is not null);
        Assert.DoesNotContain(_parts.Log.Lines, l => l.Text.Contains("everything is read again", StringComparison.Ordinal));

        long Count(string name)
        {
            using var count = new NpgsqlCommand($"SELECT count(*) FROM change WHERE name = '{name}'", other);
            return (long)count.ExecuteScalar()!;
        }
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_changes_nothing_in_memory_and_the_others_of_its_page_are_taken()
    {
        await EndpointAsync("pod1");
        await EndpointAsync("pod2");
        await LoadAsync();
        Execute("""
            WITH spoiled AS (UPDATE virtual_machine_interface SET labels = '{"app":{"is":"no text"}}', health = 'Odd' WHERE name = 'pod1' RETURNING uid, name, namespace),
            gone AS (DELETE FROM virtual_machine_interface WHERE name = 'pod2' RETURNING uid, name, namespace)
            INSERT INTO change (kind, namespace, name, uid, verb, status_only)
            SELECT 4, namespace, name, uid, 2, false FROM spoiled UNION ALL SELECT 4, namespace, name, uid, 3, false FROM gone
            """.Replace("SELECT 4,", $"SELECT {(short)ResourceKind.VirtualMachineInterface},", StringComparison.Ordinal));
        await EndpointAsync("pod3");
        await ReadUntilAsync(() => _parts.State.Resources.VirtualMachineInterfaces.Any(v => v.Id.Name == "pod3"));
        Assert.Equal(["pod1", "pod3"], _parts.State.Resources.VirtualMachineInterfaces.Select(v => v.Id.Name).Order());
        Assert.False(Feed.IsMidPage);
        Assert.Contains(_parts.Log.Lines, l => l.Text.Contains("cannot be read and is left out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task VRouters_of_other_replicas_are_read_while_an_owner_waits_for_them()
    {
        Execute("INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('cn-b', now(), 0, '{}')");
        var agents = _parts.Get<AgentReportStore>();
        var ct = TestContext.Current.CancellationToken;
        await agents.ConnectAsync(new VRouterHello("node1", System.Net.IPAddress.Parse("172.27.115.242"), null, "1.0"), "cn-b", 10, DateTimeOffset.UtcNow, ct);
        await LoadAsync();
        var account = _parts.State.Ledger.Open("node1");
        Assert.True(account.ConnectedElsewhere);
        account.Sent(new Sending(new CN2.Network.Sequencing.AckMark(1, _parts.State.Ledger.Feed.Last), null, [Sample.Uid(1)]));
        var next = new NextTick();
        Feed.Schedule(_parts.Now, next);
        Assert.Equal(_parts.Now + FeedReader.RemoteInterval, next.At);

        // Progress alone writes no change row.
        await agents.SaveAsync("cn-b", [new VirtualRouterProgress("node1", TimeSpan.Zero, 0, 0, _parts.State.Ledger.Position, "1.0", null)], [], ct);
        await ReadAsync(FeedReader.RemoteInterval);
        Assert.False(account.IsBehind);
        next = new NextTick();
        Feed.Schedule(_parts.Now, next);
        Assert.Null(next.At);
    }

    [Fact]
    public async Task What_all_agents_elsewhere_have_applied_is_read_with_the_feed_and_their_rows_when_nothing_new_is_said_of_all()
    {
        Execute("INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('cn-b', now(), 0, '{}')");
        var agents = _parts.Get<AgentReportStore>();
        var ct = TestContext.Current.CancellationToken;
        await agents.ConnectAsync(new VRouterHello("node1", System.Net.IPAddress.Parse("172.27.115.242"), null, "1.0"), "cn-b", 10, DateTimeOffset.UtcNow, ct);
        var before = await _parts.Get<ChangeFeedReader>().EndAsync(ct);
        await agents.SaveAsync("cn-b", [new VirtualRouterProgress("node1", TimeSpan.Zero, 0, 0, before, "1.0", null)], [], ct);
        await EndpointAsync("pod1");
        await LoadAsync();
        var account = _parts.State.Ledger.Open("node1");
        Send();
        await ReadAsync(TimeSpan.Zero);
        Assert.True(account.IsBehind);

        await agents.ShareAsync(new AgentsApplied("cn-b", _parts.State.Ledger.Position, ["node1"]), ct);
        await ReadAsync(TimeSpan.Zero);
        Assert.True(account.IsBehind);
        await agents.ShareAsync(new AgentsApplied("cn-b", _parts.State.Ledger.Position, []), ct);
        await ReadAsync(TimeSpan.Zero);
        Assert.False(account.IsBehind);

        // Its control node says this no more, as one of the version before.
        await EndpointAsync("pod2");
        await ReadUntilAsync(() => _parts.State.Resources.VirtualMachineInterfaces.Count == 2);
        Send();
        await agents.SaveAsync("cn-b", [new VirtualRouterProgress("node1", TimeSpan.Zero, 0, 0, _parts.State.Ledger.Position, "1.0", null)], [], ct);
        await ReadAsync(FeedReader.AppliedWithin);
        Assert.False(account.IsBehind);

        void Send() => account.Sent(new Sending(new CN2.Network.Sequencing.AckMark(1, _parts.State.Ledger.Feed.Last), null, [Sample.Uid(1)]));
    }

    /// <summary>
    /// Another replica that has read on may never have sent the entries of the state that is compiled here, so its agents' positions count only once
    /// this replica has read that far.
    /// </summary>
    [Fact]
    public async Task What_another_replica_has_applied_counts_when_this_one_has_read_as_far()
    {
        Execute("INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('cn-b', now(), 0, '{}')");
        var agents = _parts.Get<AgentReportStore>();
        var ct = TestContext.Current.CancellationToken;
        await agents.ConnectAsync(new VRouterHello("node1", System.Net.IPAddress.Parse("172.27.115.242"), null, "1.0"), "cn-b", 10, DateTimeOffset.UtcNow, ct);
        await LoadAsync();
        var (state, resources) = (_parts.State, _parts.Get<ResourceChanges>());
        var mark = new CN2.Network.Sequencing.AckMark(1, state.Ledger.Feed.Last);
        await EndpointAsync("pod1");
        var ahead = await _parts.Get<ChangeFeedReader>().EndAsync(ct);
        var router = new VirtualRouterState(state.Resources.VirtualRouter("node1")!, true, "cn-b", ahead);
        resources.Put(router);
        Assert.False(state.Ledger.IsAcknowledged("node1", mark));

        await ReadUntilAsync(() => state.Resources.VirtualMachineInterfaces.Count == 1);
        resources.Put(router);
        Assert.True(state.Ledger.IsAcknowledged("node1", mark));
    }

    /// <summary>The FloatingIP of a route that was withdrawn just now, so that its entries are held.</summary>
    private Guid HoldAnEntry()
    {
        var (sequencer, route) = (_parts.State.Sequencer, Sample.Route(1, "compute2"));
        sequencer.Set(Sample.Uid(4001), Compiled.With(Sample.Uid(4001), route), _parts.Now);
        Compiled.Acknowledge(_parts, "compute2");
        sequencer.Announced([route], _parts.Now);
        sequencer.Set(Sample.Uid(4001), null, _parts.Now);
        sequencer.Withdrawn([route], _parts.Now);
        Assert.False(sequencer.IsQuiet(route.FloatingIP));
        return route.FloatingIP;
    }

    /// <summary>A VirtualRouter "late" with its change row, in this transaction.</summary>
    private static async Task InsertRouterAsync(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        // Without the triggers: they lock the addresses of the infrastructure until the transaction ends, and requests wait for that.
        await using var off = new NpgsqlCommand("SET LOCAL session_replication_role = replica", connection, transaction);
        await off.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var insert = new NpgsqlCommand(
            """
            WITH made AS (
                INSERT INTO virtual_router (uid, name, address, admin_down, labels, annotations, generation, created_at, updated_at)
                VALUES (gen_random_uuid(), 'late', '172.27.115.9', false, '{}', '{}', 1, now(), now()) RETURNING uid, name)
            INSERT INTO change (kind, name, uid, verb, status_only) SELECT $1, name, uid, 1, false FROM made
            """, connection, transaction);
        insert.Parameters.Add(new() { Value = (short)ResourceKind.VirtualRouter });
        await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private async Task LoadAsync()
    {
        await Feed.LoadAsync(TestContext.Current.CancellationToken);
        _parts.Compile();
    }

    private async Task ReadAsync(TimeSpan after)
    {
        _parts.Time.Advance(after);
        await Feed.ReadAsync(_parts.Now, TestContext.Current.CancellationToken);
    }

    /// <summary>What a round of the loop does with the feed; when it asks to be called again.</summary>
    private async Task<NextTick> RoundAsync()
    {
        var next = new NextTick();
        var (_, failure) = await _parts.Get<FeedGate>().ReadAsync(_parts.Now, next, TestContext.Current.CancellationToken);
        (_parts.State.IsFeedAway, _parts.State.FeedReadAt) = (_parts.Get<FeedGate>().IsAway, _parts.Get<FeedGate>().ReadAt);
        failure?.Throw();
        return next;
    }

    /// <summary>Reads until it is so.</summary>
    private Task ReadUntilAsync(Func<bool> condition) => Eventually.TrueAsync(async () =>
    {
        await ReadAsync(TimeSpan.FromMilliseconds(100));
        return condition();
    }, seconds: 30);

    private async Task NetworkAsync(string name) => (await _api.PostAsync("/v1/namespaces/default/external-networks",
        $$"""{"name":"{{name}}","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true}""")).Expect(201);

    private async Task EndpointAsync(string name) => (await _api.PostAsync("/v1/namespaces/default/virtual-machine-interfaces",
        $$"""{"name":"{{name}}","labels":{"app":"web"},"addresses":["10.0.0.{{name[^1]}}"],"virtualRouter":"node1"}""")).Expect(201);

    private async Task ServiceAsync(string name) => (await _api.PostAsync("/v1/namespaces/default/services",
        $$"""{"name":"{{name}}","selector":{"app":"web"},"ports":[{"port":80}]}""")).Expect(201);

    private void Announce(string controlNode, Guid floatingIP)
    {
        // Without the triggers: not every test has a row of the FloatingIP.
        Execute($"BEGIN; SET LOCAL session_replication_role = replica; INSERT INTO advertisement (control_node, floating_ip_uid, routes) VALUES ('{controlNode}', '{floatingIP}', '[\"{Sample.Route(1).Path}\"]'); COMMIT");
        Execute($"INSERT INTO change (kind, name, uid, verb, status_only) VALUES ({(short)ResourceKind.Announcements}, '{controlNode}', '{floatingIP}', 2, true)");
    }

    private void Execute(string sql) => Query<object>(sql);

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(_api.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is T value ? value : default!;
    }
}
