using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// What a kind of the Kubernetes API makes of a resource of <c>/v1</c>, and back. Pure. A subclass names only what means something here; other
/// members of an object are kept beside it (docs/adr/0011-the-kubernetes-front.md).
/// </summary>
internal abstract class ObjectMapping
{
    /// <summary>The annotation in which <c>kubectl apply</c> remembers the object as it was last applied.</summary>
    protected const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>Members of an object that are made of its resource and hide what was kept under their names, as paths such as <c>spec.ports</c>.</summary>
    public abstract IReadOnlyList<string> Meant { get; }

    /// <summary>The object, without apiVersion, kind and resourceVersion.</summary>
    /// <param name="resource">As GET of <c>/v1</c> answers it.</param>
    public JsonObject ToObject(JsonObject resource)
    {
        var target = new JsonObject { ["metadata"] = Metadata(resource) };
        Fill(resource, target);
        return target;
    }

    /// <summary>The request of <c>/v1</c> that makes the resource what the object says.</summary>
    /// <param name="source">The object; its form was checked against the schema.</param>
    /// <param name="faults">What cannot be meant here, by the object's own paths.</param>
    public JsonObject ToRequest(JsonObject source, FaultList faults)
    {
        var metadata = source["metadata"] as JsonObject ?? [];
        var request = new JsonObject { ["name"] = metadata["name"]?.DeepClone() };
        foreach (var member in (string[])["labels", "annotations"])
        {
            if (metadata[member] is JsonObject { Count: > 0 } given) request[member] = given.DeepClone();
        }

        Read(source, request, faults);
        return request;
    }

    /// <summary>The same as a change: what objects of the kind cannot say stays as the resource has it.</summary>
    /// <param name="source">The object; its form was checked against the schema.</param>
    /// <param name="current">The request of <c>/v1</c> that, as a PUT, would change nothing.</param>
    /// <param name="faults">What cannot be meant here, by the object's own paths.</param>
    public JsonObject ToRequest(JsonObject source, JsonObject current, FaultList faults)
    {
        var request = (JsonObject)current.DeepClone();
        foreach (var member in (string[])["labels", "annotations"]) request.Remove(member);
        var said = ToRequest(source, faults);
        Retain(said, current);
        foreach (var (member, value) in said)
        {
            if (value is null) request.Remove(member);
            else request[member] = value.DeepClone();
        }

        return request;
    }

    /// <summary>
    /// After what is kept of an object was overlaid with what its resource says: brings back the words of the writer where they still mean the
    /// same, such as a reference with its fqName.
    /// </summary>
    /// <param name="target">The object as it will be shown; it is changed.</param>
    /// <param name="kept">The object as it was last written.</param>
    public virtual void Restore(JsonObject target, JsonObject kept)
    {
    }

    /// <summary>Adds the status of an object that lives alone, without a resource. By default nothing.</summary>
    /// <param name="target">The object as it was kept; it is changed.</param>
    /// <param name="waitsFor">Why it could not become a resource yet; null: nobody has tried.</param>
    public virtual void ShowAlone(JsonObject target, string? waitsFor)
    {
    }

    /// <summary>Takes out of an object what must not be kept beside its resource, such as a key. By default nothing.</summary>
    /// <param name="source">The object, after its request was made; it is changed.</param>
    public virtual void Hide(JsonObject source)
    {
    }

    /// <summary>Where the object has what a fault of the request names: <c>ports[0].port</c> is <c>spec.ports[0].port</c>.</summary>
    public virtual string ToObjectPath(string path) => path switch
    {
        "name" or "labels" or "annotations" or "namespace" => $"metadata.{path}",
        _ when path.StartsWith("labels[", StringComparison.Ordinal) || path.StartsWith("annotations[", StringComparison.Ordinal) => $"metadata.{path}",
        _ => $"spec.{path}",
    };

    /// <summary>Adds spec and status to an object.</summary>
    protected abstract void Fill(JsonObject resource, JsonObject target);

    /// <summary>Adds the fields of the kind to a request; null where the object does not say what it could say, so that it is taken out of the resource.</summary>
    protected abstract void Read(JsonObject source, JsonObject request, FaultList faults);

    /// <summary>Of a change: brings back what an object that leaves it out does not mean to take out. By default nothing.</summary>
    /// <param name="request">What <see cref="Read"/> made; it is changed.</param>
    /// <param name="current">The request of <c>/v1</c> that, as a PUT, would change nothing.</param>
    protected virtual void Retain(JsonObject request, JsonObject current)
    {
    }

    /// <summary>Copies members as they are; absent ones and null are left out.</summary>
    protected static void Copy(JsonObject from, JsonObject to, params ReadOnlySpan<string> members)
    {
        foreach (var member in members)
        {
            if (from[member] is { } value) to[member] = value.DeepClone();
        }
    }

    private static JsonObject Metadata(JsonObject resource)
    {
        var metadata = new JsonObject();
        Copy(resource, metadata, "name", "namespace", "uid", "generation");
        metadata["creationTimestamp"] = TimeOf(resource["createdAt"]);
        // What is being deleted has no later change than its deletion.
        if (resource["status"]?["state"]?.GetValue<string>() == "Deleting") metadata["deletionTimestamp"] = TimeOf(resource["updatedAt"]);
        if (resource["labels"] is JsonObject { Count: > 0 } labels) metadata["labels"] = labels.DeepClone();
        if (resource["annotations"] is JsonObject { Count: > 0 } annotations) metadata["annotations"] = annotations.DeepClone();
        return metadata;
    }

    /// <summary>A time as <c>/v1</c> writes it, in whole seconds; null when there is none.</summary>
    internal static string? TimeOf(JsonNode? time) =>
        time is JsonValue value && value.TryGetValue<string>(out var text)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read) ? KubernetesTime.Text(read) : null;
}
