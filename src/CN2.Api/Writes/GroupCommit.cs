using System.Threading.Channels;
using CN2.Api.Data;
using CN2.Network.Resources;

namespace CN2.Api.Writes;

/// <summary>
/// Runs items of a shared decision, up to <see cref="BatchSize"/> of them in one transaction: under load they share the statements and
/// the commit, which cost more than the decision. While few items are under way each has its own transaction, which is quicker. When a
/// batch fails, by a constraint or by a bug, its items run one by one, so that only the one at fault fails.
/// </summary>
public sealed class GroupCommit<TItem>(TransactionRunner runner, ISharedDecision<TItem> decision) : BackgroundService
{
    private const int BatchSize = 64;
    private const int Workers = 2;

    /// <summary>Up to this many items at a time go alone.</summary>
    private const int AloneAtMost = 3;

    private readonly Channel<Waiting> _queue = Channel.CreateBounded<Waiting>(4096);
    private int _underWay;

    /// <summary>Runs one item, alone or with others. Throws what the database throws about this item.</summary>
    /// <param name="ct">The client has left, or its time is over: an item that has not begun is dropped, and nobody waits for one that has.</param>
    public async Task<WriteOutcome> RunAsync(TItem item, CancellationToken ct)
    {
        try
        {
            if (Interlocked.Increment(ref _underWay) <= AloneAtMost || decision.KeyOf(item) is not { } key) return await RunAloneAsync(item, ct);
            var waiting = new Waiting(item, key, ct);
            if (!_queue.Writer.TryWrite(waiting)) return await RunAloneAsync(item, ct); // the queue is full, or the server stops
            return await waiting.Done.Task.WaitAsync(ct);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>Decides one item in a transaction that the caller runs.</summary>
    public async Task<WriteOutcome> DecideAsync(WriteScope scope, TItem item, CancellationToken ct) => (await decision.DecideAsync(scope, [item], ct))[0];

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        return base.StopAsync(cancellationToken);
    }

    // The completed queue ends the workers instead of the token: whoever waits gets an answer first.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync()));

    private async Task WorkAsync()
    {
        await Task.Yield();
        var batch = new List<Waiting>(BatchSize);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            keys.Clear();
            while (batch.Count < BatchSize && _queue.Reader.TryRead(out var waiting))
            {
                if (waiting.Left.IsCancellationRequested) continue;
                if (keys.Add(waiting.Key)) batch.Add(waiting);
                else _ = FinishAloneAsync(waiting);
            }

            if (batch.Count > 0) await FinishAsync(batch);
        }
    }

    private async Task FinishAsync(List<Waiting> batch)
    {
        try
        {
            var items = batch.ConvertAll(w => w.Item);
            // One client that closes its connection must not end the write of the others, so the batch has a limit of its own.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(Limits.RequestSeconds));
            var outcomes = await runner.RunAsync((scope, ct) => decision.DecideAsync(scope, items, ct), limit.Token);
            for (var i = 0; i < batch.Count; i++) batch[i].Done.SetResult(outcomes[i]);
        }
        catch (Exception e) when (!PostgresErrors.IsAway(e) && e is not OperationCanceledException)
        {
            foreach (var waiting in batch) await FinishAloneAsync(waiting);
        }
        catch (Exception e)
        {
            var away = e is OperationCanceledException ? new TimeoutException("The database did not answer in time.", e) : e;
            foreach (var waiting in batch) waiting.Done.SetException(away);
        }
    }

    private async Task FinishAloneAsync(Waiting waiting)
    {
        try
        {
            waiting.Done.SetResult(await RunAloneAsync(waiting.Item, waiting.Left));
        }
        catch (Exception e)
        {
            waiting.Done.SetException(e);
        }
    }

    /// <summary>What a refused item has taken already goes back with its transaction. In a shared one it must take nothing before it is sure.</summary>
    private Task<WriteOutcome> RunAloneAsync(TItem item, CancellationToken left) => runner.RunAsync(async (scope, ct) =>
    {
        var outcome = await DecideAsync(scope, item, ct);
        if (outcome is WriteOutcome.Refused) scope.Discard();
        return outcome;
    }, left);

    private sealed class Waiting(TItem item, string key, CancellationToken left)
    {
        public TItem Item { get; } = item;
        public string Key { get; } = key;
        public CancellationToken Left { get; } = left;
        public TaskCompletionSource<WriteOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
