using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Runs the transactions of writes through <see cref="TransactionRunner"/>, and makes answers of what they came to.</summary>
internal sealed class ObjectTransactions(TransactionRunner runner, ObjectVersions versions)
{
    /// <param name="http">The request.</param>
    /// <param name="binding">Of the object.</param>
    /// <param name="name">Of the object.</param>
    /// <param name="isDryRun">Everything is rolled back.</param>
    /// <param name="looksAgain">Another writer that creates the object at the same time is no refusal: the decision is made again.</param>
    /// <param name="decide">Decides and writes; a refusal rolls back.</param>
    public async Task<WriteAnswer> RunAsync(
        HttpContext http, IObjectBinding binding, string name, bool isDryRun, bool looksAgain, Func<WriteScope, CancellationToken, Task<WriteAnswer>> decide)
    {
        try
        {
            return await runner.RunAsync(async (scope, ct) =>
            {
                scope.Rights = CallerRights.Of(http);
                var answer = await decide(scope, ct);
                if (answer.Failure is null) ObjectAudit.Add(scope, AuditOrigin.Of(http), answer.Code);
                if (answer.Failure is null && isDryRun)
                {
                    await scope.SaveAsync(ct); // the constraints answer as they would without dryRun
                    AuditOrigin.Of(http).AddDryRuns(scope.Audit.Entries);
                }

                if (answer.Failure is not null || isDryRun) scope.Discard();
                return answer;
            }, http.RequestAborted, looksAgain ? IsLostRace : null);
        }
        catch (Exception e) when (PostgresErrors.Find(e) is { } error && ConstraintProblems.For(error, http) is { } problem)
        {
            return ToFailure(binding, name, problem, false);
        }
    }

    /// <summary>The object as it is after the statements so far.</summary>
    public async Task<ResourceVersion> VersionAsync(WriteScope scope, BoundObject stored, CancellationToken ct)
    {
        await scope.SaveAsync(ct);
        await scope.ExecuteAsync([], ct);
        return await VersionAsync(scope.Connection, stored, ct);
    }

    public async Task<ResourceVersion> VersionAsync(NpgsqlConnection connection, BoundObject stored, CancellationToken ct)
    {
        var uid = stored.ChangedUid;
        return (await versions.ReadAsync(connection, [uid], ct))[uid];
    }

    /// <summary>Writes what is kept of an object, with a change for the feed when nothing else has written one.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="binding">Of the object.</param>
    /// <param name="row">The row.</param>
    /// <param name="verb">What happened to the object.</param>
    /// <param name="ct">Ends the statement.</param>
    public static async Task KeepAsync(WriteScope scope, IObjectBinding binding, KubernetesObjectRow row, ChangeVerb verb, CancellationToken ct)
    {
        var ns = row.NamespaceOrNull;
        if (row.IsAlone && verb == ChangeVerb.Added) scope.Changes.Added(ResourceKind.KubernetesObject, ns, $"{row.Resource}/{row.Name}", row.Uid);
        else if (row.IsAlone) scope.Changes.Modified(ResourceKind.KubernetesObject, ns, $"{row.Resource}/{row.Name}", row.Uid);
        else if (scope.Changes.Count == 0 && binding.Kind is { } kind) scope.Changes.Modified(kind, kind.IsNamespaced() ? ns : null, row.Name, row.Uid, statusOnly: true);
        await scope.SaveAsync(ct);
        await scope.ExecuteAsync([KubernetesObjectTable.Write([row])], ct);
    }

    /// <param name="binding">Of the object.</param>
    /// <param name="name">Of the object.</param>
    /// <param name="problem">What <c>/v1</c> says.</param>
    /// <param name="hasObjectPaths">It names paths of the object.</param>
    /// <param name="source">The object that was refused, when it is known.</param>
    public static FailureStatus ToFailure(IObjectBinding binding, string name, ApiProblem problem, bool hasObjectPaths, JsonObject? source = null) =>
        ProblemStatus.Of(problem, binding.Definition, name, hasObjectPaths ? path => path : binding.Mapping.ToObjectPath, source);

    public static FailureStatus ToFailure(IObjectBinding binding, string name, ObjectOutcome.Refused refused, JsonObject? source = null) =>
        ToFailure(binding, name, refused.Problem, refused.HasObjectPaths, source);

    private static bool IsLostRace(Exception e) =>
        PostgresErrors.Find(e) is { SqlState: PostgresErrorCodes.UniqueViolation } error && ConstraintProblems.IsIdentity(error.ConstraintName);
}
