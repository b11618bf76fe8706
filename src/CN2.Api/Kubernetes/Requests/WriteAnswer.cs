using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What a write came to.</summary>
/// <param name="Code">The HTTP status code.</param>
/// <param name="Object">As it is now, or a Status.</param>
/// <param name="Failure">Nothing was written; <paramref name="Object"/> is null.</param>
internal sealed record WriteAnswer(int Code, JsonObject? Object, FailureStatus? Failure = null)
{
    public static implicit operator WriteAnswer(FailureStatus failure) => new(failure.Code, null, failure);

    public Task SendAsync(HttpContext http) => Failure is null ? ObjectAnswer.WriteAsync(http, Code, Object!) : ObjectAnswer.WriteAsync(http, Failure);
}
