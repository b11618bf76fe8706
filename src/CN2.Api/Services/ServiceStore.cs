using CN2.Api.Allocation;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;

namespace CN2.Api.Services;

/// <summary>What requests do to Services; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class ServiceStore(Catalog catalog, GroupCommit<ServiceDraft> creates, ServiceWriter writer, ServiceRemoval removal, ServiceResources resources)
{
    /// <summary>Under load the creates of several requests share a transaction.</summary>
    public GroupCommit<ServiceDraft> Creates => creates;

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<ServiceRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct) =>
        ServiceTable.FindAsync(scope.Connection, ns, name, forUpdate: true, ct);

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, ServiceRow row, ServiceRequest request, CancellationToken ct)
    {
        if (row.DeletingAt is not null) return ApiProblem.BeingDeleted(ServiceProblems.What(row.Namespace, row.Name));
        return scope.CheckIfMatch(row.Generation) is { } stale ? stale : await writer.ReplaceAsync(scope, row, request, ct);
    }

    /// <summary>Marks the Service for deletion. When no control node and no vRouter needs it any more, it is deleted at once.</summary>
    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ServiceRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (row.DeletingAt is null)
        {
            row.DeletingAt = scope.Now;
            if (!await ServiceRemoval.IsNeededElsewhereAsync(scope.Connection, row.Uid, ct))
            {
                var snapshot = await catalog.VerifiedAsync(scope.Connection, ct);
                await ServiceRemoval.MarkAsync(scope, row, tell: false, ct);
                await removal.FinalizeAsync(scope, snapshot, [row.Uid], ct);
                return new WriteOutcome.Gone();
            }

            await ServiceRemoval.MarkAsync(scope, row, tell: true, ct);
        }

        return new WriteOutcome.Deleting((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }
}
