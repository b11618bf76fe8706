using System.Diagnostics;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Reconcile;

namespace CN2.Api.Tests.Data;

/// <summary>PostgreSQL fails over, is cut off and hangs, with real servers.</summary>
public sealed class SwitchOverTests : IAsyncLifetime
{
    private readonly PostgresCluster _cluster = new();
    private readonly FakeBgpEngine _engine = new();
    private Replica? _api;

    public ValueTask InitializeAsync()
    {
        _cluster.Primary.Query("CREATE DATABASE cn2");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_api is not null) await _api.DisposeAsync();
        _cluster.Dispose();
    }

    [Fact]
    public async Task A_fail_over_to_a_synchronous_standby_loses_no_acknowledged_write_and_refuses_few()
    {
        var first = _cluster.Primary;
        var standby = _cluster.AddStandby("second");
        first.CommitWith("second");
        var api = await StartAsync($"Host=127.0.0.1:{first.Port},127.0.0.1:{standby.Port};Username=postgres;Database=cn2;SSL Mode=Disable;GSS Encryption Mode=Disable");

        const int Clients = 8;
        var clock = Stopwatch.StartNew();
        var killed = TimeSpan.MaxValue;
        var promoted = TimeSpan.MaxValue;
        var firstAfter = TimeSpan.MaxValue;
        var refused = 0;
        var acknowledged = new List<string>();
        var enough = false;
        var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            for (var i = 0; !Volatile.Read(ref enough); i++)
            {
                var name = $"c{client}-{i}";
                var reply = await api.PostAsync("/v1/namespaces", new { name });
                lock (acknowledged)
                {
                    if (reply.Status == 201) acknowledged.Add(name);
                    else Assert.Equal("unavailable", reply.Expect(503).Code);
                    if (reply.Status != 201) refused++;
                    else if (clock.Elapsed > killed && clock.Elapsed < firstAfter) firstAfter = clock.Elapsed;
                }
            }
        }, TestContext.Current.CancellationToken)).ToList();
        await UntilAcknowledgedAsync(acknowledged, 100);

        first.Kill();
        lock (acknowledged) killed = clock.Elapsed;
        standby.Promote();
        promoted = clock.Elapsed;
        await Eventually.TrueAsync(() => { lock (acknowledged) return firstAfter != TimeSpan.MaxValue; }, "a write after the fail-over", 60);
        int before;
        lock (acknowledged) before = acknowledged.Count;
        await UntilAcknowledgedAsync(acknowledged, before + 100);
        Volatile.Write(ref enough, true);
        await Task.WhenAll(clients);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"killed at {killed.TotalSeconds:0.0} s, promoted after {(promoted - killed).TotalSeconds:0.0} s, first write {(firstAfter - promoted).TotalSeconds:0.00} s later, {refused} refused");
        var stored = standby.Query("SELECT name FROM namespace", "cn2").Split('\n').ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], acknowledged.Except(stored));
        // Npgsql's own 10 s would be far beyond this.
        Assert.InRange(firstAfter - promoted, TimeSpan.MinValue, Patience.Seconds(6));
        // Each client waits for one request at a time, and each request for some seconds.
        Assert.InRange(refused, 0, Clients * (1 + (int)((firstAfter - killed) / TimeSpan.FromSeconds(2))));
        await Eventually.TrueAsync(
            () => standby.Query("SELECT count(*) FROM leader_lease WHERE now() BETWEEN renewed_at AND expires_at", "cn2") == "1", "somebody leads at the new primary", 30);
    }

    [Fact]
    public async Task A_request_waits_through_a_short_absence_of_the_database()
    {
        var api = await StartAsync(_cluster.ConnectionString("cn2"));
        (await api.PostAsync("/v1/namespaces", """{"name":"there"}""")).Expect(201);
        _cluster.Switch.Cut();
        var writes = Enumerable.Range(0, 10).Select(i => api.PostAsync("/v1/namespaces", $$"""{"name":"w{{i}}"}""")).ToList();
        var reads = Enumerable.Range(0, 10).Select(_ => api.GetAsync("/v1/namespaces/there")).ToList();
        var list = api.GetAsync("/v1/services");
        await Eventually.StaysAsync(() => !writes.Concat(reads).Append(list).Any(r => r.IsCompleted), "requests wait", TimeSpan.FromSeconds(1));
        _cluster.Switch.Lead(_cluster.Primary.Port);
        foreach (var write in writes) (await write).Expect(201);
        foreach (var read in reads) (await read).Expect(200);
        (await list).Expect(200);
    }

    [Fact]
    public async Task A_write_whose_commit_was_cut_off_is_not_made_again()
    {
        var api = await StartAsync(_cluster.ConnectionString("cn2"));
        var reply = await CutOffDuringCommitAsync(() => api.PostAsync("/v1/namespaces", """{"name":"slow1"}"""));
        Assert.Contains("it may have been made or not", (string?)reply.Expect(503).Json!["detail"], StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/slow1")).Status == 200, seconds: 30);
    }

    [Fact]
    public async Task A_post_with_an_idempotency_key_whose_commit_was_cut_off_answers_what_it_made()
    {
        var api = await StartAsync(_cluster.ConnectionString("cn2"));
        var reply = await CutOffDuringCommitAsync(() => api.PostAsync("/v1/namespaces", """{"name":"slow2"}""", ("Idempotency-Key", "k1")));
        var uid = (string?)reply.Expect(201).Json!["uid"];
        Assert.Equal(uid, (string?)(await api.GetAsync("/v1/namespaces/slow2")).Expect(200).Json!["uid"]);
        Assert.Equal("1", _cluster.Primary.Query("SELECT count(*) FROM change WHERE name = 'slow2'", "cn2"));
    }

    [Fact]
    public async Task While_the_server_hangs_requests_are_refused_soon_and_agents_get_their_tables()
    {
        var api = await StartAsync(_cluster.ConnectionString("cn2"));
        var early = new FakeNode("compute1", "172.27.115.242");
        early.ConnectTo(api.Agents);
        await Eventually.TrueAsync(() => IsConnectedAsync(api), seconds: 30);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.GetAsync("/v1/namespaces"))); // open connections

        _cluster.Primary.Freeze();
        var clock = Stopwatch.StartNew();
        var requests = Enumerable.Range(0, 20).SelectMany(i => new[] { api.GetAsync("/v1/namespaces"), api.PostAsync("/v1/namespaces", $$"""{"name":"n{{i}}"}""") }).ToList();
        var watch = api.GetAsync("/v1/watch?kinds=services");
        early.Reboot();
        var messages = early.Messages;
        early.ConnectTo(api.Agents);
        await Eventually.TrueAsync(() => early.Messages > messages, "the agent has its table while the database hangs", 15);
        var table = clock.Elapsed;
        foreach (var request in requests) Assert.Equal("unavailable", (await request).Expect(503).Code);
        var answered = clock.Elapsed;
        Assert.InRange(answered, TimeSpan.Zero, Patience.Seconds(6)); // 5 s are promised; 4.0 are measured
        Assert.Equal("unavailable", (await watch).Expect(503).Code);
        (await api.GetAsync("/livez")).Expect(200);
        TestContext.Current.TestOutputHelper?.WriteLine($"the agent had its table after {table.TotalSeconds:0.0} s, {requests.Count} requests their 503 after {answered.TotalSeconds:0.0} s");

        _cluster.Primary.Thaw();
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces")).Status == 200, seconds: 30);
        await Eventually.TrueAsync(() => IsConnectedAsync(api), seconds: 30);
    }

    private static async Task<bool> IsConnectedAsync(Replica api) =>
        await api.GetAsync("/v1/virtual-routers/compute1") is { Status: 200 } reply && (bool)reply.Json!["status"]!["connected"]!;

    private async Task<Replica> StartAsync(string connectionString)
    {
        _api = new Replica(connectionString, "cn-a", _engine, TimeProvider.System, []);
        await _api.InitializeAsync();
        await Eventually.TrueAsync(async () => (await _api.GetAsync("/readyz")).Status == 200, seconds: 60);
        return _api;
    }

    /// <summary>Sends a request that creates a Namespace <c>slow…</c> and cuts its connection off while the server commits; another one is possible at once.</summary>
    private async Task<Fixtures.Reply> CutOffDuringCommitAsync(Func<Task<Fixtures.Reply>> send)
    {
        var server = _cluster.Primary;
        server.Query(
            """
            CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'slow%' THEN PERFORM pg_sleep(2); END IF; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON namespace DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
            """, "cn2");
        var sending = send();
        await Eventually.TrueAsync(() => server.Query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ILIKE 'COMMIT%'") == "1", "the server commits", 30);
        _cluster.Switch.Cut();
        _cluster.Switch.Lead(server.Port);
        return await sending;
    }

    private static Task UntilAcknowledgedAsync(List<string> acknowledged, int count) => Eventually.TrueAsync(() => { lock (acknowledged) return acknowledged.Count >= count; }, $"{count} writes", 60);
}
