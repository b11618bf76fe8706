using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's Kubemanager (docs/facts/cn2.md §1.6). There is one. Its <c>spec.externalNetworkSelectors</c> is the collection of ExternalNetworkSelectors; the
/// settings of a deployment beside it are kept and have no effect. Its resource is <c>{"items": […]}</c> with the metadata of
/// <c>default-external</c>, which is always there.
/// </summary>
internal sealed class KubemanagerMapping : ObjectMapping
{
    public const string Namespace = "contrail";
    public const string Name = "contrail-k8s-kubemanager";

    private const string Selectors = "externalNetworkSelectors";

    private static readonly string[] Same = ["networkSelector", "namespaceSelector"];

    public override IReadOnlyList<string> Meant { get; } = [$"spec.{Selectors}", "status"];

    /// <summary>The path of a fault in the request of one selector.</summary>
    public static string ToObjectPath(string selector, string path) => $"spec.{Selectors}.{selector}{(path == "name" ? "" : $".{path}")}";

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var selectors = new JsonObject();
        foreach (var item in (resource["items"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var shown = new JsonObject();
            Copy(item, shown, Same);
            foreach (var member in Same)
            {
                if (shown[member] is JsonObject selector) DropEmpty(selector);
            }

            selectors[item["name"]!.ToString()] = shown;
        }

        target["spec"] = new JsonObject { [Selectors] = selectors };
        target["status"] = new JsonObject { ["state"] = "Success" };
    }

    /// <summary>The requests of all selectors, in the object's order, as <c>items</c>.</summary>
    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var items = new JsonArray();
        foreach (var (name, value) in source["spec"]?[Selectors] as JsonObject ?? [])
        {
            var item = new JsonObject { ["name"] = name };
            Copy(value as JsonObject ?? [], item, Same);
            items.Add(item);
        }

        request["items"] = items;
    }

    /// <summary>A selector is shown with the members that it was written with.</summary>
    private static void DropEmpty(JsonObject selector)
    {
        foreach (var member in (string[])["matchLabels", "matchExpressions"])
        {
            if (selector[member] is JsonObject { Count: 0 } or JsonArray { Count: 0 }) selector.Remove(member);
        }
    }
}
