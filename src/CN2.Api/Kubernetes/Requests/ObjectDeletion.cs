using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Writes;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>
/// DELETE. What has finalizers, or is in use, is marked (deletionTimestamp) and goes when nothing holds it any more: with the write that removes the
/// last finalizer, or through <see cref="PendingDeletions"/>.
/// </summary>
internal sealed class ObjectDeletion(ObjectTransactions transactions, ObjectVersions versions)
{
    public async Task DeleteAsync(HttpContext http, IObjectBinding binding, string? ns, string name)
    {
        var (options, refused) = await DeleteOptions.ReadAsync(http);
        if (refused is not null) await ObjectAnswer.WriteAsync(http, refused);
        else await (await transactions.RunAsync(http, binding, name, options!.IsDryRun, false, (scope, ct) => DeleteAsync(http, scope, binding, ns, name, options, ct))).SendAsync(http);
    }

    /// <summary>One object of a DELETE of a collection.</summary>
    public Task<WriteAnswer> DeleteOneAsync(HttpContext http, IObjectBinding binding, BoundObject found, DeleteOptions options) =>
        transactions.RunAsync(http, binding, found.Name, options.IsDryRun, false, (scope, ct) => DeleteAsync(http, scope, binding, found.Namespace, found.Name, options, ct));

    /// <summary>Deletes what is marked and has no finalizers. Null: it is no longer there, or something still holds it.</summary>
    public async Task<WriteAnswer?> FinishAsync(WriteScope scope, IObjectBinding binding, string? ns, string name, CancellationToken ct)
    {
        if (await binding.LockAsync(scope, ns, name, ct) is not { } current) return null;
        if (current.Kept?.DeletingAt is null) return null;
        var shown = ShownObject.Of(binding, current, await transactions.VersionAsync(scope.Connection, current, ct));
        if (Metadata.FinalizersOf(shown).Count > 0) return null;
        return await binding.DeleteAsync(scope, current, ct) switch
        {
            ObjectOutcome.Gone => await GoneAsync(scope, binding, current, shown, ct),
            ObjectOutcome.Refused refused => ObjectTransactions.ToFailure(binding, name, refused),
            _ => null,
        };
    }

    /// <summary>Its deletion was asked for before.</summary>
    public static bool IsAsked(BoundObject stored) => stored.Kept?.DeletingAt is not null || stored.Resource?["status"]?["state"]?.ToString() == "Deleting";

    /// <summary>Asks for the deletion of an object by no request, as of the content of a namespace. False: there is nothing to do.</summary>
    public async Task<bool> AskAsync(WriteScope scope, IObjectBinding binding, string? ns, string name, CancellationToken ct) =>
        await binding.LockAsync(scope, ns, name, ct) is { } current && !IsAsked(current)
        && (await DeleteAsync(null, scope, binding, ns, name, new DeleteOptions(false, null, null, DeletionPropagation.Background), ct)).Failure is null;

    private async Task<WriteAnswer> DeleteAsync(
        HttpContext? http, WriteScope scope, IObjectBinding binding, string? ns, string name, DeleteOptions options, CancellationToken ct)
    {
        var definition = binding.Definition;
        if (await binding.LockAsync(scope, ns, name, ct) is not { } current) return FailureStatus.NotFound(definition, name);
        ObjectAudit.Note(scope, binding, current, current.Kept, null, null);
        var shown = ShownObject.Of(binding, current, await transactions.VersionAsync(scope.Connection, current, ct));
        if (options.Uid is { } uid && uid != current.Uid.ToString())
            return FailureStatus.Conflict(definition, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
        if (options.ResourceVersion is { } named && named != Metadata.TextOf(shown, "resourceVersion"))
        {
            if (!ResourceVersion.TryParse(named, out var version) || await versions.IsStaleAsync(scope.Connection, current.ChangedUid, version, ct))
                return FailureStatus.Conflict(definition, name, $"Precondition failed: ResourceVersion in precondition: {named}, ResourceVersion in object meta: {Metadata.TextOf(shown, "resourceVersion")}");
        }

        if (await binding.RefusalOfDeletionAsync(scope, current, ct) is { } no) return ObjectTransactions.ToFailure(binding, name, no, false);
        if (await FinalizerAsync(scope, current, options.Propagation, ct) is { } finalizer) return await MarkAsync(scope, binding, current, finalizer, ct);
        if (Metadata.FinalizersOf(shown).Count > 0) return await MarkAsync(scope, binding, current, null, ct);
        switch (await binding.DeleteAsync(scope, current, ct))
        {
            case ObjectOutcome.Gone:
                return await GoneAsync(scope, binding, current, shown, ct);
            case ObjectOutcome.Deleting deleting:
                return new WriteAnswer(200, ShownObject.Of(binding, deleting.Object with { Kept = current.Kept }, await transactions.VersionAsync(scope, deleting.Object, ct)));
            case ObjectOutcome.InUse waits:
                if (http is not null) CheckedBody.Warn(http, $"{waits.Problem.WithoutHiddenNames(CallerRights.Of(http)).Detail} It goes when it is free.");
                return await MarkAsync(scope, binding, current, null, ct);
            case ObjectOutcome.Refused refused when refused.Problem.Code == ProblemCodes.InUse:
                return new FailureStatus(403, StatusReason.Forbidden, $"{definition.QualifiedName} \"{name}\" is forbidden: {refused.Problem.Detail}") { Definition = definition, Name = name };
            case ObjectOutcome.Refused refused:
                return ObjectTransactions.ToFailure(binding, name, refused);
            case var other:
                throw new InvalidOperationException($"A deletion came to {other.GetType().Name}");
        }
    }

    /// <summary>With which finalizer an object waits for those that belong to it; null: it need not.</summary>
    private static async Task<string?> FinalizerAsync(WriteScope scope, BoundObject current, DeletionPropagation propagation, CancellationToken ct)
    {
        if (propagation == DeletionPropagation.Background || current.Kept?.DeletingAt is not null) return null;
        if ((await KubernetesObjectTable.DependentsAsync(scope.Connection, current.Uid, current.Namespace ?? "", ct)).Count == 0) return null;
        return propagation == DeletionPropagation.Orphan ? ObjectOwners.Orphan : ObjectOwners.Foreground;
    }

    /// <param name="scope">The transaction.</param>
    /// <param name="binding">Of the object.</param>
    /// <param name="current">The object, locked.</param>
    /// <param name="finalizer">What it waits for besides; null: nothing.</param>
    /// <param name="ct">Ends the statements.</param>
    private async Task<WriteAnswer> MarkAsync(WriteScope scope, IObjectBinding binding, BoundObject current, string? finalizer, CancellationToken ct)
    {
        var row = current.Kept
            ?? new KubernetesObjectRow(binding.Definition.QualifiedName, current.Uid, current.Namespace ?? "", current.Name, "{}", current.Resource is null, 1, scope.Now, null);
        if (row.DeletingAt is null)
        {
            row = row with { DeletingAt = scope.Now };
            if (finalizer is not null) row = row with { Document = Metadata.WithFinalizer(row.Document, finalizer) };
            await ObjectTransactions.KeepAsync(scope, binding, row, ChangeVerb.Modified, ct);
            if (finalizer is not null) await scope.ExecuteAsync([KubernetesObjectTable.CheckOwnersOf(current.Uid)], ct);
        }

        return new WriteAnswer(200, ShownObject.Of(binding, current with { Kept = row }, await transactions.VersionAsync(scope, current, ct)));
    }

    private static async Task<WriteAnswer> GoneAsync(WriteScope scope, IObjectBinding binding, BoundObject current, JsonObject last, CancellationToken ct)
    {
        var definition = binding.Definition;
        if (current.Kept is { } kept)
        {
            if (kept.IsAlone) scope.Changes.Deleted(ResourceKind.KubernetesObject, current.Namespace, $"{kept.Resource}/{kept.Name}", current.Uid, last.ToJsonString());
            await scope.SaveAsync(ct);
            await scope.ExecuteAsync([KubernetesObjectTable.Delete(kept.Resource, kept.Uid)], ct);
        }

        var details = new JsonObject { ["name"] = current.Name };
        if (definition.Group.Length > 0) details["group"] = definition.Group;
        details["kind"] = definition.Plural;
        details["uid"] = current.Uid.ToString();
        return new WriteAnswer(200, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        });
    }
}
