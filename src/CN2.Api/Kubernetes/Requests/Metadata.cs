using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What a client may say in <c>metadata</c>, and what the server says there.</summary>
internal static class Metadata
{
    /// <summary>The most finalizers and owners of an object.</summary>
    private const int Most = 64;

    /// <summary>What every owner reference must say.</summary>
    private static readonly string[] OwnerMembers = ["apiVersion", "kind", "name", "uid"];

    /// <summary>A generated name has so many random characters; no vowels, so that they make no words.</summary>
    private const int Random = 5;
    private const string Letters = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>The longest generateName whose beginning is used: the rest fits the random characters into 63.</summary>
    private const int LongestBase = 63 - Random;

    /// <summary>Set by the server alone.</summary>
    private static readonly string[] OfServer = ["resourceVersion", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"];

    public static JsonObject Of(JsonObject source)
    {
        if (source["metadata"] is not JsonObject metadata) source["metadata"] = metadata = [];
        return metadata;
    }

    public static string? TextOf(JsonObject source, string member) =>
        (source["metadata"] as JsonObject)?[member] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    public static IReadOnlyList<string> FinalizersOf(JsonObject source) =>
        (source["metadata"] as JsonObject)?["finalizers"] is JsonArray list ? [.. list.Select(f => f!.ToString())] : [];

    /// <summary>The document of an object with one more finalizer.</summary>
    public static string WithFinalizer(string document, string finalizer)
    {
        var source = (JsonObject)JsonNode.Parse(document)!;
        var metadata = Of(source);
        if (metadata["finalizers"] is not JsonArray finalizers) metadata["finalizers"] = finalizers = [];
        finalizers.Add(finalizer);
        return source.ToJsonString();
    }

    /// <summary>Makes the metadata of a new object. The name of the object, or what is wrong.</summary>
    public static (string? Name, FailureStatus? Refused) Begin(JsonObject source, ResourceDefinition definition, string? ns)
    {
        if (TextOf(source, "resourceVersion") is not null) return (null, FailureStatus.BadRequest("resourceVersion should not be set on objects to be created"));
        if (WrongNamespace(source, definition, ns) is { } wrong) return (null, wrong);
        var metadata = Of(source);
        foreach (var member in OfServer) metadata.Remove(member);
        if (ns is not null) metadata["namespace"] = ns;
        else metadata.Remove("namespace");
        var name = TextOf(source, "name");
        if (name is null)
        {
            if (TextOf(source, "generateName") is not { } beginning)
                return (null, FailureStatus.Invalid(definition, "", new StatusCause(StatusCause.Required, "Required value: name or generateName is required", "metadata.name")));
            metadata["name"] = name = (beginning.Length > LongestBase ? beginning[..LongestBase] : beginning) + RandomNumberGenerator.GetString(Letters, Random);
        }

        return (name, FaultsOf(source) is { Count: > 0 } faults ? FailureStatus.Invalid(definition, name, faults) : null);
    }

    /// <summary>Takes over what the server has said of the stored object. Null: go on.</summary>
    /// <param name="source">What takes its place; it is changed.</param>
    /// <param name="current">The object as it is shown now.</param>
    /// <param name="definition">Of its kind.</param>
    /// <param name="ns">Of the path.</param>
    /// <param name="name">Of the path.</param>
    public static FailureStatus? Continue(JsonObject source, JsonObject current, ResourceDefinition definition, string? ns, string name)
    {
        if ((WrongName(source, name) ?? WrongNamespace(source, definition, ns)) is { } wrong) return wrong;
        if (TextOf(source, "uid") is { } uid && uid != TextOf(current, "uid"))
            return FailureStatus.Conflict(definition, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {TextOf(current, "uid")}");
        var metadata = Of(source);
        var known = Of(current);
        metadata["name"] = name;
        foreach (var member in (string[])[.. OfServer, "namespace"])
        {
            if (known[member] is { } value) metadata[member] = value.DeepClone();
            else metadata.Remove(member);
        }

        var faults = FaultsOf(source);
        if (known["deletionTimestamp"] is not null && FinalizersOf(source).Except(FinalizersOf(current), StringComparer.Ordinal).ToList() is { Count: > 0 } added)
            faults.Add(new(StatusCause.Forbidden, $"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {string.Join(", ", added)}", "metadata.finalizers"));
        return faults.Count > 0 ? FailureStatus.Invalid(definition, name, faults) : null;
    }

    /// <summary>The object has another name than the path says. Null: it has not.</summary>
    public static FailureStatus? WrongName(JsonObject source, string name) => TextOf(source, "name") is { } given && given != name
        ? FailureStatus.BadRequest($"the name of the object ({given}) does not match the name on the URL ({name})") : null;

    private static FailureStatus? WrongNamespace(JsonObject source, ResourceDefinition definition, string? ns) =>
        definition.IsNamespaced && TextOf(source, "namespace") is { } given && given != ns
            ? FailureStatus.BadRequest($"the namespace of the provided object does not match the namespace sent on the request ({given}, {ns})") : null;

    /// <summary>What is wrong with its finalizers and owners.</summary>
    public static List<StatusCause> FaultsOf(JsonObject source)
    {
        var faults = new List<StatusCause>();
        var finalizers = FinalizersOf(source);
        if (finalizers.Count > Most) faults.Add(new(StatusCause.Invalid, $"must have at most {Most} items", "metadata.finalizers"));
        for (var i = 0; i < Math.Min(finalizers.Count, Most); i++)
        {
            if (NameSyntax.FaultOfLabelKey(finalizers[i]) is { } fault) faults.Add(new(StatusCause.Invalid, $"Invalid value: \"{finalizers[i]}\": {fault}", $"metadata.finalizers[{i}]"));
        }

        if ((source["metadata"] as JsonObject)?["ownerReferences"] is not JsonArray owners) return faults;
        if (owners.Count > Most) faults.Add(new(StatusCause.Invalid, $"must have at most {Most} items", "metadata.ownerReferences"));
        if (owners.Count(o => o is JsonObject owner && owner["controller"]?.ToString() == "true") > 1)
            faults.Add(new(StatusCause.Invalid, "Invalid value: only one reference can have Controller set to true", "metadata.ownerReferences"));
        for (var i = 0; i < Math.Min(owners.Count, Most); i++)
        {
            if (owners[i] is not JsonObject owner) continue;
            foreach (var member in OwnerMembers)
                if (owner[member]?.ToString() is "") faults.Add(new(StatusCause.Invalid, "Invalid value: \"\": must not be empty", $"metadata.ownerReferences[{i}].{member}"));
        }

        return faults;
    }
}
