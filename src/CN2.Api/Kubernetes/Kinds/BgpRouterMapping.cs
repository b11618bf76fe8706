using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's BGPRouter (docs/facts/cn2.md §1.10): always in namespace <c>contrail</c>. The autonomous system is the control nodes' own when absent. Of
/// its address families, those that exist here are negotiated; the others are kept. Keys are never kept: they are in the resource alone.
/// </summary>
/// <param name="autonomousSystem">The control nodes' own (Bgp__AutonomousSystem).</param>
internal sealed class BgpRouterMapping(uint autonomousSystem) : ObjectMapping
{
    /// <summary>The namespace of all BGPRouters.</summary>
    public const string Namespace = "contrail";

    private const string Parameters = "bgpRouterParameters";

    private static readonly string[] Families = ["inet", "inet6", "inet-vpn", "inet6-vpn", "route-target"];

    private static readonly string[] Same = ["address", "autonomousSystem", "port", "holdTime", "adminDown"];

    public override IReadOnlyList<string> Meant { get; } =
        [.. Same.Select(m => $"spec.{Parameters}.{m}"), $"spec.{Parameters}.addressFamilies", "spec.fqName", "status"];

    public override string ToObjectPath(string path) =>
        path.StartsWith("addressFamilies", StringComparison.Ordinal) ? $"spec.{Parameters}.addressFamilies.family"
        : path == "authKey" ? $"spec.{Parameters}.authData.keyItems[0].key"
        : Same.Contains(path) ? $"spec.{Parameters}.{path}"
        : base.ToObjectPath(path);

    /// <summary>Takes out every key, also what <c>kubectl apply</c> remembers of it.</summary>
    public override void Hide(JsonObject source)
    {
        RemoveKeys(source["spec"]);
        RemoveKeys(source["metadata"]?["annotations"] as JsonObject);
    }

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["spec"]?[Parameters] is not JsonObject shown || kept["spec"]?[Parameters] is not JsonObject written) return;
        if (written["addressFamilies"]?["family"] is JsonArray before && Known(before).ToHashSet().SetEquals(Known(shown["addressFamilies"]?["family"])))
            shown["addressFamilies"] = written["addressFamilies"]!.DeepClone();
        if (written["holdTime"]?.ToString() == "0" && shown["holdTime"]?.ToString() == "90") shown["holdTime"] = 0;
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        ((JsonObject)target["metadata"]!)["namespace"] = Namespace;
        var parameters = new JsonObject();
        Copy(resource, parameters, Same);
        parameters["addressFamilies"] = new JsonObject { ["family"] = resource["addressFamilies"]?.DeepClone() };
        parameters["identifier"] = resource["address"]?.DeepClone();
        parameters["routerType"] = "router";
        target["spec"] = new JsonObject
        {
            [Parameters] = parameters,
            ["fqName"] = Cn2Form.FqName(Namespace, resource["name"]!.ToString()),
            ["parent"] = Cn2Form.Reference("RoutingInstance", Namespace, "default"),
        };
        var status = Cn2Form.Status(resource);
        status["sessions"] = new JsonArray([.. (resource["status"]?["sessions"] as JsonArray ?? []).OfType<JsonObject>().Select(Session)]);
        target["status"] = status;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var parameters = source["spec"]?[Parameters] as JsonObject ?? [];
        foreach (var member in Same) request[member] = parameters[member]?.DeepClone();
        request["autonomousSystem"] ??= autonomousSystem;
        if (request["holdTime"]?.ToString() == "0") request["holdTime"] = null;
        request["addressFamilies"] = null;
        if (parameters["addressFamilies"]?["family"] is JsonArray { Count: > 0 } families)
        {
            string[] known = [.. Known(families).Distinct()];
            if (known.Length == 0) faults.Add($"spec.{Parameters}.addressFamilies.family", $"must have at least one of {string.Join(", ", Families)}");
            else request["addressFamilies"] = new JsonArray([.. known.Select(f => JsonValue.Create(f))]);
        }

        // Without authData the stored key stays, because it is not shown and whoever edits what is shown does not mean to remove it.
        request["authKey"] = null;
        if (parameters["authData"]?["keyItems"] is JsonArray keys)
        {
            if (keys.Count > 1) faults.Add($"spec.{Parameters}.authData.keyItems", "must have one item: TCP MD5 has one key");
            if (keys.Count == 0) request["authKey"] = "";
            else if (keys[0]?["key"] is { } key) request["authKey"] = key.DeepClone();
        }

        RemoveKeys(request["annotations"] as JsonObject);
    }

    private static void RemoveKeys(JsonObject? annotations)
    {
        if (annotations?[LastApplied]?.ToString() is not { } text) return;
        try
        {
            var applied = JsonNode.Parse(text);
            if (RemoveKeys(applied)) annotations[LastApplied] = applied!.ToJsonString();
        }
        catch (JsonException)
        {
            // Nobody can say what is in it, so it is not kept.
            annotations.Remove(LastApplied);
        }
    }

    private static bool RemoveKeys(JsonNode? node)
    {
        var found = false;
        switch (node)
        {
            case JsonObject members:
                if (members["keyItems"] is JsonArray items)
                {
                    foreach (var item in items.OfType<JsonObject>()) found |= item.Remove("key");
                }

                foreach (var (_, value) in members) found |= RemoveKeys(value);
                break;
            case JsonArray list:
                foreach (var item in list) found |= RemoveKeys(item);
                break;
        }

        return found;
    }

    private static IEnumerable<string> Known(JsonNode? families) => (families as JsonArray ?? []).Select(f => f!.ToString()).Where(Families.Contains);

    private static JsonObject Session(JsonObject session)
    {
        var shown = new JsonObject();
        Copy(session, shown, "controlNode", "state", "families", "addPath", "advertised", "received", "lastError");
        if (TimeOf(session["since"]) is { } since) shown["since"] = since;
        return shown;
    }
}
