using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// The one way a request writes. Around a decision it handles <c>?dryRun=true</c> (the same transaction and answer, rolled back), the
/// Idempotency-Key, and constraint violations, which become problems by the constraint's name (docs/adr/0002-the-database-is-the-referee.md).
/// <see cref="TransactionRunner"/> runs the transaction.
/// </summary>
public sealed class WritePipeline(TransactionRunner runner)
{
    /// <summary>Runs a decision in a transaction of its own and answers.</summary>
    public async Task<IActionResult> ExecuteAsync(HttpContext http, Func<WriteScope, CancellationToken, Task<WriteOutcome>> decide)
    {
        if (ReadDryRun(http.Request, out var dryRun) is { } wrongQuery) return new ProblemResult(wrongQuery);
        if (IdempotencyKey.Read(http, out var key) is { } wrongKey) return new ProblemResult(wrongKey);
        // A PUT that loses the race to create looks again and changes what the winner made. A POST has its answer: it exists.
        var isPut = HttpMethods.IsPut(http.Request.Method);
        return await AnswerAsync(http, () => runner.RunAsync(
            (scope, ct) => DecideAsync(scope, http, dryRun, key, isPut, decide, ct), http.RequestAborted, isPut ? IsLostRace : null, findsItself: key is not null));
    }

    /// <summary>Runs one item of a shared decision and answers; the item shares its transaction with those of other requests when there are many.</summary>
    public Task<IActionResult> ExecuteAsync<TItem>(HttpContext http, GroupCommit<TItem> group, TItem item) =>
        // A dry run is rolled back, and the answer for an Idempotency-Key is stored with its write: both need a transaction of their own.
        http.Request.Query.Count > 0 || http.Request.Headers.ContainsKey(IdempotencyKey.Header)
            ? ExecuteAsync(http, (scope, ct) => group.DecideAsync(scope, item, ct))
            : AnswerAsync(http, async () => (await group.RunAsync(item, http.RequestAborted)).ToResult());

    /// <summary>Runs a deletion. An object that the finalizers of the Kubernetes API hold is in use.</summary>
    /// <param name="http">The request.</param>
    /// <param name="what">Such as <c>Service ns1/my-service</c>.</param>
    /// <param name="find">The row, locked; null: it does not exist.</param>
    /// <param name="delete">Decides about the row.</param>
    public Task<IActionResult> DeleteAsync<TRow>(
        HttpContext http, string what, Func<WriteScope, CancellationToken, Task<TRow?>> find, Func<WriteScope, TRow, CancellationToken, Task<WriteOutcome>> delete)
        where TRow : ResourceRow => ExecuteAsync(http, async (scope, ct) =>
        {
            if (await find(scope, ct) is not { } row) return ApiProblem.NotFound(what);
            var finalizers = await KubernetesObjectTable.FinalizersAsync(scope.Connection, row.Uid, ct);
            scope.Audit.Subject = AuditSubject.Of(AuditOrigin.Of(http).Target) with { Uid = row.Uid, Generation = row.Generation };
            return finalizers.Count > 0 ? ApiProblem.InUse(what, [.. finalizers.Select(f => $"finalizer {f}")]) : await delete(scope, row, ct);
        });

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

    private static async Task<IActionResult> DecideAsync(
        WriteScope scope, HttpContext http, bool dryRun, IdempotencyKey? key, bool isPut,
        Func<WriteScope, CancellationToken, Task<WriteOutcome>> decide, CancellationToken ct)
    {
        scope.Request = http.Request;
        scope.Rights = CallerRights.Of(http);
        if (key is not null && await key.TakeAsync(scope, ct) is { } earlier)
        {
            scope.Discard();
            return earlier;
        }

        var outcome = await decide(scope, ct);
        var (answer, refused) = outcome.ToAnswer();
        if (refused is not null)
        {
            if (isPut && refused.Code == ProblemCodes.AlreadyExists) throw new CreatedByAnotherException(refused);
            scope.Discard();
            return new ProblemResult(refused);
        }

        AuditedOutcome.Note(scope, AuditOrigin.Of(http), outcome, answer!.Status);
        if (dryRun)
        {
            await scope.SaveAsync(ct); // the constraints answer as they would without dryRun
            AuditOrigin.Of(http).AddDryRuns(scope.Audit.Entries);
            scope.Discard();
        }
        else if (key is not null)
        {
            await key.KeepAsync(scope, answer, ct);
        }

        return answer;
    }

    private static async Task<IActionResult> AnswerAsync(HttpContext http, Func<Task<IActionResult>> run)
    {
        try
        {
            return await run();
        }
        catch (CreatedByAnotherException e)
        {
            return new ProblemResult(e.Problem);
        }
        catch (Exception e) when (PostgresErrors.Find(e) is { } error && ConstraintProblems.For(error, http) is { } problem)
        {
            return new ProblemResult(problem);
        }
    }

    private static bool IsLostRace(Exception e) => e is CreatedByAnotherException
        || (PostgresErrors.Find(e) is { SqlState: PostgresErrorCodes.UniqueViolation } error && ConstraintProblems.IsIdentity(error.ConstraintName));

    /// <summary>Another writer created the resource between the look and the decision.</summary>
    private sealed class CreatedByAnotherException(ApiProblem problem) : Exception(problem.Detail)
    {
        public ApiProblem Problem { get; } = problem;
    }
}
