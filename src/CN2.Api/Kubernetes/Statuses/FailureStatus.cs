using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Statuses;

/// <summary>A refusal as Kubernetes answers it: an object of kind Status.</summary>
/// <param name="Code">The HTTP status code.</param>
/// <param name="Reason">One of <see cref="StatusReason"/>.</param>
/// <param name="Message">A sentence for people; kubectl shows it.</param>
internal sealed record FailureStatus(int Code, string Reason, string Message)
{
    /// <summary>Whose kind it is about; null: none.</summary>
    public ResourceDefinition? Definition { get; init; }

    /// <summary>The name of the object.</summary>
    public string? Name { get; init; }

    public IReadOnlyList<StatusCause> Causes { get; init; } = [];

    /// <summary>Seconds until a retry can succeed; sent as <c>Retry-After</c> as well.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <inheritdoc cref="Http.ApiProblem.WithoutHiddenNames"/>
    public FailureStatus WithoutHiddenNames(CallerRights? rights) => rights?.Visible is null ? this : this with
    {
        Message = HiddenNames.Hide(Message, rights),
        Causes = [.. Causes.Select(c => c with { Message = HiddenNames.Hide(c.Message, rights) })],
    };

    public static FailureStatus BadRequest(string message, params IReadOnlyList<StatusCause> causes) => new(400, StatusReason.BadRequest, message) { Causes = causes };

    public static FailureStatus NotFound(ResourceDefinition definition, string name) =>
        new(404, StatusReason.NotFound, $"{definition.QualifiedName} \"{name}\" not found") { Definition = definition, Name = name };

    public static FailureStatus AlreadyExists(ResourceDefinition definition, string name, bool isBeingDeleted = false) =>
        new(409, StatusReason.AlreadyExists, $"{(isBeingDeleted ? "object is being deleted: " : "")}{definition.QualifiedName} \"{name}\" already exists") { Definition = definition, Name = name };

    public static FailureStatus Conflict(ResourceDefinition definition, string name, string why) =>
        new(409, StatusReason.Conflict, $"Operation cannot be fulfilled on {definition.QualifiedName} \"{name}\": {why}") { Definition = definition, Name = name };

    /// <summary>Nothing is created in a namespace that is being deleted.</summary>
    public static FailureStatus NamespaceTerminating(ResourceDefinition definition, string name, string ns) => new(
        403, StatusReason.Forbidden, $"{definition.QualifiedName} \"{name}\" is forbidden: unable to create new content in namespace {ns} because it is being terminated")
    {
        Definition = definition,
        Name = name,
        Causes = [new StatusCause("NamespaceTerminating", $"namespace {ns} is being terminated", "metadata.namespace")],
    };

    public static FailureStatus Modified(ResourceDefinition definition, string name) =>
        Conflict(definition, name, "the object has been modified; please apply your changes to the latest version and try again");

    /// <summary>422; the message names every fault.</summary>
    public static FailureStatus Invalid(ResourceDefinition definition, string name, params IReadOnlyList<StatusCause> causes)
    {
        var kind = definition.Group.Length == 0 ? definition.Kind : $"{definition.Kind}.{definition.Group}";
        var faults = Sentences(causes);
        var text = faults.Count == 1 ? faults[0] : $"[{string.Join(", ", faults)}]";
        return new(422, StatusReason.Invalid, $"{kind} \"{name}\" is invalid: {text}") { Definition = definition, Name = name, Causes = causes };
    }

    /// <summary>422 for the options of a request, such as <c>PatchOptions</c>.</summary>
    public static FailureStatus InvalidOptions(string kind, IReadOnlyList<StatusCause> causes) =>
        new(422, StatusReason.Invalid, $"{kind}.meta.k8s.io \"\" is invalid: {string.Join(", ", Sentences(causes))}") { Causes = causes };

    public static FailureStatus Expired(string message) => new(410, StatusReason.Expired, message);

    public static FailureStatus UnsupportedMediaType(params IReadOnlyList<string> accepted) => new(415, StatusReason.UnsupportedMediaType,
        $"the body of the request was in an unknown format - accepted media types include: {string.Join(", ", accepted)}");

    public static FailureStatus MethodNotAllowed() => new(405, StatusReason.MethodNotAllowed, "the server does not allow this method on the requested resource");

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
            ["reason"] = Reason,
        };
        var details = new JsonObject();
        if (Name is not null) details["name"] = Name;
        if (Definition is { Group.Length: > 0 }) details["group"] = Definition.Group;
        if (Definition is not null) details["kind"] = Reason == StatusReason.Invalid ? Definition.Kind : Definition.Plural;
        if (Causes.Count > 0) details["causes"] = new JsonArray([.. Causes.Select(ToJson)]);
        if (RetryAfterSeconds is { } seconds) details["retryAfterSeconds"] = seconds;
        if (details.Count > 0) json["details"] = details;
        json["code"] = Code;
        return json;
    }

    private static List<string> Sentences(IReadOnlyList<StatusCause> causes) => [.. causes.Select(c => c.Field is null ? c.Message : $"{c.Field}: {c.Message}")];

    private static JsonObject ToJson(StatusCause cause)
    {
        var json = new JsonObject { ["reason"] = cause.Reason, ["message"] = cause.Message };
        if (cause.Field is not null) json["field"] = cause.Field;
        return json;
    }
}
