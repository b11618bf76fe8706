using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// The one way a request writes: one short transaction around the Idempotency-Key's row, the decision, its rows and their change
/// rows; commit (or, for <c>?dryRun=true</c>, rollback with the same answer); then wake the readers of the feed. Constraint
/// violations become problems by the constraint's name. Nothing in a decision may wait for anything but the database.
/// </summary>
public sealed class WritePipeline(IDbContextFactory<CN2DbContext> contexts, NpgsqlDataSource source, AllocationRecovery recovery, ChangeSignal signal, TimeProvider time)
{
    private const int Attempts = 5;

    /// <summary>True for a write that only needs deciding and committing: no dryRun, no Idempotency-Key. Such a one may be coalesced with others.</summary>
    public static bool IsPlain(HttpRequest request) => request.Query.Count == 0 && !request.Headers.ContainsKey(IdempotencyKey.Header);

    /// <summary>Runs a decision and answers. The decision may be run again after a deadlock or a lost race.</summary>
    public async Task<IActionResult> ExecuteAsync(HttpContext http, Func<WriteScope, CancellationToken, Task<WriteOutcome>> decide)
    {
        if (ReadDryRun(http.Request, out var dryRun) is { } wrongQuery) return new ProblemResult(wrongQuery);
        if (IdempotencyKey.Read(http, out var key) is { } wrongKey) return new ProblemResult(wrongKey);
        for (var attempt = 1; ; attempt++)
        {
            Exception? again = null;
            await using (var db = await contexts.CreateDbContextAsync(http.RequestAborted))
            {
                try
                {
                    var result = await AttemptAsync(db, http, dryRun, key, decide);
                    // Somebody created it between our look and our decision: look again. A POST has its answer already.
                    if (!(result is ProblemResult { Problem.Code: ProblemCodes.AlreadyExists } && HttpMethods.IsPut(http.Request.Method) && attempt < Attempts)) return result;
                }
                catch (Exception e) when (AllocationRecovery.CanRecover(e, attempt))
                {
                    again = e;
                }
                catch (Exception e) when (PostgresErrors.Find(e) is { } error)
                {
                    // The same, noticed by the database.
                    var lostRace = error.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
                                   || (error.SqlState == PostgresErrorCodes.UniqueViolation && HttpMethods.IsPut(http.Request.Method)
                                       && ConstraintProblems.IsIdentity(error.ConstraintName));
                    if (lostRace && attempt < Attempts)
                    {
                        again = e;
                        await Task.Delay(Random.Shared.Next(1, 10 * attempt), http.RequestAborted);
                    }
                    else if (ConstraintProblems.For(error, http) is { } problem)
                    {
                        return new ProblemResult(problem);
                    }
                    else
                    {
                        throw;
                    }
                }
            }

            if (again is null || !AllocationRecovery.CanRecover(again, attempt)) continue;
            // Only now, with the context and its connection given back: two connections a request could use up the pool.
            await using var connection = await source.OpenConnectionAsync(http.RequestAborted);
            await recovery.RecoverAsync(again, connection, http.RequestAborted);
        }
    }

    private async Task<IActionResult> AttemptAsync(
        CN2DbContext db, HttpContext http, bool dryRun, IdempotencyKey? key, Func<WriteScope, CancellationToken, Task<WriteOutcome>> decide)
    {
        var aborted = http.RequestAborted;
        await using var transaction = await db.Database.BeginTransactionAsync(aborted);
        var scope = new WriteScope(db, http, time.GetStorableNow(), dryRun);
        if (key is not null && await key.TakeAsync(scope, aborted) is { } earlier) return earlier;

        var outcome = await decide(scope, aborted);
        var (answer, refused) = outcome.ToAnswer();
        if (refused is not null) return new ProblemResult(refused);
        if (db.ChangeTracker.HasChanges()) await db.SaveChangesAsync(aborted);
        if (dryRun) return answer!;
        if (key is not null) await key.KeepAsync(scope, answer!, aborted);
        // From here on the write counts, also for a client that has gone away.
        await transaction.CommitAsync(CancellationToken.None);
        if (scope.Changes.Count > 0) signal.Set();
        return answer!;
    }

    internal static ApiProblem? ReadDryRun(HttpRequest request, out bool dryRun)
    {
        dryRun = false;
        if (request.Query.Count == 0) return null;
        var faults = new FaultList();
        QueryNames.Check(request, faults, "dryRun");
        var given = request.Query["dryRun"];
        if (given is ["true" or "false"]) dryRun = given[0] == "true";
        else if (given.Count > 0) faults.Add("dryRun", "must be true or false");
        return faults.Count > 0 ? ApiProblem.Validation(faults) : null;
    }

}
