using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's FloatingIP (docs/facts/cn2.md §1.8). It is cluster-scoped there, and one of ours belongs to a namespace: its object is named like ours
/// when that is CN2's name, which no two namespaces share, and the namespace stands in <c>spec.fqName</c>.
/// </summary>
internal sealed class FloatingIPMapping : ObjectMapping
{
    public override IReadOnlyList<string> Meant { get; } =
        ["spec.floatingIPAddress", "spec.floatingIPPortMappingsEnable", "spec.floatingIPPortMappings", "spec.virtualMachineInterfaceReferences", "spec.fqName", "status"];

    public override string ToObjectPath(string path) =>
        path == "address" ? "spec.floatingIPAddress"
        : path.StartsWith("portMappings", StringComparison.Ordinal) ? $"spec.floatingIPPortMappings.{path}"
        : path.StartsWith("interfaces", StringComparison.Ordinal) ? $"spec.virtualMachineInterfaceReferences{path["interfaces".Length..]}"
        : base.ToObjectPath(path);

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        ((JsonObject)target["metadata"]!).Remove("namespace");
        var spec = new JsonObject
        {
            ["fqName"] = new JsonArray(resource["name"]!.DeepClone()),
            ["floatingIPAddress"] = resource["address"]?.DeepClone(),
        };
        var mappings = Mappings(resource).ToList();
        spec["floatingIPPortMappingsEnable"] = mappings.Count > 0;
        if (mappings.Count > 0) spec["floatingIPPortMappings"] = new JsonObject { ["portMappings"] = new JsonArray([.. mappings]) };
        var status = resource["status"] as JsonObject ?? [];
        spec["virtualMachineInterfaceReferences"] = new JsonArray([.. (status["attachments"] as JsonArray ?? []).OfType<JsonObject>().Select(a => Reference(resource, a["virtualMachineInterface"]))]);
        target["spec"] = spec;
        var shown = new JsonObject();
        Copy(status, shown, "state", "conditions", "routes");
        if (Observation(status) is { } observation) shown["observation"] = observation;
        target["status"] = shown;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        if (spec["floatingIPAddress"] is { } address) request["address"] = address.DeepClone();
        request["interfaces"] = spec["virtualMachineInterfaceReferences"] is JsonArray references
            ? new JsonArray([.. references.OfType<JsonObject>().Select(r => r["name"]?.DeepClone())]) : null;
        request["portMappings"] = null;
        if (spec["floatingIPPortMappings"]?["portMappings"] is not JsonArray mappings) return;
        request["portMappings"] = new JsonArray([.. mappings.OfType<JsonObject>().Select(m => new JsonObject
        {
            ["protocol"] = m["protocol"]?.DeepClone(), ["port"] = m["srcPort"]?.DeepClone(), ["targetPort"] = m["dstPort"]?.DeepClone(),
        })]);
    }

    /// <summary>Why it is not what the user asked for: the message of the first condition that is False.</summary>
    internal static string? Observation(JsonObject status) =>
        (status["conditions"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(c => c["status"]?.ToString() == "False")?["message"]?.ToString();

    private static JsonObject Reference(JsonObject resource, JsonNode? name) => new()
    {
        ["apiVersion"] = "core.contrail.juniper.net/v1alpha1",
        ["kind"] = "VirtualMachineInterface",
        ["namespace"] = resource["namespace"]?.DeepClone(),
        ["name"] = name?.DeepClone(),
    };

    /// <summary>Its own mappings, or those of its Service, which GET shows as text: <c>TCP/8080->80,TCP/443->443</c>.</summary>
    private static IEnumerable<JsonObject> Mappings(JsonObject resource)
    {
        foreach (var text in (resource["portMapping"]?.ToString() ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (text.Split('/', 2) is not [var protocol, var ports] || ports.Split("->", 2) is not [var port, var target]) continue;
            if (!int.TryParse(port, out var from) || !int.TryParse(target, out var to)) continue;
            yield return new JsonObject { ["protocol"] = protocol, ["srcPort"] = from, ["dstPort"] = to };
        }
    }
}
