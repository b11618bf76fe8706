using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Whose turn it is to open a new session with a router.</summary>
public sealed class SessionTurnsTests(PrivatePostgres postgres)
{
    private const string Router = "172.27.115.245", OtherRouter = "172.27.115.246";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_turn_is_one_control_nodes_until_it_is_given_back_or_runs_out()
    {
        await using var source = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        var one = new SessionTurnStore(source, new ControlNodeOptions { Name = "one" });
        var two = new SessionTurnStore(source, new ControlNodeOptions { Name = "two" });
        Assert.True(await one.TakeAsync(Router, Token));
        Assert.True(await one.TakeAsync(Router, Token));
        Assert.False(await two.TakeAsync(Router, Token));
        Assert.True(await two.TakeAsync(OtherRouter, Token));
        await two.GiveBackAsync(Router, Token);
        Assert.False(await two.TakeAsync(Router, Token));
        await one.GiveBackAsync(Router, Token);
        Assert.True(await two.TakeAsync(Router, Token));

        // It runs out, also when the database's clock is set.
        foreach (var shift in new[] { "-1 minute", "1 hour" })
        {
            Assert.False(await one.TakeAsync(Router, Token));
            await using var later = source.CreateCommand($"UPDATE session_turn SET taken_at = taken_at + interval '{shift}', expires_at = expires_at + interval '{shift}'");
            await later.ExecuteNonQueryAsync(Token);
            Assert.True(await one.TakeAsync(Router, Token));
            await one.GiveBackAsync(Router, Token);
            Assert.True(await two.TakeAsync(Router, Token));
        }
    }

    /// <summary>A new control node may be one whose row was lost, for as long as a router may keep what it had.</summary>
    [Theory]
    [InlineData("number = 1", false)]
    [InlineData("number = 2", true)]
    [InlineData("number = 2, begun_at = now() - interval '4094 seconds'", true)]
    [InlineData("number = 2, begun_at = now() - interval '4096 seconds'", false)]
    [InlineData("server = ''", true)]
    public async Task Rows_may_be_missing_for_some_time_after_a_fail_over(string epoch, bool mayLackRows)
    {
        await using var source = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await using (var begin = source.CreateCommand($"""
            INSERT INTO feed_epoch (epoch, server, written_by, begun_at) VALUES (gen_random_uuid(), feed_server(), pg_current_xact_id(), now()) ON CONFLICT DO NOTHING;
            UPDATE feed_epoch SET {epoch}, written_by = pg_current_xact_id();
            """))
            await begin.ExecuteNonQueryAsync(Token);
        await using var ask = source.CreateCommand($"SELECT {FeedEpochs.MayLackRows}");
        Assert.Equal(mayLackRows, await ask.ExecuteScalarAsync(Token));
    }

    [Fact]
    public async Task A_turn_is_asked_for_until_it_is_there_and_must_be_used_soon()
    {
        var store = new FakeStore { IsFree = false };
        var time = new FakeTimeProvider();
        var turns = new SessionTurns(store, time, NullLogger<SessionTurns>.Instance);
        var taken = 0;
        turns.Taken += () => taken++;
        Assert.False(turns.TryTake(Router));
        await turns.StepAsync(Token);
        Assert.Equal((0, false), (taken, turns.TryTake(Router)));
        store.IsFree = true;
        await turns.StepAsync(Token);
        Assert.Equal((1, true), (taken, turns.TryTake(Router)));

        // The rest of its time would not be enough for the router to come back.
        time.Advance(SessionTurnStore.Duration / 3);
        Assert.False(turns.TryTake(Router));
        await turns.StepAsync(Token);
        Assert.True(turns.TryTake(Router));
        turns.GiveBack(Router);
        await turns.StepAsync(Token);
        Assert.Equal(["+" + Router, "+" + Router, "-" + Router], store.Calls);
    }

    [Fact]
    public async Task A_turn_that_is_given_back_while_it_is_taken_is_free_for_the_others()
    {
        var store = new FakeStore();
        var turns = new SessionTurns(store, new FakeTimeProvider(), NullLogger<SessionTurns>.Instance);
        turns.TryTake(Router);
        store.WhileTaking = () => turns.GiveBack(Router);
        await turns.StepAsync(Token);
        await turns.StepAsync(Token);
        Assert.Equal(["+" + Router, "-" + Router], store.Calls);
    }

    [Fact]
    public async Task What_is_owed_outlives_the_process()
    {
        var store = new FakeStore { Owed = [OtherRouter] };
        var time = new FakeTimeProvider();
        var turns = new SessionTurns(store, time, NullLogger<SessionTurns>.Instance);
        await turns.LoadAsync([], Token);
        Assert.Equal([OtherRouter], turns.Owed);

        // Who owes more waits until it is written; who owes less does not.
        var owing = turns.OweAsync([Router, OtherRouter], coversLostRows: true);
        Assert.False(owing.IsCompleted);
        await turns.StepAsync(Token);
        await owing;
        Assert.Equal([Router, OtherRouter], store.Owed.Order());
        Assert.True(turns.OweAsync([Router, OtherRouter], coversLostRows: true).IsCompleted);
        Assert.True(turns.OweAsync([], coversLostRows: true).IsCompleted);
        await turns.StepAsync(Token);
        Assert.Empty(store.Owed);
    }

    [Fact]
    public async Task Nobody_waits_long_for_a_database_that_does_not_answer()
    {
        var store = new FakeStore();
        var time = new FakeTimeProvider();
        var turns = new SessionTurns(store, time, NullLogger<SessionTurns>.Instance);
        var owing = turns.OweAsync([Router], coversLostRows: true);
        time.Advance(SessionTurns.OwePatience);
        await owing;
        Assert.True(turns.OweAsync([Router, OtherRouter], coversLostRows: true).IsCompleted);
        await turns.StepAsync(Token);
        Assert.Equal([Router, OtherRouter], store.Owed.Order());
    }

    [Fact]
    public async Task What_is_owed_is_written_again_when_the_database_may_have_lost_it()
    {
        var store = new FakeStore { Owed = [Router], RowsLost = true };
        var turns = new SessionTurns(store, new FakeTimeProvider(), NullLogger<SessionTurns>.Instance);
        await turns.LoadAsync([], Token);
        Assert.True(turns.RowsLost);

        // What is written before the driver has asked the engine does not cover them: a second fail-over, an early withdrawal.
        turns.DatabaseChanged();
        await turns.StepAsync(Token);
        var early = turns.OweAsync([Router, OtherRouter], coversLostRows: false);
        await turns.StepAsync(Token);
        await early;
        Assert.Equal((true, true), (turns.RowsLost, store.RowsLost));

        var owing = turns.OweAsync([Router], coversLostRows: true);
        Assert.False(owing.IsCompleted);
        await turns.StepAsync(Token);
        await owing;
        Assert.Equal((false, false), (turns.RowsLost, store.RowsLost));
        Assert.True(turns.OweAsync([Router], coversLostRows: true).IsCompleted);
        store.Owed = [];
        await turns.StepAsync(Token);
        Assert.Empty(store.Owed);

        turns.DatabaseChanged();
        await turns.StepAsync(Token);
        Assert.Equal([Router], store.Owed);
    }

    private sealed class FakeStore : ISessionTurnStore
    {
        public IReadOnlyCollection<string> Owed { get; set; } = [];

        public bool RowsLost { get; set; }

        public Task<OwedSessions> OwedAsync(CancellationToken ct) => Task.FromResult(new OwedSessions(Owed, RowsLost));

        public Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows, CancellationToken ct)
        {
            (Owed, RowsLost) = (routerAddresses, RowsLost && !coversLostRows);
            return Task.CompletedTask;
        }

        public bool IsFree { get; set; } = true;

        public Action WhileTaking { get; set; } = () => { };

        public List<string> Calls { get; } = [];

        public Task<bool> TakeAsync(string routerAddress, CancellationToken ct)
        {
            WhileTaking();
            if (IsFree) Calls.Add("+" + routerAddress);
            return Task.FromResult(IsFree);
        }

        public Task GiveBackAsync(string routerAddress, CancellationToken ct)
        {
            Calls.Add("-" + routerAddress);
            return Task.CompletedTask;
        }
    }
}
