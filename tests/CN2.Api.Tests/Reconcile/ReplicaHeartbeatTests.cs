using CN2.Api.Reconcile;
using CN2.Api.Tests.Drivers.GoBgp;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a replica learns about itself and the others with each heartbeat.</summary>
public sealed class ReplicaHeartbeatTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(LoopParts Parts, Task Run)> _replicas = [];
    private string _database = null!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var (parts, run) in _replicas)
        {
            await run.ContinueWith(_ => { }, TaskScheduler.Default);
            await parts.DisposeAsync();
        }

        _stop.Dispose();
    }

    [Fact]
    public async Task A_replica_is_alone_until_another_one_beats_and_then_introduces_itself_once()
    {
        var a = await StartAsync("cn-a");
        Assert.Equal((false, false, false), Facts(await NextAsync(a)));
        var b = await StartAsync("cn-b");
        Assert.Equal((true, true, false), Facts(await NextAsync(b)));
        Assert.Equal((true, true, false), Facts(await NextAsync(a)));
        Assert.Equal((true, false, false), Facts(await NextAsync(a)));
    }

    [Fact]
    public async Task A_replica_that_was_not_seen_for_GoneAfter_is_gone_by_the_databases_clock()
    {
        var (a, _) = (await StartAsync("cn-a"), await StartAsync("cn-b"));
        await NextAsync(a, v => v.HasOthers);
        Execute("UPDATE control_node SET last_seen_at = now() - interval '3 s' WHERE name = 'cn-b'");
        Assert.True((await NextAsync(a)).HasOthers);
        Execute("UPDATE control_node SET last_seen_at = now() - interval '7 s' WHERE name = 'cn-b'");
        Assert.False((await NextAsync(a)).HasOthers);
    }

    [Fact]
    public async Task A_replica_counts_as_one_that_takes_agents_once_it_has_read_everything_however_often_it_tries()
    {
        var (a, b) = (await StartAsync("cn-a"), await StartAsync("cn-b"));
        Assert.Equal(0, (await NextAsync(a, v => v.HasOthers)).OthersTakingAgents);
        await b.Get<ReplicaHeartbeat>().EnterAsync(TestContext.Current.CancellationToken);
        Assert.False(Query<bool>("SELECT takes_agents FROM control_node WHERE name = 'cn-b'"));
        b.Get<AgentRelocation>().Loaded();
        await UntilAsync(1);
        b.Get<AgentRelocation>().Relieve(agents: 0, isFeedAway: true);
        await UntilAsync(0);

        Task UntilAsync(int others) => Eventually.TrueAsync(() =>
        {
            foreach (var replica in (LoopParts[])[a, b]) replica.Time.Advance(TimeSpan.FromMilliseconds(100));
            return a.TakeEvents().OfType<ReplicaView>().LastOrDefault() is { HasOthers: true } view && view.OthersTakingAgents == others;
        }, seconds: 30);
    }

    [Fact]
    public async Task A_replica_that_was_removed_as_gone_writes_its_rows_again()
    {
        var (a, _) = (await StartAsync("cn-a"), await StartAsync("cn-b"));
        await NextAsync(a, v => v.HasOthers);
        await NextAsync(a);
        Execute("DELETE FROM control_node WHERE name = 'cn-a'");
        Assert.Equal((true, true, true), Facts(await NextAsync(a)));
        // Until it has read its rows, because an answer may be lost.
        Assert.Equal((true, true, true), Facts(await NextAsync(a)));
        await ReadRowsAsync(a);
        Assert.Equal((true, false, false), Facts(await NextAsync(a, v => !v.RowsLost)));
    }

    [Fact]
    public async Task A_replica_that_was_removed_as_gone_writes_its_sessions_again_also_when_none_changes()
    {
        var (a, _) = (await StartAsync("cn-a"), await StartAsync("cn-b"));
        await NextAsync(a, v => v.HasOthers);
        await EstablishAsync(a);
        Execute("DELETE FROM control_node WHERE name = 'cn-a'");
        await Eventually.TrueAsync(
            () =>
            {
                a.Time.Advance(TimeSpan.FromMilliseconds(100));
                return EstablishedRows() == 1;
            }, seconds: 30);
    }

    [Fact]
    public async Task Sessions_reach_the_others_as_soon_as_they_change()
    {
        var (a, b) = (await StartAsync("cn-a"), await StartAsync("cn-b"));
        await NextAsync(b, v => v.HasOthers);
        await EstablishAsync(a); // no time passes for a
        var view = await NextAsync(b);
        Assert.Equal("cn-a", Assert.Single(view.Sessions).Key);
        Assert.True(Assert.Single(view.Sessions["cn-a"]).IsEstablished);
    }

    [Fact]
    public async Task The_largest_restart_time_of_the_peers_is_written()
    {
        var a = await StartAsync("cn-a");
        await NextAsync(a);
        a.Get<ReplicaHeartbeat>().SetRestartTime(120);
        await NextAsync(a);
        Assert.Equal(120, Query<int>("SELECT restart_time_seconds FROM control_node WHERE name = 'cn-a'"));
    }

    [Fact]
    public async Task A_heartbeat_after_a_failed_one_still_reports_lost_rows()
    {
        var database = await InterruptibleDatabase.OpenAsync(_database);
        var a = await StartAsync("cn-a", database.ConnectionString);
        await NextAsync(a);
        await database.TakeAwayAsync();
        await Eventually.TrueAsync(() =>
        {
            a.Time.Advance(TimeSpan.FromSeconds(2));
            return a.Log.Lines.Any(l => l.Text.StartsWith("This replica could not write that it is alive", StringComparison.Ordinal));
        }, seconds: 30);
        await database.GiveBackAsync();
        // Before the row goes: a heartbeat that waited for the database may find it gone at once.
        a.TakeEvents();
        Execute("DELETE FROM control_node WHERE name = 'cn-a'");
        Assert.True((await NextAsync(a, v => v.RowsLost)).RowsLost);
    }

    /// <summary>Its session with vmx1 is up, and the database says so.</summary>
    private async Task EstablishAsync(LoopParts replica)
    {
        await replica.Speaker.StartAsync(TestContext.Current.CancellationToken);
        await replica.Speaker.SetPeersAsync([Spec.Peer("vmx1", 245)], TestContext.Current.CancellationToken);
        replica.Speaker.Establish("vmx1");
        await Eventually.TrueAsync(() => EstablishedRows() == 1);
    }

    private long EstablishedRows() => Query<long>("SELECT count(*) FROM control_node WHERE sessions -> 'vmx1' ->> 'state' = 'Established'");

    /// <summary>As a control node starts: it reads its rows after its first heartbeat.</summary>
    private async Task<LoopParts> StartAsync(string name, string? connectionString = null)
    {
        var parts = new LoopParts(connectionString ?? _database, name);
        await parts.Get<ReplicaHeartbeat>().EnterAsync(TestContext.Current.CancellationToken);
        await ReadRowsAsync(parts);
        _replicas.Add((parts, parts.Get<ReplicaHeartbeat>().RunAsync(_stop.Token)));
        return parts;
    }

    private static async Task ReadRowsAsync(LoopParts replica) =>
        await replica.Get<IAnnouncementStore>().LoadAsync(replica.Get<ReplicaHeartbeat>().ControlNode, TestContext.Current.CancellationToken);

    private static (bool HasOthers, bool MustIntroduce, bool RowsLost) Facts(ReplicaView view) => (view.HasOthers, view.MustIntroduce, view.RowsLost);

    /// <summary>The view of the next beat (of the first that is as expected); time passes only when there is none yet.</summary>
    private static async Task<ReplicaView> NextAsync(LoopParts replica, Func<ReplicaView, bool>? expected = null)
    {
        ReplicaView? view = null;
        await Eventually.TrueAsync(() =>
        {
            while (replica.Get<LoopInbox>().TryTake(out var next))
            {
                view = next as ReplicaView;
                if (view is not null && expected?.Invoke(view) != false) return true;
            }

            replica.Time.Advance(TimeSpan.FromMilliseconds(100));
            return false;
        }, seconds: 30);
        return view!;
    }

    private void Execute(string sql) => Query<object>(sql);

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(_database);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is T value ? value : default!;
    }
}
