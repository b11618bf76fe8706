using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

internal static class PatchFailure
{
    public static FailureStatus Of(PatchResult.Refused refused, ResourceDefinition definition, string name) => refused.Reason switch
    {
        PatchRefusal.Malformed => FailureStatus.BadRequest(refused.Message),
        PatchRefusal.TooLarge => new(413, StatusReason.RequestEntityTooLarge, refused.Message),
        _ => FailureStatus.Invalid(definition, name, new StatusCause(StatusCause.Invalid, refused.Message, null)),
    };

    public static FailureStatus Of(PatchResult.Conflicted conflicted) => new(409, StatusReason.Conflict, conflicted.Message)
    {
        Causes = [.. conflicted.Conflicts.Select(c => new StatusCause(FieldConflict.CauseReason, c.CauseMessage, c.Field))],
    };
}
