using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>One replica leads; another takes over when its database session ends.</summary>
public sealed class LeadershipTests(PrivatePostgres postgres)
{
    [Fact]
    public async Task Another_replica_leads_when_the_first_one_stops()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var a = new LoopParts(database, "cn-a");
        await using var b = new LoopParts(database, "cn-b");
        using var stopA = new CancellationTokenSource();
        using var stopB = new CancellationTokenSource();
        var runA = a.Get<Leadership>().RunAsync(stopA.Token);
        await UntilAsync(() => a.Get<Leadership>().IsLeading);
        Assert.Equal([new LeaderEvent.LeadershipChanged(true)], a.TakeEvents());

        var runB = b.Get<Leadership>().RunAsync(stopB.Token);
        await Eventually.StaysAsync(
            () =>
            {
                b.Time.Advance(TimeSpan.FromSeconds(1));
                return !b.Get<Leadership>().IsLeading;
            }, "a leads, so b does not", TimeSpan.FromMilliseconds(300));
        await StopAsync(stopA, runA);
        await UntilAsync(() => b.Get<Leadership>().IsLeading, b);
        Assert.Equal([new LeaderEvent.LeadershipChanged(true)], b.TakeEvents());
        await StopAsync(stopB, runB);
    }

    [Fact]
    public async Task A_replica_whose_session_is_cut_ceases_to_lead_and_leads_again()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var parts = new LoopParts(database);
        using var stop = new CancellationTokenSource();
        var run = parts.Get<Leadership>().RunAsync(stop.Token);
        await UntilAsync(() => parts.Get<Leadership>().IsLeading);
        parts.TakeEvents();
        await using (var admin = new NpgsqlConnection(database))
        {
            await admin.OpenAsync(TestContext.Current.CancellationToken);
            await using var cut = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())", admin);
            await cut.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var events = new List<LoopEvent>();
        await UntilAsync(() =>
        {
            events.AddRange(parts.TakeEvents());
            return events.Count == 2;
        }, parts);
        Assert.Equal([new LeaderEvent.LeadershipChanged(false), new LeaderEvent.LeadershipChanged(true)], events);
        await StopAsync(stop, run);
    }

    private static Task UntilAsync(Func<bool> condition, LoopParts? passTime = null) => Eventually.TrueAsync(() =>
    {
        if (condition()) return true;
        passTime?.Time.Advance(TimeSpan.FromSeconds(1));
        return false;
    }, seconds: 30);

    private static async Task StopAsync(CancellationTokenSource stop, Task run)
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }
}
