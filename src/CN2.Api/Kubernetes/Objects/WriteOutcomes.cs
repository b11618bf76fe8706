using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>What a write of a resource of <c>/v1</c> came to, as the outcome of its object.</summary>
internal static class WriteOutcomes
{
    /// <summary>Of a create or a replacement.</summary>
    public static ObjectOutcome ToOutcome(this WriteOutcome outcome, ObjectDraft draft) => outcome switch
    {
        WriteOutcome.Created created => new ObjectOutcome.Stored(created.Resource.Bind(draft.Namespace, draft.Name)) { Moment = created.Moment },
        WriteOutcome.Saved saved => new ObjectOutcome.Stored(saved.Resource.Bind(draft.Namespace, draft.Name)),
        WriteOutcome.Refused refused => refused.Problem,
        var other => throw new InvalidOperationException($"A write came to {other.GetType().Name}"),
    };

    /// <summary>Of a deletion that was refused: what is in use waits.</summary>
    public static ObjectOutcome ToDeletion(this ApiProblem problem) => problem.Code == ProblemCodes.InUse ? new ObjectOutcome.InUse(problem) : problem;

    /// <summary>The object of a resource. What is kept of it is not read.</summary>
    public static BoundObject Bind(this ResourceBody resource, string? ns, string name) => new(resource.Uid, ns, name, RequestReader.ToJson(resource), null);
}
