namespace CN2.Api.Audit;

/// <summary>A write, or a refusal.</summary>
/// <param name="At">When.</param>
/// <param name="Caller">Who asked.</param>
/// <param name="Source">The address of the caller; null: there was no network.</param>
/// <param name="RequestId">The `X-Request-Id` of request and answer.</param>
/// <param name="Method">The HTTP method; CLI: a command of the server's program.</param>
/// <param name="Path">The path of the request.</param>
/// <param name="Verb">create, update, patch, delete; read, of a refusal; or an action, such as batch.</param>
/// <param name="Resource">The collection, such as services; of kinds that only the Kubernetes API has, their name there.</param>
/// <param name="Namespace">The namespace of what was written, of a Namespace its own name; null: it has none.</param>
/// <param name="Name">The name of what was written; null: it is not known.</param>
/// <param name="Uid">The uid of what was written; null: nothing was.</param>
/// <param name="Generation">The generation after the write; of a deletion the last one.</param>
/// <param name="Status">The status code of the answer.</param>
/// <param name="Code">Why it was refused; null: it was not.</param>
/// <param name="DryRun">Nothing was kept.</param>
/// <param name="Changes">The fields that differ since, such as `ports[0].port`, without values; of a new resource none.</param>
/// <param name="Repeated">How many refusals of this kind came within a second; otherwise 1.</param>
public sealed record AuditEntryBody(
    DateTimeOffset At, AuditCaller Caller, string? Source, string RequestId, string Method, string Path, string Verb, string? Resource, string? Namespace, string? Name, Guid? Uid,
    long? Generation, int Status, string? Code, bool DryRun, IReadOnlyList<string> Changes, int Repeated)
{
    internal static AuditEntryBody Of(AuditEntry entry) => new(
        entry.At, new AuditCaller(entry.Origin.CallerKind, entry.Origin.CallerName), entry.Origin.Source?.ToString(), entry.Origin.RequestId, entry.Origin.Method, entry.Origin.Path, entry.Verb,
        entry.Subject.Resource, entry.Subject.Namespace, entry.Subject.Name, entry.Subject.Uid, entry.Subject.Generation, entry.Status, entry.Code, entry.IsDryRun, entry.Changes, entry.Repeated);
}
