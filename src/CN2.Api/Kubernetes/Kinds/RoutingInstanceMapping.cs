using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's RoutingInstance (docs/facts/cn2.md §1.2): the routing table of an ExternalNetwork, with the same name. Read-only. A network in the
/// underlay has no table of its own, so its RoutingInstance has no route targets.
/// </summary>
internal sealed class RoutingInstanceMapping : ObjectMapping
{
    public override IReadOnlyList<string> Meant { get; } = ["spec", "status"];

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var (ns, name) = (resource["namespace"]!.ToString(), resource["name"]!.ToString());
        var spec = new JsonObject { ["fqName"] = Cn2Form.FqName(ns, name), ["isDefault"] = true, ["parent"] = Cn2Form.Reference("VirtualNetwork", ns, name) };
        var status = Cn2Form.Status(resource);
        if (resource["status"]?["routingInstance"] is JsonObject table)
        {
            var (import, export) = (Targets(table["importRouteTargets"]), Targets(table["exportRouteTargets"]));
            string[] all = [.. import.Union(export).Order(StringComparer.Ordinal)];
            spec["routeTargetReferences"] = new JsonArray([.. all.Select(t => Reference(t, import.Contains(t), export.Contains(t)))]);
            status["routeTargets"] = new JsonArray([.. all.Select(t => JsonValue.Create(t))]);
        }

        target["spec"] = spec;
        target["status"] = status;
    }

    /// <summary>Nothing: it cannot be written.</summary>
    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
    }

    private static string[] Targets(JsonNode? list) => [.. (list as JsonArray ?? []).Select(t => t!.ToString())];

    /// <summary>RouteTarget objects are named like the target, with dashes.</summary>
    private static JsonObject Reference(string target, bool import, bool export)
    {
        var reference = Cn2Form.Reference("RouteTarget", null, target.Replace(':', '-'));
        reference["attributes"] = new JsonObject { ["importExport"] = (import, export) switch { (true, false) => "import", (false, true) => "export", _ => "" } };
        return reference;
    }
}
