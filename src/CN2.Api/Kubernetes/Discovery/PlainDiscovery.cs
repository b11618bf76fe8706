using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Discovery;

/// <summary>The plain discovery documents (meta/v1 APIGroup and APIResourceList).</summary>
internal static class PlainDiscovery
{
    /// <summary>A group, without kind and apiVersion.</summary>
    public static JsonObject Group(string group, IReadOnlyList<string> versions) => new()
    {
        ["name"] = group,
        ["versions"] = new JsonArray([.. versions.Select(v => Version(group, v))]),
        ["preferredVersion"] = Version(group, versions[0]),
    };

    /// <summary>The resources of one group and version; subresources stand beside them as <c>pods/status</c>.</summary>
    public static JsonObject Resources(IReadOnlyList<ResourceDefinition> resources)
    {
        var items = new JsonArray();
        foreach (var resource in resources)
        {
            var item = Resource(resource, resource.Plural, resource.Kind, resource.Verbs);
            if (resource.ShortNames.Count > 0) item["shortNames"] = Texts(resource.ShortNames);
            if (resource.Categories.Count > 0) item["categories"] = Texts(resource.Categories);
            items.Add(item);
            foreach (var part in resource.Subresources)
            {
                var beside = Resource(resource, $"{resource.Plural}/{part.Name}", part.Kind, part.Verbs);
                beside["singularName"] = "";
                items.Add(beside);
            }
        }

        return new() { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = resources[0].ApiVersion, ["resources"] = items };
    }

    internal static JsonArray Texts(IReadOnlyList<string> texts) => [.. texts.Select(t => (JsonNode?)t)];

    private static JsonObject Version(string group, string version) => new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };

    private static JsonObject Resource(ResourceDefinition resource, string name, string kind, IReadOnlyList<string> verbs) => new()
    {
        ["name"] = name,
        ["singularName"] = resource.Singular,
        ["namespaced"] = resource.IsNamespaced,
        ["kind"] = kind,
        ["verbs"] = Texts(verbs),
    };
}
