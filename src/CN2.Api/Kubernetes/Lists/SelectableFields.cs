using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The fields by which objects can be selected, as in Kubernetes: name and namespace of every kind, and a few more of the native ones.</summary>
internal static class SelectableFields
{
    public const string Name = "metadata.name";
    public const string Namespace = "metadata.namespace";

    private static readonly string[] OfAll = [Name, Namespace];

    private static readonly Dictionary<string, string[]> More = new()
    {
        ["Pod"] = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"],
        ["Node"] = ["spec.unschedulable"],
        ["Namespace"] = ["status.phase"],
        ["Service"] = ["spec.clusterIP", "spec.type"],
        ["Event"] =
        [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
            "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
        ],
    };

    public static IReadOnlyCollection<string> Of(ResourceDefinition resource) =>
        resource.IsNative && More.TryGetValue(resource.Kind, out var more) ? [.. OfAll, .. more] : OfAll;

    /// <summary>The field as a text; empty: the object has none.</summary>
    public static string ValueOf(JsonObject source, string path) => path switch
    {
        "source" => Text(source["source"]?["component"]) is { Length: > 0 } component ? component : Text(source["reportingComponent"]),
        "status.podIPs" => Text((source["status"]?["podIPs"] as JsonArray)?.FirstOrDefault()?["ip"]),
        "spec.unschedulable" or "spec.hostNetwork" => Follow(source, path) is { Length: > 0 } given ? given : "false",
        _ => Follow(source, path),
    };

    /// <summary>As much of an object as selectors look at: its labels and these fields.</summary>
    public static JsonObject PartOf(JsonObject source, ResourceDefinition resource)
    {
        var part = new JsonObject();
        foreach (var path in Of(resource).Append("metadata.labels")) Copy(source, part, path.Split('.'));
        // Read anew, because a node that was read keeps all that was read with it.
        return (JsonObject)JsonNode.Parse(part.ToJsonString())!;
    }

    private static void Copy(JsonObject from, JsonObject to, ReadOnlySpan<string> path)
    {
        if (from[path[0]] is not { } value) return;
        if (path.Length == 1)
        {
            to[path[0]] = value.DeepClone();
            return;
        }

        if (value is not JsonObject below) return;
        if (to[path[0]] is not JsonObject target) to[path[0]] = target = [];
        Copy(below, target, path[1..]);
    }

    private static string Follow(JsonObject source, string path)
    {
        JsonNode? at = source;
        foreach (var step in path.Split('.')) at = (at as JsonObject)?[step];
        return Text(at);
    }

    private static string Text(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.String => node.GetValue<string>(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Number => node.ToJsonString(),
        _ => "",
    };
}
