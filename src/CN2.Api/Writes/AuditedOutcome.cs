using CN2.Api.Audit;
using CN2.Api.Json;

namespace CN2.Api.Writes;

/// <summary>What the audit log has of the outcome of a request to <c>/v1</c>.</summary>
internal static class AuditedOutcome
{
    /// <summary>Adds the entries of a decision that was not refused, unless it has added them itself, as those do that share a transaction.</summary>
    public static void Note(WriteScope scope, AuditOrigin origin, WriteOutcome outcome, int status)
    {
        var audit = scope.Audit;
        if (audit.Entries.Count > 0) return;
        switch (outcome)
        {
            case WriteOutcome.Created created:
                audit.Add(new AuditEntry(origin, scope.Now, Of(created.Resource), status));
                break;
            case WriteOutcome.Saved saved:
                audit.Add(new AuditEntry(origin, scope.Now, Of(saved.Resource), status) { Changes = audit.ChangesOf(saved.Resource) });
                break;
            case WriteOutcome.Deleting deleting:
                audit.Add(new AuditEntry(origin, scope.Now, Of(deleting.Resource), status));
                break;
            case WriteOutcome.Done { Resources: { } resources }:
                foreach (var resource in resources) audit.Add(new AuditEntry(origin, scope.Now, Of(resource), status) { Changes = audit.ChangesOf(resource) });
                break;
            default:
                audit.Add(new AuditEntry(origin, scope.Now, audit.Subject ?? AuditSubject.Of(origin.Target), status) { Changes = audit.SubjectChanges });
                break;
        }
    }

    public static AuditSubject Of(ResourceBody resource) => new(resource.Collection, resource.Namespace, resource.Name, resource.Uid, resource.Generation);
}
