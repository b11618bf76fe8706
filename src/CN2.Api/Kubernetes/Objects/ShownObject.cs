using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>An object as clients see it, made of what is stored.</summary>
internal static class ShownObject
{
    public static JsonObject Of(IObjectBinding binding, BoundObject stored, ResourceVersion version)
    {
        var kept = stored.Kept is null ? null : (JsonObject)JsonNode.Parse(stored.Kept.Document)!;
        var shown = stored.Resource is not null ? ObjectOverlay.Show(binding.Mapping, Marked(stored.Resource, stored.Kept?.DeletingAt), kept) : Alone(binding.Mapping, stored, kept!);
        var metadata = (JsonObject)shown["metadata"]!;
        metadata["name"] = stored.Name;
        if (stored.Namespace is not null) metadata["namespace"] = stored.Namespace;
        metadata["uid"] = stored.Uid.ToString();
        metadata["resourceVersion"] = version.ToString();
        if (stored.Kept?.DeletingAt is { } at && metadata["deletionTimestamp"] is null) metadata["deletionTimestamp"] = KubernetesTime.Text(at);
        if (metadata["deletionTimestamp"] is not null) metadata["deletionGracePeriodSeconds"] = 0;
        else metadata.Remove("deletionTimestamp");
        var whole = new JsonObject { ["apiVersion"] = binding.Definition.ApiVersion, ["kind"] = binding.Definition.Kind };
        foreach (var (member, value) in shown.OrderBy(m => m.Key, StringComparer.Ordinal).ToList())
        {
            shown.Remove(member);
            whole[member] = value;
        }

        return whole;
    }

    /// <summary>The mapping sees a resource that waits for its deletion as one that <c>/v1</c> deletes.</summary>
    private static JsonObject Marked(JsonObject resource, DateTimeOffset? at)
    {
        if (at is null || resource["status"] is not JsonObject { } status || status["state"]?.ToString() == "Deleting") return resource;
        var marked = (JsonObject)resource.DeepClone();
        marked["status"]!["state"] = "Deleting";
        marked["updatedAt"] = KubernetesTime.Text(at.Value);
        return marked;
    }

    private static JsonObject Alone(ObjectMapping mapping, BoundObject stored, JsonObject kept)
    {
        kept.Remove("apiVersion");
        kept.Remove("kind");
        if (kept["metadata"] is not JsonObject metadata) kept["metadata"] = metadata = [];
        metadata["creationTimestamp"] = KubernetesTime.Text(stored.Kept!.CreatedAt);
        metadata["generation"] = stored.Kept.Generation;
        mapping.ShowAlone(kept, stored.Kept.WaitsFor);
        return kept;
    }
}
