using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Access;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Writes;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>POST, and an apply of what does not exist.</summary>
internal sealed class ObjectCreation(ObjectTransactions transactions, TimeProvider time)
{
    public async Task PostAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var answer = await AnswerAsync(http, binding, ns);
        await answer.SendAsync(http);
    }

    private async Task<WriteAnswer> AnswerAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var (options, unreadable) = WriteOptions.Read(http.Request.Query, "CreateOptions");
        if (unreadable is not null) return unreadable;
        var (body, unread) = await RequestObject.ReadAsync(http, binding.Definition);
        if (unread is not null) return unread;
        var (given, refused) = CheckedBody.Check(http, body!.Object, binding, body.Faults, options!.Validation);
        return refused is not null ? refused : await CreateAsync(http, binding, ns, given!, options);
    }

    private async Task<WriteAnswer> CreateAsync(HttpContext http, IObjectBinding binding, string? ns, JsonObject given, WriteOptions options)
    {
        var (draft, refused) = Draft(binding, ns, given, options.ManagerOf(http.Request));
        refused ??= ObjectVisibility.RefusalOfCreate(http, binding, draft!.Name);
        if (refused is not null) return refused;
        RequestFindings.Of(http).Name = draft!.Name;
        if (binding is not IGroupedBinding grouped || options.IsDryRun)
            return await transactions.RunAsync(http, binding, draft.Name, options.IsDryRun, false, (scope, ct) => CreateAsync(scope, binding, draft, ct));
        try
        {
            switch (await grouped.CreateGroupedAsync(draft with { Origin = AuditOrigin.Of(http), Rights = CallerRights.Of(http) }, http.RequestAborted))
            {
                case ObjectOutcome.Stored { Moment: { } moment } stored:
                    return Answer(binding, stored.Object, RowOf(binding, draft, stored.Object, time.GetUtcNow()), ResourceVersion.Of(moment.EpochBegan, moment.Transaction));
                case ObjectOutcome.Refused no:
                    return ObjectTransactions.ToFailure(binding, draft.Name, no, draft.Object);
                case var other:
                    throw new InvalidOperationException($"A create came to {other.GetType().Name}");
            }
        }
        catch (Exception e) when (PostgresErrors.Find(e) is { } error && ConstraintProblems.For(error, http) is { } problem)
        {
            return ObjectTransactions.ToFailure(binding, draft.Name, problem, false);
        }
    }

    /// <summary>The object to be created, with its owners of fields. Exactly one of the results is set.</summary>
    private (ObjectDraft? Draft, FailureStatus? Refused) Draft(IObjectBinding binding, string? ns, JsonObject given, FieldManager manager)
    {
        var (name, refused) = Metadata.Begin(given, binding.Definition, ns);
        if (refused is not null) return (null, CheckedBody.WithMore(refused, binding, new ObjectDraft(ns, name ?? "", given), isNew: true));
        if (binding.Definition.Subresources.Any(s => s.Name == "status")) given.Remove("status");
        return ManagedFields.Update(binding.Definition, null, given, manager, time.GetUtcNow()) switch
        {
            PatchResult.Done done => (new ObjectDraft(ns, name!, done.Object), null),
            PatchResult.Refused no => (null, PatchFailure.Of(no, binding.Definition, name!)),
            _ => throw new InvalidOperationException("An update has no conflicts"),
        };
    }

    /// <summary>Creates inside a transaction of the caller.</summary>
    public async Task<WriteAnswer> CreateAsync(WriteScope scope, IObjectBinding binding, ObjectDraft draft, CancellationToken ct)
    {
        switch (await binding.CreateAsync(scope, draft, ct))
        {
            case ObjectOutcome.Refused refused:
                return ObjectTransactions.ToFailure(binding, draft.Name, refused, draft.Object);
            case ObjectOutcome.Stored stored:
                if (await AloneAsync(scope, binding, stored.Object, ct) is { } tooMany) return tooMany;
                var row = RowOf(binding, draft, stored.Object, scope.Now) with { ByOperator = scope.Rights.IsOperator };
                ObjectAudit.Note(scope, binding, stored.Object, row, null, null);
                if (!stored.IsKept) await ObjectTransactions.KeepAsync(scope, binding, row, ChangeVerb.Added, ct);
                return Answer(binding, stored.Object, row, await transactions.VersionAsync(scope, stored.Object, ct));
            case var other:
                throw new InvalidOperationException($"A create came to {other.GetType().Name}");
        }
    }

    /// <summary>The refusal of one more object that has no resource of <c>/v1</c> yet, and so counts in no quota. Null: there is room.</summary>
    private static async Task<FailureStatus?> AloneAsync(WriteScope scope, IObjectBinding binding, BoundObject stored, CancellationToken ct)
    {
        if (stored.Resource is not null || stored.Namespace is not { } ns) return null;
        var definition = binding.Definition;
        var most = binding.MostAlone;
        if (await KubernetesObjectTable.CountAloneAsync(scope.Connection, definition.QualifiedName, ns, most, ct) < most) return null;
        return new FailureStatus(403, StatusReason.Forbidden, $"{definition.QualifiedName} \"{stored.Name}\" is forbidden: {most} {definition.Plural} of Namespace {ns} wait already, which is the most; complete or delete some of them first.")
        {
            Definition = definition,
            Name = stored.Name,
        };
    }

    private static WriteAnswer Answer(IObjectBinding binding, BoundObject stored, KubernetesObjectRow row, ResourceVersion version) =>
        new(201, ShownObject.Of(binding, stored with { Kept = row }, version));

    private static KubernetesObjectRow RowOf(IObjectBinding binding, ObjectDraft draft, BoundObject stored, DateTimeOffset now) =>
        draft.ToRow(binding, stored.Uid, stored.Resource is null, now);
}
