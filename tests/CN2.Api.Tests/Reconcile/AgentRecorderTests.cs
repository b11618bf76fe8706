using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What agents report reaches the database: at once or merged, and also after the database was away.</summary>
public sealed class AgentRecorderTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private string _connectionString = null!;
    private InterruptibleDatabase _database = null!;
    private LoopParts _parts = null!;
    private Task _run = Task.CompletedTask;

    private AgentRecorder Recorder => _parts.Get<AgentRecorder>();

    public async ValueTask InitializeAsync()
    {
        _connectionString = await postgres.CreateDatabaseAsync();
        _database = await InterruptibleDatabase.OpenAsync(_connectionString);
        _parts = new LoopParts(_database.ConnectionString);
        _run = Recorder.RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        await _parts.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task An_agent_that_connects_and_disconnects_is_written_without_waiting()
    {
        await ConnectAsync("node1");
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == false);
    }

    [Fact]
    public async Task A_node_that_has_vanished_is_written_without_waiting_and_the_end_of_its_stream_changes_nothing()
    {
        await ConnectAsync("node1");
        Recorder.Progress(Progress("node1", applied: 5), atOnce: false, answered: false);
        Recorder.Vanished("node1");
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<bool?>("SELECT vanished_at > last_seen_at AND NOT connected FROM virtual_router_status") == true);
        Recorder.Disconnected("node1");
        Recorder.Connected(Hello("node2", version: "1.0"));
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status") == 2);
        Assert.True(Query<bool?>("SELECT vanished_at > last_seen_at FROM virtual_router_status ORDER BY uid LIMIT 1"));
        Assert.Equal(1, Query<long>("SELECT count(*) FROM event WHERE reason = 'Vanished'"));
        Assert.Equal(0, Query<long>("SELECT count(*) FROM event WHERE reason = 'Disconnected'"));

        // It is back before the database has heard that it was gone.
        Recorder.Vanished("node2");
        Recorder.Connected(Hello("node2", version: "1.0"));
        Recorder.Progress(Progress("node2", applied: 7), atOnce: true, answered: true);
        await Eventually.TrueAsync(() => Query<long>("SELECT max(applied_revision) FROM virtual_router_status WHERE connected") == 7);
    }

    [Fact]
    public async Task Progress_alone_waits_for_the_interval_and_only_the_newest_is_written()
    {
        await ConnectAsync("node1");
        Recorder.Progress(Progress("node1", applied: 5), atOnce: false, answered: false);
        Recorder.Progress(Progress("node1", applied: 6), atOnce: false, answered: true);
        await Eventually.StaysAsync(() => Query<long>("SELECT applied_revision FROM virtual_router_status") == 0, "no time passes", TimeSpan.FromMilliseconds(300));
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await Eventually.TrueAsync(() => Query<long>("SELECT applied_revision FROM virtual_router_status WHERE NOT lost") == 6);
    }

    [Fact]
    public async Task Progress_that_somebody_waits_for_takes_no_other_progress_with_it()
    {
        await ConnectAsync("node1");
        await ConnectAsync("node2");
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 2);
        Recorder.Progress(Progress("node1", applied: 5), atOnce: false, answered: true);
        Recorder.Progress(Progress("node2", applied: 6), atOnce: true, answered: true);
        await Eventually.TrueAsync(() => Query<long>("SELECT max(applied_revision) FROM virtual_router_status") == 6);
        Assert.Equal(0, Query<long>("SELECT min(applied_revision) FROM virtual_router_status"));
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await Eventually.TrueAsync(() => Query<long>("SELECT min(applied_revision) FROM virtual_router_status WHERE NOT lost") == 5);
    }

    [Fact]
    public async Task While_progress_waits_to_be_saved_the_agent_has_been_silent_for_longer()
    {
        await ConnectAsync("node1");
        Recorder.Progress(Progress("node1", applied: 5) with { Silence = TimeSpan.FromMinutes(1) }, atOnce: false, answered: true);
        _parts.Time.Advance(TimeSpan.FromMinutes(10));
        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(AgentRecorder.ProgressInterval); // the recorder may begin to wait only now
            return Query<long>("SELECT applied_revision FROM virtual_router_status") == 5;
        });
        Assert.InRange(Query<TimeSpan>("SELECT now() - last_seen_at FROM virtual_router_status"), TimeSpan.FromMinutes(11), TimeSpan.FromMinutes(15));
    }

    [Fact]
    public async Task Agents_that_only_send_heartbeats_write_no_row_and_one_that_falls_silent_is_written_once()
    {
        string[] names = ["node1", "node2", "node3"];
        foreach (var name in names) Recorder.Connected(Hello(name, "1.0"));
        await HeartbeatsAsync(1, names);
        var rows = Rows();
        for (ulong round = 2; round < 6; round++) await HeartbeatsAsync(round, names);
        Assert.Equal(rows, Rows());

        // node1 says nothing more.
        for (ulong round = 6; Query<bool>("SELECT bool_and(last_seen_at = 'infinity') FROM virtual_router_status"); round++) await HeartbeatsAsync(round, names[1..]);
        Assert.Equal("node1", Query<string>("SELECT string_agg(v.name, ' ') FROM virtual_router v JOIN virtual_router_status s USING (uid) WHERE isfinite(s.last_seen_at) AND s.connected"));
        var silent = Rows();
        await HeartbeatsAsync(100, names[1..]);
        Assert.Equal(silent, Rows());
        await HeartbeatsAsync(101, names);
        Assert.True(Query<bool>("SELECT bool_and(last_seen_at = 'infinity') FROM virtual_router_status"));
    }

    [Fact]
    public async Task An_agent_whose_stream_ends_was_heard_when_it_reported_last()
    {
        await ConnectAsync("node1");
        Recorder.Progress(Progress("node1", applied: 5), atOnce: true, answered: true);
        await Eventually.TrueAsync(() => Query<long>("SELECT applied_revision FROM virtual_router_status") == 5);
        _parts.Time.Advance(TimeSpan.FromSeconds(2));
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == false);
        Assert.True(Query<TimeSpan>("SELECT now() - last_seen_at FROM virtual_router_status") >= TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Of_a_herd_in_which_one_agent_must_wait_the_others_are_saved_once()
    {
        string[] names = ["node1", "node2", "node3", "node4"];
        foreach (var name in names) Recorder.Connected(Hello(name, "1.0"));
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == names.Length, seconds: 30);
        await _database.TakeAwayAsync();
        foreach (var name in names) Recorder.Connected(Hello(name, "2.0"));
        await Eventually.TrueAsync(() => Failures() > 0);
        await using var holder = new NpgsqlConnection(_connectionString);
        await holder.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await holder.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var hold = new NpgsqlCommand("SELECT FROM virtual_router WHERE name = 'node3' FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await _database.GiveBackAsync();
        await Eventually.TrueAsync(() => SavedAnew() == names.Length - 1, seconds: 30);
        var failures = Failures();
        await Eventually.TrueAsync(() => SavedAnew() == names.Length - 1 && Failures() > failures + 1, seconds: 30); // it is tried again and again
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => SavedAnew() == names.Length, seconds: 30);
        Assert.Equal("node1 2, node2 2, node3 2, node4 2", Query<string>("SELECT string_agg(name || ' ' || n, ', ' ORDER BY name) FROM (SELECT name, count(*) AS n FROM event WHERE reason = 'Connected' GROUP BY name) e"));

        long SavedAnew()
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Query<long>("SELECT count(*) FROM virtual_router_status WHERE agent_version = '2.0'");
        }
    }

    [Fact]
    public async Task Progress_that_others_wait_for_is_written_at_once()
    {
        await ConnectAsync("node1");
        Recorder.Progress(Progress("node1", applied: 5), atOnce: true, answered: true);
        await Eventually.TrueAsync(() => Query<long>("SELECT applied_revision FROM virtual_router_status") == 5);
    }

    [Fact]
    public async Task Reports_wait_for_the_database_and_newer_ones_win()
    {
        await ConnectAsync("node1");
        await _database.TakeAwayAsync();
        Recorder.Progress(Progress("node1", applied: 5), atOnce: true, answered: true);
        Recorder.Connected(Hello("node2", version: "1.0"));
        await Eventually.TrueAsync(() => Failures() > 0);
        Recorder.Progress(Progress("node1", applied: 7), atOnce: true, answered: false);
        Recorder.Connected(Hello("node2", version: "2.0"));
        await _database.GiveBackAsync();
        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Query<string>("SELECT string_agg(agent_version || ' ' || applied_revision || ' ' || lost, ',' ORDER BY agent_version) FROM virtual_router_status") == "1.0 7 false,2.0 0 true";
        }, seconds: 30);
    }

    [Fact]
    public async Task Nothing_to_report_writes_nothing()
    {
        await ConnectAsync("node1");
        var changes = Query<long>("SELECT count(*) FROM change");
        for (var i = 0; i < 10; i++) _parts.Time.Advance(AgentRecorder.ProgressInterval);
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == false);
        Assert.Equal(changes + 1, Query<long>("SELECT count(*) FROM change"));
    }

    [Fact]
    public async Task A_hello_that_the_database_refuses_ends_that_agents_connection_and_the_others_are_saved()
    {
        await ConnectAsync("node1");
        var thief = Hello("thief", version: "1.0") with { Address = Hello("node1", "1.0").Address };
        var unstorable = Hello("node3", version: "1\0");
        Recorder.Connected(thief);
        Recorder.Connected(unstorable);
        Recorder.Connected(Hello("node2", version: "1.0"));
        Recorder.Progress(Progress("node1", applied: 5), atOnce: true, answered: true);
        await Eventually.TrueAsync(() =>
        {
            // Npgsql closes the connection on which an automatically prepared statement was refused, so the rest may need a second attempt.
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 2 && Query<long>("SELECT max(applied_revision) FROM virtual_router_status") == 5;
        });
        var ended = _parts.Publisher.Ended.ToDictionary(e => e.Hello.Name, e => e.Reason);
        Assert.Equal(["node3", "thief"], ended.Keys.Order());
        Assert.Contains("is in use by another VirtualRouter", ended["thief"], StringComparison.Ordinal);
        Assert.Contains("the database takes no such agent", ended["node3"], StringComparison.Ordinal);
        // A node that dies is noticed.
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 1);
        Assert.Contains(_parts.TakeEvents(), e => e is AgentEvent.Recorded { Name: "node2" });
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 24)]
    public async Task A_herd_of_new_agents_is_saved_in_few_transactions_also_with_bad_ones_among_them(bool withBad, int transactions)
    {
        var hellos = Enumerable.Range(0, 100).Select(i => new VRouterHello($"node{i}", IPAddress.Parse($"172.27.116.{i}"), null, "1.0")).ToList();
        if (withBad) (hellos[7], hellos[8]) = (hellos[7] with { AgentVersion = "2\0" }, hellos[8] with { Address = hellos[50].Address });
        await _database.TakeAwayAsync();
        foreach (var hello in hellos) Recorder.Connected(hello);
        await Eventually.TrueAsync(() => Failures() > 0);
        await _database.GiveBackAsync();
        var good = hellos.Count - (withBad ? 2 : 0);
        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == good;
        }, seconds: 30);
        Assert.InRange(Query<long>("SELECT count(DISTINCT xid) FROM change"), 1, transactions);
        Assert.Equal(good, Query<long>("SELECT count(*) FROM event WHERE reason = 'Connected'"));
        await Eventually.TrueAsync(() => _parts.Publisher.Ended.Count == hellos.Count - good);
        Assert.Equal(withBad, _parts.Publisher.Ended.Any(e => e.Reason.Contains("in use by another VirtualRouter", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 12)]
    public async Task A_herd_of_agents_that_are_known_is_saved_in_few_transactions_also_with_a_bad_one_among_them(bool withBad, int transactions)
    {
        var hellos = Enumerable.Range(0, 40).Select(i => new VRouterHello($"node{i}", IPAddress.Parse($"172.27.116.{i}"), null, "1.0")).ToList();
        foreach (var hello in hellos) Recorder.Connected(hello);
        await RecordedAsync(hellos.Count);
        await _database.TakeAwayAsync();
        foreach (var hello in hellos) Recorder.Connected(hello with { AgentVersion = withBad && hello == hellos[7] ? "2\0" : "2.0" });
        await Eventually.TrueAsync(() => Failures() > 0);
        var before = Query<long>("SELECT coalesce(max(id), 0) FROM change");
        await _database.GiveBackAsync();
        var good = hellos.Count - (withBad ? 1 : 0);
        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Query<long>("SELECT count(*) FROM virtual_router_status WHERE agent_version = '2.0'") == good;
        }, seconds: 30);
        Assert.InRange(Query<long>($"SELECT count(DISTINCT xid) FROM change WHERE id > {before}"), 1, transactions);
        await Eventually.TrueAsync(() => _parts.Publisher.Ended.Count == hellos.Count - good);
        await RecordedAsync(good);

        // The rows are seen before the events come.
        Task RecordedAsync(int number)
        {
            var recorded = new HashSet<string>();
            return Eventually.TrueAsync(() =>
            {
                recorded.UnionWith(_parts.TakeEvents().OfType<AgentEvent.Recorded>().Select(e => e.Name));
                return recorded.Count == number;
            }, seconds: 30);
        }
    }

    [Fact]
    public async Task One_report_that_the_database_refuses_is_left_out_and_the_others_are_saved()
    {
        await ConnectAsync("node1");
        Recorder.Connected(Hello("node2", "1.0"));
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 2);
        Recorder.Progress(Progress("node1", applied: 5) with { Message = "a\0b" }, atOnce: true, answered: true);
        var (bad, good) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        Query<long>(
            $$"""
             WITH made AS (
                 INSERT INTO virtual_machine_interface (uid, namespace, name, labels, annotations, generation, created_at, updated_at, virtual_router, addresses, ready, health)
                 SELECT u, 'default', r, '{}', '{}', 1, now(), now(), r, '{}', true, 'Unknown' FROM (VALUES ('{{bad}}'::uuid, 'node1'), ('{{good}}'::uuid, 'node2')) t (u, r) RETURNING 1)
             SELECT count(*) FROM made
             """);
        Recorder.Health([new EndpointHealthReport(bad, "node1", "Healthy", "a\0b"), new EndpointHealthReport(good, "node2", "Healthy", "fine")]);
        Recorder.Progress(Progress("node2", applied: 6), atOnce: true, answered: true);
        await Eventually.TrueAsync(() => Query<long>("SELECT max(applied_revision) FROM virtual_router_status") == 6);
        await Eventually.TrueAsync(() => _parts.Log.Lines.Count(l => l.Text.Contains("and it is left out", StringComparison.Ordinal)) == 2);
        await Eventually.TrueAsync(() => Query<string>("SELECT string_agg(health, ' ' ORDER BY name) FROM virtual_machine_interface") == "Unknown Healthy");
        Recorder.Disconnected("node2");
        await Eventually.TrueAsync(() => Query<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 1);
        Assert.DoesNotContain(_parts.Log.Lines, l => l.Text.StartsWith("What agents report could not be saved yet", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_its_database_a_replica_sends_each_agent_to_another_one_once()
    {
        await ConnectAsync("node1");
        await _database.TakeAwayAsync();
        await PassAsync(AgentRelocation.DatabaseAwayAfter * 2);
        Assert.Empty(Ended()); // there is no other one

        _parts.Get<AgentRelocation>().Found(others: 1);
        await PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(["node1"], Ended());
        Recorder.Connected(Hello("node1", "1.0"));
        Recorder.Connected(Hello("node2", "1.0"));
        await PassAsync(AgentRelocation.DatabaseAwayAfter * 2);
        Assert.Equal(["node1", "node2"], Ended());
    }

    [Fact]
    public async Task A_row_that_says_that_an_agent_is_here_that_has_left_is_put_right()
    {
        await ConnectAsync("node1");
        Recorder.Disconnected("node1");
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == false);

        // A fail-over of the database has lost that, and the loop reads the row of before.
        Query<object>("UPDATE virtual_router_status SET connected = true");
        _parts.Get<ResourceChanges>().Put(Sample.Router("node1") with { ControlNode = "cn-a", Connected = true });
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == false);
    }

    /// <summary>Lets time pass in steps, in each of which something is to be written.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += AgentRecorder.ProgressInterval)
        {
            Recorder.Progress(Progress("node1", applied: 5), atOnce: true, answered: true);
            var failures = Failures();
            await Eventually.TrueAsync(() =>
            {
                _parts.Time.Advance(AgentRecorder.ProgressInterval);
                return Failures() > failures;
            });
        }
    }

    /// <summary>A second later agents report the same as before, and one more agent reports this revision, so that it is seen when all is saved.</summary>
    private async Task HeartbeatsAsync(ulong round, params string[] names)
    {
        if (round == 1) Recorder.Connected(Hello("others", "1.0"));
        foreach (var name in names) Recorder.Progress(Progress(name, applied: 5), atOnce: false, answered: true);
        Recorder.Progress(Progress("others", applied: round), atOnce: false, answered: true);
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await Eventually.TrueAsync(() => Query<long>("SELECT applied_revision FROM virtual_router_status s JOIN virtual_router v USING (uid) WHERE v.name = 'others'") == (long)round);
    }

    /// <summary>The version of each row but the one of <see cref="HeartbeatsAsync"/>.</summary>
    private string Rows() => Query<string>("SELECT string_agg(s.ctid::text || s.xmin::text || s.xmax::text, ' ' ORDER BY s.uid) FROM virtual_router_status s JOIN virtual_router v USING (uid) WHERE v.name <> 'others'");

    private int Failures() => _parts.Log.Lines.Count(l => l.Text.StartsWith("What agents report could not be saved yet", StringComparison.Ordinal));

    private List<string> Ended()
    {
        lock (_parts.Publisher.Ended) return [.. _parts.Publisher.Ended.Select(e => e.Hello.Name)];
    }

    private async Task ConnectAsync(string name)
    {
        Recorder.Connected(Hello(name, "1.0"));
        await Eventually.TrueAsync(() => Query<bool?>("SELECT connected FROM virtual_router_status") == true, seconds: 30);
    }

    private static VRouterHello Hello(string name, string version) => new(name, IPAddress.Parse($"172.27.115.{(int)name[^1]}"), null, version);

    private static VirtualRouterProgress Progress(string name, ulong applied) => new(name, TimeSpan.Zero, applied, applied, null, "1.0", null);

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(_connectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is T value ? value : default!;
    }
}
