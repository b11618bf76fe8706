using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>One replica leads, and another takes over when it stops, hangs or is cut off. Each replica has a clock of its own; PostgreSQL's is real.</summary>
public sealed class LeadershipTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private string _database = null!;
    private LoopParts _a = null!;
    private LoopParts _b = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _a = new LoopParts(_database, "cn-a");
        _b = new LoopParts(_database, "cn-b");
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public async Task Another_replica_leads_at_once_when_the_first_one_stops()
    {
        using var stop = new CancellationTokenSource();
        var run = _a.Get<Leadership>().RunAsync(stop.Token);
        await Eventually.TrueAsync(() => IsLeading(_a));
        Assert.Equal([new LeaderEvent.LeadershipChanged(true)], _a.TakeEvents());
        await StepAsync(_b);
        Assert.False(IsLeading(_b));

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await StepAsync(_b);
        Assert.True(IsLeading(_b));
        Assert.Equal([new LeaderEvent.LeadershipChanged(true)], _b.TakeEvents());
    }

    [Fact]
    public async Task A_leader_that_was_stopped_does_nothing_before_it_has_renewed_its_lease()
    {
        await StepAsync(_a);
        _a.TakeEvents();
        _a.Time.Advance(HeldLease.Validity);
        Assert.Null(_a.Get<HeldLease>().Current);

        await StepAsync(_a); // nobody took it meanwhile
        Assert.True(IsLeading(_a));
        // What it was about to do is forgotten, and everything is drafted anew.
        Assert.Equal([new LeaderEvent.LeadershipChanged(false), new LeaderEvent.LeadershipChanged(true)], _a.TakeEvents());
    }

    [Fact]
    public async Task A_leader_that_was_stopped_for_long_finds_that_another_replica_leads()
    {
        await StepAsync(_a);
        var stale = _a.Get<HeldLease>().Current!.Value;
        await LetTheLeaseRunOutAsync();
        await StepAsync(_b);
        Assert.True(IsLeading(_b));

        // It goes on in the middle of a duty: the database refuses.
        Assert.False(await IsHeldAsync(stale));
        Assert.True(await IsHeldAsync(_b.Get<HeldLease>().Current!.Value));
        _a.TakeEvents();
        await StepAsync(_a);
        Assert.False(IsLeading(_a));
        Assert.Equal([new LeaderEvent.LeadershipChanged(false)], _a.TakeEvents());
    }

    [Fact]
    public async Task A_leader_that_stops_is_replaced_although_the_clock_of_the_database_was_set_back()
    {
        await StepAsync(_a);
        // As if it had been renewed before the clock went back: it is not over for an hour.
        await QueryAsync<long>("WITH l AS (UPDATE leader_lease SET renewed_at = renewed_at - interval '1 minute', expires_at = expires_at + interval '1 hour' RETURNING 1) SELECT count(*) FROM l");
        for (var look = 0; look < 10 && !IsLeading(_b); look++)
        {
            await StepAsync(_b);
            _b.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(IsLeading(_b));
    }

    [Fact]
    public async Task A_replica_that_was_stopped_itself_does_not_take_the_lease_of_a_leader_that_renews_it()
    {
        await StepAsync(_a);
        await StepAsync(_b);
        await StepAsync(_b);
        _b.Time.Advance(TimeSpan.FromMinutes(1));
        await StepAsync(_b);
        await StepAsync(_a);
        for (var look = 0; look < 10; look++)
        {
            await StepAsync(_b);
            await StepAsync(_a);
            _b.Time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.False(IsLeading(_b));
        Assert.True(IsLeading(_a));
    }

    [Fact]
    public async Task A_control_node_that_is_started_again_leads_at_once()
    {
        await StepAsync(_a);
        await using var again = new LoopParts(_database, "cn-a");
        await StepAsync(again);
        Assert.True(IsLeading(again));
        await StepAsync(_a); // a second process of one name does not take it back
        Assert.False(IsLeading(_a));
        await StepAsync(_a);
        Assert.False(IsLeading(_a));
    }

    [Fact]
    public async Task After_a_jump_of_the_databases_clock_nobody_counts_as_away_for_a_while()
    {
        await StepAsync(_a);
        _a.Time.Advance(TimeSpan.FromSeconds(2)); // the database's has not moved: relative to this one it was set back by 2 s
        await StepAsync(_a);
        Assert.Equal(TimeSpan.Zero, _a.Get<HeldLease>().InContact);
        Assert.True(IsLeading(_a));
    }

    [Fact]
    public async Task A_replica_that_was_without_the_database_waits_before_it_says_who_is_away()
    {
        await StepAsync(_a);
        _a.Time.Advance(TimeSpan.FromSeconds(0.5));
        await StepAsync(_a);
        Assert.Equal(TimeSpan.FromSeconds(0.5), _a.Get<HeldLease>().InContact);
        _a.Time.Advance(LeaderLeaseStore.Duration);
        Assert.Equal(TimeSpan.Zero, _a.Get<HeldLease>().InContact);
        await StepAsync(_a);
        _a.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), _a.Get<HeldLease>().InContact);
    }

    private static bool IsLeading(LoopParts replica) => replica.Get<HeldLease>().IsLeading;

    private static Task<TimeSpan> StepAsync(LoopParts replica) => replica.Get<Leadership>().StepAsync(TestContext.Current.CancellationToken);

    private Task<long> LetTheLeaseRunOutAsync() =>
        QueryAsync<long>("WITH l AS (UPDATE leader_lease SET renewed_at = renewed_at - interval '7 seconds', expires_at = expires_at - interval '7 seconds' RETURNING 1) SELECT count(*) FROM l");

    private Task<bool> IsHeldAsync(LeaderLease lease) => QueryAsync<bool>($"SELECT {LeaderLease.IsHeld($"'{lease.Run}'", $"{lease.Fence}")}");

    private async Task<T> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
