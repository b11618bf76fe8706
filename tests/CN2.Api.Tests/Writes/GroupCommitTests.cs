using CN2.Api.Tests.Fixtures;
using CN2.Api.Writes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Writes;

/// <summary>Requests that share a transaction: one that fails does not take the others with it.</summary>
public sealed class GroupCommitTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const int Bad = 13;

    [Theory]
    [InlineData("23505")] // a constraint
    [InlineData("22003")] // another refusal of the database
    [InlineData(null)] // a bug in the decision
    public async Task An_item_that_fails_in_a_shared_transaction_fails_alone(string? sqlState)
    {
        var decision = new Decision(sqlState);
        using var group = new GroupCommit<int>(api.Services.GetRequiredService<TransactionRunner>(), decision);
        // The first three items have transactions of their own and stay under way, so that the next ones share one.
        var alone = Enumerable.Range(1, 3).Select(item => group.RunAsync(item, TestContext.Current.CancellationToken)).ToList();
        var shared = Enumerable.Range(10, 8).ToDictionary(item => item, item => group.RunAsync(item, TestContext.Current.CancellationToken));
        await group.StartAsync(TestContext.Current.CancellationToken);

        foreach (var (item, answer) in shared.Where(s => s.Key != Bad)) Assert.Equal(new WriteOutcome.Done(item), await answer);
        if (sqlState is null) await Assert.ThrowsAsync<InvalidOperationException>(() => shared[Bad]);
        else Assert.Equal(sqlState, (await Assert.ThrowsAsync<PostgresException>(() => shared[Bad])).SqlState);

        // The first of them may have found a transaction of its own; the bad one has company.
        Assert.InRange(decision.LargestBatch, 7, 8);
        decision.Gate.SetResult();
        await Task.WhenAll(alone);
        await group.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_item_whose_client_has_left_before_its_turn_costs_no_transaction()
    {
        var decision = new Decision(null);
        using var group = new GroupCommit<int>(api.Services.GetRequiredService<TransactionRunner>(), decision);
        var alone = Enumerable.Range(1, 3).Select(item => group.RunAsync(item, TestContext.Current.CancellationToken)).ToList();
        using var client = new CancellationTokenSource();
        var left = group.RunAsync(Bad, client.Token);
        var stayed = group.RunAsync(20, TestContext.Current.CancellationToken);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);

        await group.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(new WriteOutcome.Done(20), await stayed);
        decision.Gate.SetResult();
        await Task.WhenAll(alone);
        await group.StopAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain(Bad, decision.Decided);
    }

    /// <summary>Answers with the item itself; items below ten wait for the gate, and the bad one fails.</summary>
    private sealed class Decision(string? sqlState) : ISharedDecision<int>
    {
        public TaskCompletionSource Gate { get; } = new();

        public int LargestBatch { get; private set; }

        public System.Collections.Concurrent.ConcurrentBag<int> Decided { get; } = [];

        public string? KeyOf(int item) => $"{item}";

        public async Task<IReadOnlyList<WriteOutcome>> DecideAsync(WriteScope scope, IReadOnlyList<int> items, CancellationToken ct)
        {
            foreach (var item in items) Decided.Add(item);
            if (items[0] < 10) await Gate.Task;
            LargestBatch = Math.Max(LargestBatch, items.Count);
            if (!items.Contains(Bad)) return [.. items.Select(i => new WriteOutcome.Done(i))];
            if (sqlState is null) throw new InvalidOperationException("a bug");
            await using var command = new NpgsqlCommand($"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlState}'; END $$", scope.Connection);
            await command.ExecuteNonQueryAsync(ct);
            return [];
        }
    }
}
