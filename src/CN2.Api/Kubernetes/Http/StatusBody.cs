using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Json;

namespace CN2.Api.Kubernetes.Http;

/// <summary>An error as the Kubernetes API answers it (<c>v1</c> Status, metav1.StatusReason): made of the problem that <c>/v1</c> would answer.</summary>
internal static class StatusBody
{
    /// <summary>The HTTP status of a problem in the Kubernetes API; an object that was read and is not valid is 422 there.</summary>
    public static int CodeOf(ApiProblem problem) => problem.Code switch
    {
        ProblemCodes.ValidationFailed or ProblemCodes.ImmutableField or ProblemCodes.AddressOutOfRange => StatusCodes.Status422UnprocessableEntity,
        ProblemCodes.PreconditionFailed => StatusCodes.Status409Conflict,
        _ => problem.Status,
    };

    /// <param name="problem">The problem.</param>
    /// <param name="subject">What the request is about; null: no object.</param>
    public static JsonObject Of(ApiProblem problem, StatusSubject? subject)
    {
        var code = CodeOf(problem);
        var causes = Causes(problem, subject);
        var details = new JsonObject();
        if (subject is not null)
        {
            if (subject.Name is not null) details["name"] = subject.Name;
            if (subject.Resource.Group.Length > 0) details["group"] = subject.Resource.Group;
            // Kubernetes names the kind of an object that is not valid, and else the collection.
            details["kind"] = code == StatusCodes.Status422UnprocessableEntity ? subject.Resource.Kind : subject.Resource.Plural;
        }

        if (causes.Count > 0) details["causes"] = new JsonArray([.. causes]);
        if (problem.RetryAfterSeconds is { } seconds) details["retryAfterSeconds"] = seconds;
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message(problem, subject, causes),
            ["reason"] = ReasonOf(problem),
        };
        if (details.Count > 0) status["details"] = details;
        status["code"] = code;
        return status;
    }

    /// <summary>The word that programs branch on.</summary>
    public static string ReasonOf(ApiProblem problem) => problem.Code switch
    {
        ProblemCodes.ValidationFailed or ProblemCodes.ImmutableField or ProblemCodes.AddressOutOfRange => "Invalid",
        ProblemCodes.NotFound => "NotFound",
        ProblemCodes.AlreadyExists => "AlreadyExists",
        ProblemCodes.MethodNotAllowed => "MethodNotAllowed",
        ProblemCodes.UnsupportedMediaType => "UnsupportedMediaType",
        ProblemCodes.PayloadTooLarge => "RequestEntityTooLarge",
        ProblemCodes.TokenTooOld => "Expired",
        ProblemCodes.TooManyRequests => "TooManyRequests",
        ProblemCodes.Unavailable => "ServiceUnavailable",
        ProblemCodes.InternalError => "InternalError",
        ProblemCodes.MalformedJson or ProblemCodes.BadRequest => "BadRequest",
        _ => problem.Status switch
        {
            StatusCodes.Status404NotFound => "NotFound",
            StatusCodes.Status406NotAcceptable => "NotAcceptable",
            StatusCodes.Status409Conflict or StatusCodes.Status412PreconditionFailed => "Conflict",
            StatusCodes.Status410Gone => "Expired",
            StatusCodes.Status422UnprocessableEntity => "Invalid",
            _ => "BadRequest",
        },
    };

    public static byte[] ToBytes(JsonObject status) => System.Text.Json.JsonSerializer.SerializeToUtf8Bytes<JsonNode>(status, ApiJson.Options);

    private static List<JsonObject> Causes(ApiProblem problem, StatusSubject? subject)
    {
        var causes = new List<JsonObject>();
        if (problem.Errors is null || problem.Code == ProblemCodes.MalformedJson) return causes;
        foreach (var (path, messages) in problem.Errors)
        {
            var field = path == "$" ? "" : subject?.ToObjectPath?.Invoke(path) ?? path;
            foreach (var message in messages)
            {
                var cause = new JsonObject { ["reason"] = ReasonOf(message), ["message"] = Sentence(message) };
                if (field.Length > 0) cause["field"] = field;
                causes.Add(cause);
            }
        }

        return causes;
    }

    private static string ReasonOf(string message) =>
        message.StartsWith("Required value", StringComparison.Ordinal) || message == "is required" ? "FieldValueRequired"
        : message.StartsWith("Unsupported value", StringComparison.Ordinal) ? "FieldValueNotSupported"
        : message.StartsWith("Forbidden", StringComparison.Ordinal) ? "FieldValueForbidden"
        : message.StartsWith("Duplicate value", StringComparison.Ordinal) ? "FieldValueDuplicate"
        : "FieldValueInvalid";

    /// <summary>A fault that <c>/v1</c> found has no such beginning as Kubernetes gives to each.</summary>
    private static string Sentence(string message) => message.Contains(" value: ", StringComparison.Ordinal) || message.StartsWith("Required value", StringComparison.Ordinal)
        || message.StartsWith("Forbidden", StringComparison.Ordinal) ? message : $"Invalid value: {message}";

    private static string Message(ApiProblem problem, StatusSubject? subject, List<JsonObject> causes)
    {
        if (subject is null) return problem.Detail;
        var resource = subject.Resource.Group.Length == 0 ? subject.Resource.Plural : $"{subject.Resource.Plural}.{subject.Resource.Group}";
        switch (ReasonOf(problem))
        {
            case "NotFound" when subject.Name is not null: return $"{resource} \"{subject.Name}\" not found";
            case "AlreadyExists" when subject.Name is not null: return $"{resource} \"{subject.Name}\" already exists";
            case "Conflict": return $"Operation cannot be fulfilled on {resource} \"{subject.Name}\": {problem.Detail}";
            case "Invalid" when causes.Count > 0:
                var kind = subject.Resource.Group.Length == 0 ? subject.Resource.Kind : $"{subject.Resource.Kind}.{subject.Resource.Group}";
                var faults = causes.ConvertAll(c => c["field"] is { } field ? $"{field}: {c["message"]}" : $"{c["message"]}");
                return $"{kind} \"{subject.Name}\" is invalid: {(faults.Count == 1 ? faults[0] : $"[{string.Join(", ", faults)}]")}";
            default: return problem.Detail;
        }
    }
}
