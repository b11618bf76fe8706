using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's VirtualMachineInterface (docs/facts/cn2.md §1.9). Its addresses, which CN2 has in InstanceIPs, are <c>spec.instanceIPAddresses</c>.
/// One health check watches it: of CN2's list of references, one is used. <c>ready</c> of <c>/v1</c> is read-only here, in the status.
/// </summary>
internal sealed class VirtualMachineInterfaceMapping : ObjectMapping
{
    private const string Checks = "serviceHealthCheckReferences";

    private static readonly string DefaultWeight = VirtualMachineInterface.LowestWeight.ToString(CultureInfo.InvariantCulture);

    public override IReadOnlyList<string> Meant { get; } = ["spec.fqName", "spec.instanceIPAddresses", "spec.virtualRouterReference", "spec.weight", $"spec.{Checks}", "status"];

    public override string ToObjectPath(string path) =>
        path.StartsWith("addresses", StringComparison.Ordinal) ? $"spec.instanceIPAddresses{path["addresses".Length..]}"
        : path == "virtualRouter" ? "spec.virtualRouterReference.name"
        : path == "healthCheck" ? $"spec.{Checks}[0].name"
        : base.ToObjectPath(path);

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["spec"] is not JsonObject spec || kept["spec"] is not JsonObject written) return;
        var ns = target["metadata"]?["namespace"]?.ToString() ?? "";
        Cn2Form.RestoreReference(spec, written, "virtualRouterReference", "");
        if (spec[Checks] is JsonArray { Count: 1 } shown && written[Checks] is JsonArray { Count: 1 } before && Cn2Form.Target(shown[0], ns) == Cn2Form.Target(before[0], ns))
            spec[Checks] = before.DeepClone();
        if (written["weight"]?.ToString() == DefaultWeight && !spec.ContainsKey("weight")) spec["weight"] = VirtualMachineInterface.LowestWeight;
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var (ns, name) = (resource["namespace"]!.ToString(), resource["name"]!.ToString());
        var node = Cn2Form.Reference("VirtualRouter", null, resource["virtualRouter"]!.ToString());
        var spec = new JsonObject
        {
            ["fqName"] = Cn2Form.FqName(ns, name),
            ["instanceIPAddresses"] = resource["addresses"]?.DeepClone(),
            ["virtualRouterReference"] = node,
        };
        // CN2 has no such member, so it is shown only where it says something.
        if (resource["weight"] is { } weight && weight.ToString() != DefaultWeight) spec["weight"] = weight.DeepClone();
        var status = Cn2Form.Status(resource);
        Copy(resource, status, "addresses", "ready");
        Copy(resource["status"] as JsonObject ?? [], status, "health");
        status["virtualRouterReference"] = node.DeepClone();
        if (resource["healthCheck"] is { } check)
        {
            var references = new JsonArray(Cn2Form.Reference("ServiceHealthCheck", ns, check.ToString()));
            spec[Checks] = references;
            status[Checks] = references.DeepClone();
        }

        target["spec"] = spec;
        target["status"] = status;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        var ns = source["metadata"]?["namespace"]?.ToString() ?? "";
        request["addresses"] = spec["instanceIPAddresses"]?.DeepClone();
        request["virtualRouter"] = spec["virtualRouterReference"]?["name"]?.DeepClone();
        request["weight"] = spec["weight"]?.DeepClone();
        request["healthCheck"] = null;
        if (spec[Checks] is not JsonArray { Count: > 0 } checks) return;
        if (checks.Count > 1) faults.Add($"spec.{Checks}", "must have at most one reference: an endpoint has one health check");
        if (Cn2Form.Target(checks[0], ns) is not { } check) faults.Add($"spec.{Checks}[0].name", "is required");
        else if (check.Namespace != ns) faults.Add($"spec.{Checks}[0].namespace", $"must be {ns}: the health check of an endpoint is in its namespace");
        else request["healthCheck"] = check.Name;
    }
}
