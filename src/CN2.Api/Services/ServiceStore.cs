using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>What requests do to Services; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class ServiceStore
{
    private readonly Catalog _catalog;
    private readonly ServiceWriter _writer;
    private readonly ServiceCoalescer _coalescer;
    private readonly ServiceRemoval _removal;
    private readonly ServiceResources _resources;

    internal ServiceStore(Catalog catalog, ServiceWriter writer, ServiceCoalescer coalescer, ServiceRemoval removal, ServiceResources resources)
    {
        _removal = removal;
        _resources = resources;
        _catalog = catalog;
        _writer = writer;
        _coalescer = coalescer;
    }

    /// <summary>A plain POST (no dryRun, no Idempotency-Key): its own transaction, shared with others under load.</summary>
    public Task<WriteOutcome> CreateCoalescedAsync(string ns, ServiceRequest request) => _coalescer.CreateAsync(new ServiceDraft(ns, request));

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, ServiceRequest request, CancellationToken ct)
    {
        // EF opened the transaction; the catalog is compared in the first allocating statement, as everywhere.
        var changes = new ChangeList();
        var outcomes = await _writer.CreateAsync(scope.Connection, await _catalog.CurrentAsync(scope.Connection, ct), [new ServiceDraft(ns, request)], scope.Now, changes, ct);
        scope.Changes.WrittenBySql(changes.Count);
        return outcomes[0];
    }

    /// <summary>The row, locked until the transaction ends.</summary>
    public async Task<ServiceRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct) =>
        (await ServiceRows.ReadAsync(scope.Connection, "s.namespace = $1 AND s.name = $2 FOR UPDATE", ct,
            new NpgsqlParameter<string> { TypedValue = ns }, new NpgsqlParameter<string> { TypedValue = name })).SingleOrDefault();

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, ServiceRow row, ServiceRequest request, CancellationToken ct)
    {
        if (row.DeletingAt is not null) return ApiProblem.BeingDeleted(ServiceProblems.What(row.Namespace, row.Name));
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var changes = new ChangeList();
        var outcome = await _writer.ReplaceAsync(scope.Connection, row, request, scope.Now, changes, ct);
        scope.Changes.WrittenBySql(changes.Count);
        return outcome;
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ServiceRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var changes = new ChangeList();
        if (row.DeletingAt is null)
        {
            row.DeletingAt = scope.Now;
            if (!await ServiceRemoval.IsNeededElsewhereAsync(scope.Connection, row.Uid, ct))
            {
                var snapshot = await _catalog.VerifiedAsync(scope.Connection, ct);
                await ServiceRemoval.MarkAsync(scope.Connection, row, scope.Now, new ChangeList(), tell: false, ct);
                await _removal.FinalizeAsync(scope.Connection, snapshot, [row.Uid], changes, ct);
                scope.Changes.WrittenBySql(changes.Count);
                return new WriteOutcome.Gone();
            }

            await ServiceRemoval.MarkAsync(scope.Connection, row, scope.Now, changes, tell: true, ct);
            scope.Changes.WrittenBySql(changes.Count);
        }

        var resource = (await _resources.ReadAsync(scope.Connection, [row], ct))[0];
        return new WriteOutcome.Deleting(resource);
    }
}
