using System.Threading.Channels;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// Creates Services for many waiting requests in one transaction: under load, statements and commits are shared by up to
/// <see cref="BatchSize"/> of them, and what dominates is no longer paid by each. With few waiting each goes by itself, which is quicker.
/// When a constraint refuses a batch it is repeated one by one, so that only the guilty gets the 409.
/// </summary>
internal sealed class ServiceCoalescer(AllocationTransaction transactions, ServiceWriter writer, TimeProvider time) : BackgroundService
{
    private const int BatchSize = 64;
    private const int Workers = 2;

    /// <summary>Up to so many at once go by themselves.</summary>
    private const int Direct = 3;

    private readonly Channel<Waiting> _queue = Channel.CreateBounded<Waiting>(4096);
    private int _inside;

    /// <summary>Creates it, alone or with others. Throws what the database throws when that is not about this request's content.</summary>
    public async Task<WriteOutcome> CreateAsync(ServiceDraft draft)
    {
        try
        {
            if (Interlocked.Increment(ref _inside) <= Direct || AsksByName(draft.Request)) return await CreateAloneAsync(draft);
            var waiting = new Waiting(draft);
            if (!_queue.Writer.TryWrite(waiting)) return await CreateAloneAsync(draft); // full, or stopping
            return await waiting.Done.Task;
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        return base.StopAsync(cancellationToken);
    }

    // The stopping token is not looked at: the completed queue ends it, after those who wait have their answer.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync()));

    /// <summary>What may well be refused by a constraint would make the others of its batch start again.</summary>
    private static bool AsksByName(ServiceRequest request) =>
        request.LoadBalancerIPs is { Count: > 0 } || request.Ports?.Exists(p => p.NodePort is not null) == true;

    private async Task WorkAsync()
    {
        await Task.Yield();
        var batch = new List<Waiting>(BatchSize);
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            var names = new HashSet<(string, string)>();
            while (batch.Count < BatchSize && _queue.Reader.TryRead(out var waiting))
            {
                // The same name twice in one statement would refuse the batch.
                if (names.Add((waiting.Draft.Namespace, waiting.Draft.Request.Name!))) batch.Add(waiting);
                else _ = FinishAloneAsync(waiting);
            }

            if (batch.Count > 0) await FinishAsync(batch);
        }
    }

    private async Task FinishAsync(List<Waiting> batch)
    {
        try
        {
            var outcomes = await transactions.RunAsync(
                (connection, snapshot) => writer.CreateAsync(connection, snapshot, batch.ConvertAll(w => w.Draft), time.GetStorableNow(), new ChangeList(), CancellationToken.None), CancellationToken.None);
            for (var i = 0; i < batch.Count; i++) batch[i].Done.SetResult(outcomes[i]);
        }
        catch (PostgresException e) when (e.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            foreach (var waiting in batch) await FinishAloneAsync(waiting);
        }
        catch (Exception e)
        {
            foreach (var waiting in batch) waiting.Done.SetException(e);
        }
    }

    private async Task FinishAloneAsync(Waiting waiting)
    {
        try
        {
            waiting.Done.SetResult(await CreateAloneAsync(waiting.Draft));
        }
        catch (Exception e)
        {
            waiting.Done.SetException(e);
        }
    }

    private async Task<WriteOutcome> CreateAloneAsync(ServiceDraft draft)
    {
        try
        {
            var outcomes = await transactions.RunAsync(
                (connection, snapshot) => writer.CreateAsync(connection, snapshot, [draft], time.GetStorableNow(), new ChangeList(), CancellationToken.None), CancellationToken.None);
            return outcomes[0];
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation && e.ConstraintName == "ix_service_namespace_name")
        {
            return ServiceProblems.Exists(draft.Namespace, draft.Request.Name!);
        }
    }

    private sealed class Waiting(ServiceDraft draft)
    {
        public ServiceDraft Draft { get; } = draft;

        public TaskCompletionSource<WriteOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
