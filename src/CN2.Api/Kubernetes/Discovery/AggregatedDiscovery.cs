using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Discovery;

/// <summary>All groups, versions and resources in one document (apidiscovery.k8s.io, v2 and v2beta1).</summary>
internal static class AggregatedDiscovery
{
    public const string Kind = "APIGroupDiscoveryList";

    /// <param name="apiVersion">The form of the document.</param>
    /// <param name="groups">The groups of the document; the core group has no name.</param>
    public static JsonObject List(string apiVersion, IReadOnlyList<IGrouping<string, ResourceDefinition>> groups) => new()
    {
        ["kind"] = Kind,
        ["apiVersion"] = apiVersion,
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. groups.Select(Group)]),
    };

    private static JsonObject Group(IGrouping<string, ResourceDefinition> group) => new()
    {
        ["metadata"] = group.Key.Length == 0 ? [] : new JsonObject { ["name"] = group.Key },
        ["versions"] = new JsonArray([.. DiscoveryDocuments.Versions(group).Select(version => new JsonObject
        {
            ["version"] = version,
            ["resources"] = new JsonArray([.. group.Where(r => r.Version == version).Select(Resource)]),
            ["freshness"] = "Current",
        })]),
    };

    private static JsonObject Resource(ResourceDefinition resource)
    {
        var item = new JsonObject
        {
            ["resource"] = resource.Plural,
            ["responseKind"] = KindOf(resource, resource.Kind),
            ["scope"] = resource.IsNamespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = resource.Singular,
            ["verbs"] = PlainDiscovery.Texts(resource.Verbs),
        };
        if (resource.ShortNames.Count > 0) item["shortNames"] = PlainDiscovery.Texts(resource.ShortNames);
        if (resource.Categories.Count > 0) item["categories"] = PlainDiscovery.Texts(resource.Categories);
        if (resource.Subresources.Count == 0) return item;
        item["subresources"] = new JsonArray([.. resource.Subresources.Select(part => new JsonObject
        {
            ["subresource"] = part.Name,
            ["responseKind"] = KindOf(resource, part.Kind),
            ["verbs"] = PlainDiscovery.Texts(part.Verbs),
        })]);
        return item;
    }

    private static JsonObject KindOf(ResourceDefinition resource, string kind) => new() { ["group"] = resource.Group, ["version"] = resource.Version, ["kind"] = kind };
}
