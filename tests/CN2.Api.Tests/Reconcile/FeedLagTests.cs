using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A transaction that somebody left open is named: in the log, in the metric, and by GET /v1/control-nodes.</summary>
public sealed class FeedLagTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private ApiServerWithoutReconciler _api = null!;
    private LoopParts _parts = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FeedLag Lag => _parts.Get<FeedLag>();

    public async ValueTask InitializeAsync()
    {
        _api = new ApiServerWithoutReconciler(postgres);
        await _api.InitializeAsync();
        _parts = new LoopParts(_api.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _parts.DisposeAsync();
        await _api.DisposeAsync();
    }

    /// <summary>The role sees of other roles' sessions that they have a transaction, and not since when.</summary>
    [Fact]
    public async Task A_transaction_that_another_role_left_open_in_another_database_is_named()
    {
        await using var connection = new NpgsqlConnection(await postgres.CreateDatabaseAsync());
        await connection.OpenAsync(Token);
        await using (var role = new NpgsqlCommand("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unprivileged') THEN CREATE ROLE unprivileged LOGIN; END IF; END $$", connection))
            await role.ExecuteNonQueryAsync(Token);
        await using var open = await connection.BeginTransactionAsync(Token);
        await using (var assign = new NpgsqlCommand("SELECT pg_current_xact_id()", connection, open)) await assign.ExecuteScalarAsync(Token);
        var name = $"pid {connection.ProcessID} of database {connection.Database}";

        await using var unprivileged = new LoopParts(new NpgsqlConnectionStringBuilder(_api.ConnectionString) { Username = "unprivileged" }.ConnectionString);
        var store = unprivileged.Get<ControlNodeStore>();
        // Transactions of other tests may be older; they end.
        await Eventually.TrueAsync(async () => (await store.OldestTransactionAsync(Token))?.Name == name);
        var oldest = await store.OldestTransactionAsync(Token);
        Assert.Null(oldest!.Open);
        Lag.Follow(oldest);
        Assert.Null(Lag.Current);
        _parts.Time.Advance(FeedLag.Threshold);
        Lag.Follow(await store.OldestTransactionAsync(Token));
        Lag.Follow(await store.OldestTransactionAsync(Token));
        Assert.Equal(new HeldFeed(name, 30), Lag.Current);
        Assert.Single(_parts.Log.Lines, l => l.Text.Contains(name, StringComparison.Ordinal));

        await _parts.Get<ControlNodeStore>().BeatAsync(_parts.Get<SelfDescription>().Now(0), null, [], Token);
        var feed = (await _api.GetAsync("/v1/control-nodes/cn-a")).Expect(200).Json!["status"]!["feed"]!;
        Assert.Equal((name, 30.0), ((string?)feed["heldBackBy"], (double)feed["behindSeconds"]!));

        await open.CommitAsync(Token);
        await Eventually.TrueAsync(async () => (await store.OldestTransactionAsync(Token))?.Name != name);
        Lag.Follow(await store.OldestTransactionAsync(Token));
        await _parts.Get<ControlNodeStore>().BeatAsync(_parts.Get<SelfDescription>().Now(0), null, [], Token);
        feed = (await _api.GetAsync("/v1/control-nodes/cn-a")).Expect(200).Json!["status"]!["feed"]!;
        Assert.Equal((null, 0.0), ((string?)feed["heldBackBy"], (double)feed["behindSeconds"]!));
    }

    [Fact]
    public void The_age_that_the_database_tells_counts_and_short_transactions_one_after_another_are_nobody()
    {
        Lag.Follow(new OpenTransaction("pid 1 of database a", "700", TimeSpan.FromSeconds(45)));
        Assert.Equal(new HeldFeed("pid 1 of database a", 45), Lag.Current);
        foreach (var xid in Enumerable.Range(701, 100))
        {
            _parts.Time.Advance(TimeSpan.FromSeconds(2));
            Lag.Follow(new OpenTransaction("pid 2 of database a", $"{xid}", null));
            Assert.Null(Lag.Current);
        }
    }
}
