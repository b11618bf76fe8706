using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Compares an object with its form, and answers what is wrong as Kubernetes does.</summary>
internal static class CheckedBody
{
    /// <summary>The most warnings of an answer: more would be a header that clients refuse.</summary>
    private const int MostWarnings = 20;

    /// <summary>The object with its defaults. Exactly one of the results is set.</summary>
    /// <param name="http">Gets a Warning header for each unknown field when the client wants it.</param>
    /// <param name="source">The object.</param>
    /// <param name="binding">Of its kind.</param>
    /// <param name="duplicates">What reading the body has found, such as <c>duplicate field "spec.type"</c>.</param>
    /// <param name="validation">What becomes of unknown fields.</param>
    /// <param name="isPatched">The object is the result of a patch: unknown fields are 422 instead of 400.</param>
    public static (JsonObject? Object, FailureStatus? Refused) Check(
        HttpContext http, JsonObject source, IObjectBinding binding, IReadOnlyList<string> duplicates, FieldValidation validation, bool isPatched = false)
    {
        var definition = binding.Definition;
        var name = (source["metadata"] as JsonObject)?["name"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
        if (WrongKind(source, definition) is { } wrong) return (null, wrong);
        if (FarTooMany(source, definition, name) is { } many) return (null, many);
        var found = ObjectCheck.Check(source, definition.Schema);
        var causes = found.Faults.Select(StatusCause.Of).ToList();
        var strict = duplicates.Concat(found.Unknown).ToList();
        if (validation == FieldValidation.Strict && strict.Count > 0)
        {
            var sentence = $"strict decoding error: {string.Join(", ", strict)}";
            if (isPatched) return (null, WithMore(FailureStatus.Invalid(definition, name, [new StatusCause(StatusCause.Invalid, sentence, "patch"), .. causes]), binding, DraftOf(http, name, found.Object), isNew: false));
            return (null, FailureStatus.BadRequest(
                $"{definition.Kind} in version \"{definition.Version}\" cannot be handled as a {definition.Kind}: {string.Join(", ", found.Faults.Select(f => $"{f.Path}: {f.Message}").Prepend(sentence))}",
                [.. strict.Select(s => new StatusCause(StatusCause.Invalid, s, FieldOf(s))), .. causes]));
        }

        if (causes.Count > 0)
        {
            // A native kind with a value of the wrong type cannot even be decoded.
            return (null, definition.IsNative && found.Faults.Any(f => f.Kind == ObjectFaultKind.Type)
                ? FailureStatus.BadRequest(
                    $"{definition.Kind} in version \"{definition.Version}\" cannot be handled as a {definition.Kind}: {string.Join(", ", found.Faults.Select(f => $"{f.Path}: {f.Message}"))}", causes)
                : WithMore(FailureStatus.Invalid(definition, name, causes), binding, DraftOf(http, name, found.Object), HttpMethods.IsPost(http.Request.Method)));
        }

        if (validation == FieldValidation.Warn)
        {
            foreach (var sentence in strict.Take(MostWarnings)) Warn(http, sentence);
        }

        found.Object["apiVersion"] = definition.ApiVersion;
        found.Object["kind"] = definition.Kind;
        return (found.Object, null);
    }

    /// <summary>A refusal (422) with everything else that is wrong with the object; of values that it names already nothing more. Other refusals stay as they are.</summary>
    public static FailureStatus WithMore(FailureStatus refused, IObjectBinding binding, ObjectDraft draft, bool isNew)
    {
        if (refused is not { Reason: StatusReason.Invalid, Definition: { } definition, Name: { } name }) return refused;
        var more = binding.FaultsOf(draft, isNew).Select(f => StatusCause.Of(draft.Object, f.Path, f.Message)).Concat(Metadata.FaultsOf(draft.Object))
            .Where(f => !refused.Causes.Any(k => k == f || IsAtOrBelow(k.Field ?? "", f.Field ?? "") || IsAtOrBelow(f.Field ?? "", k.Field ?? ""))).ToList();
        return more.Count == 0 ? refused : FailureStatus.Invalid(definition, name, [.. refused.Causes, .. more]);
    }

    /// <summary>With labels or annotations far beyond the limit, the rest of the object is not looked at: a refusal must be cheap.</summary>
    private static FailureStatus? FarTooMany(JsonObject source, ResourceDefinition definition, string name)
    {
        var causes = new List<StatusCause>();
        foreach (var (member, most) in ((string, int)[])[("labels", Limits.Labels), ("annotations", Limits.Annotations)])
            if ((source["metadata"] as JsonObject)?[member] is JsonObject { Count: var count } && count > most * 16) causes.Add(new(StatusCause.TooMany, $"Too many: {count}: must have at most {most} items", $"metadata.{member}"));
        return causes.Count == 0 ? null : FailureStatus.Invalid(definition, name, causes);
    }

    private static ObjectDraft DraftOf(HttpContext http, string name, JsonObject source) => new(http.GetRouteValue("ns") as string, name, source);

    private static bool IsAtOrBelow(string path, string other) =>
        path.StartsWith(other, StringComparison.Ordinal) && (path.Length == other.Length || path[other.Length] is '.' or '[');

    /// <summary>Adds a Warning header (RFC 7234), which kubectl shows.</summary>
    public static void Warn(HttpContext http, string sentence)
    {
        var text = new string([.. sentence.Where(c => c is >= ' ' and <= '~')]).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        http.Response.Headers.Append("Warning", $"299 - \"{text}\"");
    }

    private static FailureStatus? WrongKind(JsonObject source, ResourceDefinition definition)
    {
        foreach (var (member, expected, what) in ((string, string, string)[])[("apiVersion", definition.ApiVersion, "API version"), ("kind", definition.Kind, "kind")])
        {
            if (source[member] is not { } given) continue;
            if (given is not JsonValue value || !value.TryGetValue<string>(out var text)) return FailureStatus.BadRequest($"{member} must be a string");
            if (text.Length > 0 && text != expected) return FailureStatus.BadRequest($"the {what} in the data ({text}) does not match the expected {what} ({expected})");
        }

        return source["metadata"] is null or JsonObject ? null : FailureStatus.BadRequest("metadata must be an object");
    }

    private static string? FieldOf(string sentence) => sentence.Split('"') is [_, var field, ..] ? field : null;
}
