using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// What is shown of an object: what was kept of it when it was written, overlaid with what its resource says
/// (docs/adr/0011-the-kubernetes-front.md). Pure.
/// </summary>
internal static class ObjectOverlay
{
    /// <summary>Metadata that the resource has; what was kept under these names is never shown.</summary>
    private static readonly string[] Metadata = ["name", "namespace", "uid", "generation", "creationTimestamp", "deletionTimestamp", "labels", "annotations"];

    /// <param name="mapping">Of the object's kind.</param>
    /// <param name="resource">As GET of <c>/v1</c> answers it.</param>
    /// <param name="kept">The object as it was last written; null: it was made through <c>/v1</c> alone.</param>
    public static JsonObject Show(ObjectMapping mapping, JsonObject resource, JsonObject? kept)
    {
        var shown = mapping.ToObject(resource);
        if (kept is null) return shown;
        var target = (JsonObject)kept.DeepClone();
        foreach (var member in (string[])["apiVersion", "kind"]) target.Remove(member);
        foreach (var path in mapping.Meant) Remove(target, path.Split('.'));
        if (target["metadata"] is JsonObject metadata)
        {
            foreach (var member in Metadata) metadata.Remove(member);
        }

        Fill(target, shown);
        mapping.Restore(target, kept);
        return target;
    }

    private static void Remove(JsonObject target, ReadOnlySpan<string> path)
    {
        for (; path.Length > 1; path = path[1..])
        {
            if (target[path[0]] is not JsonObject below) return;
            target = below;
        }

        target.Remove(path[0]);
    }

    /// <summary>Adds what is not there.</summary>
    private static void Fill(JsonObject target, JsonObject from)
    {
        foreach (var (member, value) in from)
        {
            if (target[member] is JsonObject below && value is JsonObject given) Fill(below, given);
            else if (target[member] is null) target[member] = value?.DeepClone();
        }
    }
}
