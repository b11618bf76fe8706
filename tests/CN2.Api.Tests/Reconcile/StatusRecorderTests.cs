using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>How statuses are written: times of conditions, events, and nothing when nothing differs.</summary>
public sealed class StatusRecorderTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>, IAsyncLifetime
{
    private static int _count;
    private readonly CancellationTokenSource _stop = new();
    private LoopParts _parts = null!;
    private Task _run = Task.CompletedTask;
    private int _written;

    public ValueTask InitializeAsync()
    {
        _parts = new LoopParts(api.ConnectionString);
        _run = _parts.Get<StatusRecorder>().RunAsync(_stop.Token);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        await _parts.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_condition_keeps_its_time_until_its_status_changes()
    {
        var uid = await ServiceAsync();
        await WriteAsync(Draft(uid, ("Programmed", "False", "AwaitingVirtualRouters"), ("Ready", "False", "NoEndpoints")));
        var first = Times(uid);
        Assert.Equal("2030-01-01T00:00:00.000Z 2030-01-01T00:00:00.000Z", first);
        _parts.Time.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync(Draft(uid, ("Programmed", "True", "Programmed"), ("Ready", "False", "NoPeer")));
        Assert.Equal("2030-01-01T00:01:00.000Z 2030-01-01T00:00:00.000Z", Times(uid));
    }

    [Fact]
    public async Task An_equal_status_is_not_written()
    {
        var uid = await ServiceAsync();
        await WriteAsync(Draft(uid, ("Ready", "True", "Ready")));
        var changes = Query<long>("SELECT max(id) FROM change");
        _parts.Time.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync(Draft(uid, ("Ready", "True", "Ready")));
        Assert.Equal(changes, Query<long>("SELECT max(id) FROM change"));
    }

    [Fact]
    public async Task A_condition_that_changes_is_an_event_and_of_a_first_status_only_the_address()
    {
        var uid = await ServiceAsync();
        var before = Query<long>("SELECT coalesce(max(id), 0) FROM event");
        await WriteAsync(Draft(uid, ("Allocated", "True", "Allocated"), ("Ready", "False", "NoEndpoints")));
        await WriteAsync(Draft(uid, ("Allocated", "True", "Allocated"), ("Ready", "True", "Ready")));
        await WriteAsync(Draft(uid, ("Allocated", "True", "Allocated"), ("Ready", "False", "NoPeer")) with { IsNews = false });
        Assert.Equal("Normal Allocated,Normal Ready", Query<string>($"SELECT string_agg(type || ' ' || reason, ',' ORDER BY id) FROM event WHERE id > {before}"));
    }

    [Fact]
    public async Task A_status_of_something_that_is_gone_is_left_out()
    {
        var uid = await ServiceAsync();
        await WriteAsync(Draft(Guid.CreateVersion7(), ("Ready", "True", "Ready")), Draft(uid, ("Ready", "True", "Ready")));
        Assert.NotNull(Times(uid));
    }

    [Fact]
    public async Task A_status_that_cannot_be_written_never_stops_the_others()
    {
        Guid[] uids = [await ServiceAsync(), await ServiceAsync(), await ServiceAsync()];
        await WriteAsync([.. uids.Select((uid, i) => Draft(uid, ("Ready", "True", i == 1 ? "NUL\0" : "Ready")))]);
        Assert.NotNull(Times(uids[0]));
        Assert.Null(Times(uids[1]));
        Assert.NotNull(Times(uids[2]));
        Assert.Contains(uids[1].ToString(), Assert.Single(_parts.Log.Errors).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_whose_row_a_transaction_holds_is_written_later_and_never_stops_the_others()
    {
        Guid[] uids = [await ServiceAsync(), await ServiceAsync(), await ServiceAsync()];
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using (var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken))
        await using (await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var hold = new NpgsqlCommand($"SELECT FROM service WHERE uid = '{uids[1]}' FOR UPDATE", connection);
            await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await WriteAsync([.. uids.Select(uid => Draft(uid, ("Ready", "True", "Ready")))]);
            Assert.NotNull(Times(uids[0]));
            Assert.Null(Times(uids[1]));
            Assert.NotNull(Times(uids[2]));
            // A newer one takes its place.
            await WriteAsync(Draft(uids[1], ("Ready", "True", "Ready"), ("Zone", "True", "Zone")));
            Assert.Null(Times(uids[1]));
        }

        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return Times(uids[1]) is { } times && times.Contains(' ');
        }, seconds: 30);
    }

    [Fact]
    public async Task While_a_table_is_locked_statuses_wait_and_then_all_are_written()
    {
        Guid[] uids = [.. await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ServiceAsync()))];
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using (var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken))
        await using (await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var hold = new NpgsqlCommand("LOCK TABLE service_status IN SHARE MODE", connection);
            await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await WriteAsync([.. uids.Select(uid => Draft(uid, ("Ready", "True", "Ready")))]);
            Assert.All(uids, uid => Assert.Null(Times(uid)));
        }

        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
            return uids.All(uid => Times(uid) is not null);
        }, seconds: 30);
    }

    [Fact]
    public async Task A_written_status_that_is_no_object_is_replaced()
    {
        var uid = await ServiceAsync();
        await WriteAsync(Draft(uid, ("Ready", "True", "Ready")));
        Query<int?>($"UPDATE service_status SET document = '[]' WHERE uid = '{uid}'");
        await WriteAsync(Draft(uid, ("Ready", "False", "NoEndpoints")));
        Assert.NotNull(Times(uid));
    }

    [Fact]
    public async Task What_was_drafted_before_another_replica_took_the_leadership_is_not_written()
    {
        var uid = await ServiceAsync();
        await WriteAsync(Draft(uid, ("Ready", "True", "Ready")));
        var changes = Query<long>("SELECT max(id) FROM change");
        await using (var other = new LoopParts(api.ConnectionString)) // started again under the same name: it takes the lease at once
        {
            await other.LeadAsync();
            _parts.Get<StatusRecorder>().Post([Draft(uid, ("Ready", "False", "NoEndpoints"))]);
            await Eventually.TrueAsync(() => HasWritten(_parts), seconds: 30);
        }

        Assert.Equal(changes, Query<long>("SELECT max(id) FROM change"));
    }

    [Fact]
    public async Task What_the_database_did_not_take_because_its_clock_was_set_is_written_again()
    {
        var store = new LeaselessOnce();
        await using var parts = new LoopParts(api.ConnectionString, replace: services => services.AddSingleton<IStatusStore>(store));
        parts.Get<HeldLease>().Set(new LeaderLease(Guid.NewGuid(), 1), parts.Time.GetTimestamp());
        using var stop = new CancellationTokenSource();
        var run = parts.Get<StatusRecorder>().RunAsync(stop.Token);
        parts.Get<StatusRecorder>().Post([Draft(Guid.NewGuid(), ("Ready", "True", "Ready"))]);
        await Eventually.TrueAsync(() => HasWritten(parts), seconds: 30);
        Assert.Equal(2, store.Writes);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    /// <summary>Lets time pass: what was not taken is tried again until it is, or the lease is over.</summary>
    private static bool HasWritten(LoopParts parts)
    {
        parts.Time.Advance(TimeSpan.FromMilliseconds(50));
        return parts.TakeEvents().OfType<LeaderEvent.StatusesWritten>().Any();
    }

    private async Task<Guid> ServiceAsync() =>
        (Guid)(await api.PostAsync("/v1/namespaces/default/services", $$"""{"name":"s{{Interlocked.Increment(ref _count)}}","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201).Json!["uid"]!;

    private static StatusDraft Draft(Guid uid, params (string Type, string Status, string Reason)[] conditions) => new(
        ResourceKind.Service, uid,
        ApiJson.Bytes(new JsonObject
        {
            ["conditions"] = new JsonArray([.. conditions.Select(c => new JsonObject { ["type"] = c.Type, ["status"] = c.Status, ["reason"] = c.Reason, ["message"] = "So." })]),
        }),
        IsNews: true);

    private async Task WriteAsync(params StatusDraft[] drafts)
    {
        await _parts.LeadAsync();
        _parts.Get<StatusRecorder>().Post(drafts);
        var expected = _written + 1;
        await Eventually.TrueAsync(() => (_written += _parts.TakeEvents().OfType<LeaderEvent.StatusesWritten>().Count()) == expected, seconds: 30);
    }

    private string? Times(Guid uid) => Query<string?>(
        $"SELECT (SELECT string_agg(c ->> 'lastTransitionTime', ' ' ORDER BY c ->> 'type') FROM service_status s, jsonb_array_elements(s.document -> 'conditions') c WHERE s.uid = '{uid}')");

    private T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(api.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is T value ? value : default!;
    }

    /// <summary>By its clock the lease is not held the first time.</summary>
    private sealed class LeaselessOnce : IStatusStore
    {
        public int Writes { get; private set; }

        public Task<Dictionary<Guid, string>> ReadAsync(ResourceKind kind, IReadOnlyCollection<Guid> uids, CancellationToken ct) => Task.FromResult(new Dictionary<Guid, string>());

        public Task<bool> WriteAsync(
            LeaderLease lease, ResourceKind kind, IReadOnlyCollection<KeyValuePair<Guid, string>> documents, IReadOnlyCollection<StatusEvent> events, CancellationToken ct) =>
            Task.FromResult(++Writes > 1);
    }
}
