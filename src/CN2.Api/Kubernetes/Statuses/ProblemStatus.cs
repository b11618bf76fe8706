using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Statuses;

/// <summary>A problem of <c>/v1</c> as a Status.</summary>
internal sealed class ProblemStatus : IProblemForm
{
    public (int Status, byte[] Body) Write(HttpContext http, ApiProblem problem)
    {
        var status = Of(problem, http.GetEndpoint()?.Metadata.GetMetadata<ResourceDefinition>(), http.GetRouteValue("name") as string, path => path);
        return (status.Code, JsonSerializer.SerializeToUtf8Bytes(status.ToJson()));
    }

    /// <param name="problem">What <c>/v1</c> says.</param>
    /// <param name="definition">Of the object; null: the path is of no resource.</param>
    /// <param name="name">Of the object, when it is known.</param>
    /// <param name="toObjectPath">Translates the paths of faults.</param>
    /// <param name="source">The object, whose values the sentences name; null: it is not known.</param>
    public static FailureStatus Of(ApiProblem problem, ResourceDefinition? definition, string? name, Func<string, string> toObjectPath, JsonObject? source = null)
    {
        var causes = CausesOf(problem, toObjectPath, source);
        if (definition is not null && name is not null)
        {
            switch (problem.Code)
            {
                case ProblemCodes.NotFound when definition != NamespaceSchema.Definition && NamespaceOf(problem) is { } ns:
                    return FailureStatus.NotFound(NamespaceSchema.Definition, ns);
                case ProblemCodes.NotFound:
                    return FailureStatus.NotFound(definition, name);
                case ProblemCodes.BeingDeleted when definition != NamespaceSchema.Definition && NamespaceOf(problem) is { } ns:
                    return FailureStatus.NamespaceTerminating(definition, name, ns);
                case ProblemCodes.AlreadyExists or ProblemCodes.BeingDeleted:
                    return FailureStatus.AlreadyExists(definition, name, problem.Code == ProblemCodes.BeingDeleted);
                case ProblemCodes.ValidationFailed or ProblemCodes.ImmutableField or ProblemCodes.AddressOutOfRange:
                    return FailureStatus.Invalid(definition, name, causes);
                case ProblemCodes.NodePortInUse:
                    return FailureStatus.Invalid(definition, name, About(problem, "spec.ports", "provided port is already allocated", toObjectPath, source));
                case ProblemCodes.AddressInUse or ProblemCodes.InfrastructureAddress:
                    return FailureStatus.Invalid(definition, name, About(problem, "spec", problem.Detail, toObjectPath, source));
                case var _ when problem.Status == 409:
                    return FailureStatus.Conflict(definition, name, problem.Detail);
            }
        }

        var reason = problem.Status switch
        {
            401 => StatusReason.Unauthorized,
            403 => StatusReason.Forbidden,
            404 => StatusReason.NotFound,
            405 => StatusReason.MethodNotAllowed,
            409 => StatusReason.Conflict,
            410 => StatusReason.Expired,
            413 => StatusReason.RequestEntityTooLarge,
            415 => StatusReason.UnsupportedMediaType,
            429 => StatusReason.TooManyRequests,
            503 => StatusReason.ServiceUnavailable,
            >= 500 => StatusReason.InternalError,
            _ => StatusReason.BadRequest,
        };
        return new FailureStatus(problem.Status, reason, problem.Status == 404 && definition is null ? "the server could not find the requested resource" : problem.Detail)
        {
            Definition = definition,
            Name = name,
            Causes = causes,
            RetryAfterSeconds = problem.RetryAfterSeconds,
        };
    }

    /// <summary>The namespace that the problem is about; null: it is about something else.</summary>
    private static string? NamespaceOf(ApiProblem problem) =>
        problem.Detail.StartsWith("Namespace ", StringComparison.Ordinal) ? problem.Detail["Namespace ".Length..].Split(' ')[0] : null;

    /// <summary>A conflict about members of the object, or about one that has them all.</summary>
    private static StatusCause[] About(ApiProblem problem, string otherwise, string message, Func<string, string> toObjectPath, JsonObject? source) =>
        problem.Paths.Count == 0 ? [new StatusCause(StatusCause.Invalid, problem.Detail, otherwise)] : [.. problem.Paths.Select(p => StatusCause.Of(source, toObjectPath(p), message))];

    private static List<StatusCause> CausesOf(ApiProblem problem, Func<string, string> toObjectPath, JsonObject? source) =>
    [
        .. from fault in problem.Errors ?? new Dictionary<string, string[]>()
           from message in fault.Value
           select fault.Key == "$" ? new StatusCause(StatusCause.Invalid, message, null) : StatusCause.Of(source, toObjectPath(fault.Key), message),
    ];
}
