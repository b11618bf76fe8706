using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Writes;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What takes the place of an object: of a PUT or a PATCH, for the object or its subresource <c>status</c>.</summary>
internal sealed class ObjectUpdate(ObjectTransactions transactions, ObjectVersions versions, ObjectDeletion deletion, TimeProvider time)
{
    /// <summary>Makes the new object of the current one. Exactly one of the results is set.</summary>
    public delegate (JsonObject? Updated, FailureStatus? Refused) Change(JsonObject current);

    /// <summary>Changes an object inside a transaction. What changes nothing writes nothing.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="target">What is changed.</param>
    /// <param name="current">As locked in the transaction.</param>
    /// <param name="change">The new object, checked against its form, with its defaults.</param>
    /// <param name="ct">Ends the statements.</param>
    public async Task<WriteAnswer> ChangeAsync(WriteScope scope, UpdateTarget target, BoundObject current, Change change, CancellationToken ct)
    {
        var (binding, definition) = (target.Binding, target.Binding.Definition);
        var shown = ShownObject.Of(binding, current, await transactions.VersionAsync(scope.Connection, current, ct));
        var (updated, refused) = change((JsonObject)shown.DeepClone());
        if (updated is null) return refused!;
        if (await CheckVersionAsync(scope, target, current, shown, updated, ct) is { } stale) return stale;
        if (target.Subresource == "status") updated = WithStatus(shown, updated);
        if (Metadata.Continue(updated, shown, definition, target.Namespace, target.Name) is { } wrong)
            return CheckedBody.WithMore(wrong, binding, new ObjectDraft(target.Namespace, target.Name, updated), isNew: false);
        if (target.Subresource.Length == 0 && definition.Subresources.Any(s => s.Name == "status")) PutStatus(updated, shown["status"]);
        if (target.Subresource.Length == 0 && Immutables(binding, shown, updated) is { Count: > 0 } fixedFields)
            return CheckedBody.WithMore(FailureStatus.Invalid(definition, target.Name, fixedFields), binding, new ObjectDraft(target.Namespace, target.Name, updated), isNew: false);
        if (!target.IsApply)
        {
            switch (ManagedFields.Update(definition, shown, updated, target.Manager, time.GetUtcNow()))
            {
                case PatchResult.Done done: updated = done.Object; break;
                case PatchResult.Refused no: return PatchFailure.Of(no, definition, target.Name);
            }
        }

        ObjectAudit.Note(scope, binding, current, current.Kept, null, null);
        if (JsonNode.DeepEquals(shown, updated)) return new WriteAnswer(200, shown);
        var draft = new ObjectDraft(target.Namespace, target.Name, updated);
        // Of an object that is being deleted only what is kept may change, such as its finalizers.
        var outcome = target.Subresource.Length > 0 ? await binding.ReplaceSubresourceAsync(scope, target.Subresource, current, draft, ct)
            : IsOnlyKept(shown, updated) ? new ObjectOutcome.Stored(current)
            : await binding.ReplaceAsync(scope, current, draft, ct);
        switch (outcome)
        {
            case ObjectOutcome.Refused no:
                return no.Problem.Code == ProblemCodes.BeingDeleted
                    ? FailureStatus.Conflict(definition, target.Name, "it is being deleted")
                    : ObjectTransactions.ToFailure(binding, target.Name, no, updated);
            case ObjectOutcome.Stored { IsKept: true } same:
                ObjectAudit.Note(scope, binding, same.Object, same.Object.Kept ?? current.Kept, shown, updated);
                return new WriteAnswer(200, ShownObject.Of(binding, same.Object, await transactions.VersionAsync(scope, same.Object, ct)));
            case ObjectOutcome.Stored stored:
                var row = RowOf(draft, target, current, stored.Object, shown, scope);
                ObjectAudit.Note(scope, binding, stored.Object, row, shown, updated);
                await ObjectTransactions.KeepAsync(scope, binding, row, ChangeVerb.Modified, ct);
                var answer = ShownObject.Of(binding, stored.Object with { Kept = row }, await transactions.VersionAsync(scope, stored.Object, ct));
                if (row.DeletingAt is null || Metadata.FinalizersOf(updated).Count > 0) return new WriteAnswer(200, answer);
                // The last finalizer is gone, so nothing keeps the object any more.
                var last = await deletion.FinishAsync(scope, binding, target.Namespace, target.Name, ct);
                return last?.Failure is not null ? last : new WriteAnswer(200, answer);
            case var other:
                throw new InvalidOperationException($"An update came to {other.GetType().Name}");
        }
    }

    private async Task<FailureStatus?> CheckVersionAsync(WriteScope scope, UpdateTarget target, BoundObject current, JsonObject shown, JsonObject updated, CancellationToken ct)
    {
        var named = Metadata.TextOf(updated, "resourceVersion");
        if (named is null or "0")
        {
            return target.IsPut && !target.Binding.Definition.IsNative
                ? FailureStatus.Invalid(target.Binding.Definition, target.Name, new StatusCause(StatusCause.Invalid, "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"))
                : null;
        }

        if (named == Metadata.TextOf(shown, "resourceVersion")) return null;
        if (!ResourceVersion.TryParse(named, out var version))
            return FailureStatus.BadRequest($"metadata.resourceVersion: Invalid value: \"{named}\": must be a number", new StatusCause(StatusCause.Invalid, "must be a number", "metadata.resourceVersion"));
        return await versions.IsStaleAsync(scope.Connection, current.ChangedUid, version, ct) ? FailureStatus.Modified(target.Binding.Definition, target.Name) : null;
    }

    private static JsonObject WithStatus(JsonObject shown, JsonObject updated)
    {
        var result = (JsonObject)shown.DeepClone();
        PutStatus(result, updated["status"]);
        return result;
    }

    private static void PutStatus(JsonObject target, JsonNode? status)
    {
        if (status is null) target.Remove("status");
        else target["status"] = status.DeepClone();
    }

    private static List<StatusCause> Immutables(IObjectBinding binding, JsonObject shown, JsonObject updated)
    {
        var faults = new List<StatusCause>();
        foreach (var path in binding.Immutable)
        {
            if (Find(shown, path) is not { } had || Find(updated, path) is not { } has || has.ToString().Length == 0) continue;
            var same = had is JsonArray old && has is JsonArray now
                ? old.Zip(now).All(p => JsonNode.DeepEquals(p.First, p.Second)) : JsonNode.DeepEquals(had, has);
            if (!same) faults.Add(new(StatusCause.Invalid, $"Invalid value: {has.ToJsonString()}: may not change once set", path));
        }

        faults.AddRange(binding.FaultsOfChange(shown, updated).Select(f => StatusCause.Of(updated, f.Path, f.Message)));
        return faults;
    }

    private static JsonNode? Find(JsonNode? node, string path)
    {
        foreach (var member in path.Split('.')) node = (node as JsonObject)?[member];
        return node;
    }

    /// <summary>The object is being deleted, and nothing but finalizers, owners and managers differs.</summary>
    private static bool IsOnlyKept(JsonObject shown, JsonObject updated)
    {
        if (Metadata.TextOf(shown, "deletionTimestamp") is null) return false;
        return JsonNode.DeepEquals(Bare(shown), Bare(updated));

        static JsonObject Bare(JsonObject whole)
        {
            var bare = (JsonObject)whole.DeepClone();
            foreach (var member in (string[])["finalizers", "ownerReferences", "managedFields"]) Metadata.Of(bare).Remove(member);
            return bare;
        }
    }

    private static KubernetesObjectRow RowOf(ObjectDraft draft, UpdateTarget target, BoundObject current, BoundObject stored, JsonObject shown, WriteScope scope)
    {
        var row = draft.ToRow(target.Binding, stored.Uid, stored.Resource is null, scope.Now) with { ByOperator = scope.Rights.IsOperator };
        if (current.Kept is not { } kept) return row;
        var grows = !JsonNode.DeepEquals(shown["spec"], draft.Object["spec"]);
        return row with
        {
            Generation = kept.Generation + (grows ? 1 : 0),
            CreatedAt = kept.CreatedAt,
            DeletingAt = kept.DeletingAt,
            // An operator who changes a label does not answer for what somebody else has asked for.
            ByOperator = scope.Rights.IsOperator && (grows || kept.ByOperator),
        };
    }
}
