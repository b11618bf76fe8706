using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// <c>v1</c> Pod: a VirtualMachineInterface of the same name, once it has a node (<c>spec.nodeName</c>) and an address (<c>status.podIPs</c>).
/// Its health check is CN2's annotation <c>core.juniper.net/health-check</c> (docs/facts/cn2.md §1.11), its weight the annotation <c>core.juniper.net/weight</c>,
/// which CN2 does not have. Everything else is kept as the client and the kubelet wrote it. What <c>kubectl apply</c> remembers of a Pod belongs to the Pod and is no annotation of the interface.
/// </summary>
internal sealed class PodMapping : ObjectMapping
{
    private const string HealthCheck = "core.juniper.net/health-check";
    private const string HealthCheckPath = $"metadata.annotations[{HealthCheck}]";
    private const string Weight = "core.juniper.net/weight";
    private const string WeightPath = $"metadata.annotations[{Weight}]";

    public override IReadOnlyList<string> Meant { get; } = ["spec.nodeName", "status.podIP", "status.podIPs"];

    public override string ToObjectPath(string path) =>
        path == "virtualRouter" ? "spec.nodeName"
        : path.StartsWith("addresses[", StringComparison.Ordinal) ? $"status.podIPs{path["addresses".Length..]}.ip"
        : path == "addresses" ? "status.podIPs"
        : path == "healthCheck" ? HealthCheckPath
        : path == "weight" ? WeightPath
        : base.ToObjectPath(path);

    /// <summary>It has a node and an address, so it is an endpoint.</summary>
    public static bool IsComplete(JsonObject pod) => pod["spec"]?["nodeName"]?.ToString() is { Length: > 0 } && Addresses(pod).Count > 0;

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["metadata"] is not JsonObject metadata || kept["metadata"]?["annotations"] is not JsonObject written) return;
        var (ns, shown) = (metadata["namespace"]?.ToString(), metadata["annotations"] as JsonObject);
        foreach (var member in (string[])[LastApplied, HealthCheck, Weight])
        {
            if (written[member] is not { } value) continue;
            if (member == HealthCheck && NameOf(value.ToString(), ns, null) != NameOf(shown?[HealthCheck]?.ToString(), ns, null)) continue;
            if (member == Weight && WeightOf(value.ToString(), null) != (WeightOf(shown?[Weight]?.ToString(), null) ?? VirtualMachineInterface.LowestWeight)) continue;
            if (metadata["annotations"] is not JsonObject annotations) metadata["annotations"] = annotations = [];
            annotations[member] = value.DeepClone();
        }
    }

    public override void ShowAlone(JsonObject target, string? waitsFor)
    {
        if (target["status"] is not JsonObject status) target["status"] = status = [];
        status["phase"] ??= "Pending";
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var metadata = (JsonObject)target["metadata"]!;
        var annotations = metadata["annotations"] as JsonObject ?? [];
        annotations.Remove(LastApplied);
        if (resource["healthCheck"] is { } check)
            annotations[HealthCheck] = new JsonArray(new JsonObject { ["name"] = check.DeepClone(), ["namespace"] = resource["namespace"]?.DeepClone() }).ToJsonString();
        if (resource["weight"]?.GetValue<int>() is > VirtualMachineInterface.LowestWeight and var weight) annotations[Weight] = weight.ToString(CultureInfo.InvariantCulture);
        if (annotations is { Count: > 0, Parent: null }) metadata["annotations"] = annotations;

        var addresses = (resource["addresses"] as JsonArray ?? []).Select(a => a!.ToString()).ToList();
        target["spec"] = new JsonObject { ["nodeName"] = resource["virtualRouter"]?.DeepClone() };
        target["status"] = new JsonObject
        {
            ["podIP"] = addresses.FirstOrDefault(),
            ["podIPs"] = new JsonArray([.. addresses.Select(a => new JsonObject { ["ip"] = a })]),
        };
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        request["virtualRouter"] = source["spec"]?["nodeName"]?.DeepClone();
        request["addresses"] = new JsonArray([.. Addresses(source).Select(a => JsonValue.Create(a))]);
        request["ready"] = IsReady(source["status"] as JsonObject ?? []);
        (request["healthCheck"], request["weight"]) = (null, null);
        if (request["annotations"] is not JsonObject annotations) return;
        annotations.Remove(LastApplied);
        if (annotations[HealthCheck] is { } check)
        {
            annotations.Remove(HealthCheck);
            request["healthCheck"] = NameOf(check.ToString(), source["metadata"]?["namespace"]?.ToString(), faults);
        }

        if (annotations[Weight] is { } weight)
        {
            annotations.Remove(Weight);
            request["weight"] = WeightOf(weight.ToString(), faults);
        }
    }

    /// <summary>podIPs, or podIP alone, as an old kubelet reports.</summary>
    private static List<string> Addresses(JsonObject pod)
    {
        var status = pod["status"];
        var several = (status?["podIPs"] as JsonArray ?? []).Select(a => a?["ip"]?.ToString()).OfType<string>().Where(a => a.Length > 0).ToList();
        return several.Count > 0 ? several : status?["podIP"]?.ToString() is { Length: > 0 } one ? [one] : [];
    }

    /// <summary>As its condition Ready says; of one that has none, as long as it has not ended.</summary>
    private static bool IsReady(JsonObject status)
    {
        if (status["phase"]?.ToString() is "Succeeded" or "Failed") return false;
        var ready = (status["conditions"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(c => c["type"]?.ToString() == "Ready");
        return ready is null || ready["status"]?.ToString() == "True";
    }

    /// <summary>The weight of an annotation; null: none, or a fault. Whether it is in range is said with the other faults of an endpoint.</summary>
    private static int? WeightOf(string? text, FaultList? faults)
    {
        if (text is null) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var weight)) return weight;
        faults?.Add(WeightPath, $"must be a number from {VirtualMachineInterface.LowestWeight} to {VirtualMachineInterface.HighestWeight}");
        return null;
    }

    /// <summary>The health check of an annotation; null: none, or a fault.</summary>
    private static string? NameOf(string? text, string? ns, FaultList? faults)
    {
        if (string.IsNullOrEmpty(text)) return null;
        JsonNode? checks = null;
        try
        {
            checks = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // Said below.
        }

        if (checks is not JsonArray list || list.Any(c => c is not JsonObject || c["name"] is not JsonValue name || !name.TryGetValue<string>(out _)))
            faults?.Add(HealthCheckPath, "must be a JSON list of objects with name and namespace");
        else if (list.Count > 1) faults?.Add(HealthCheckPath, "must name at most one health check");
        else if (list.Count == 1 && list[0]!["namespace"]?.ToString() is { } other && other != ns) faults?.Add(HealthCheckPath, $"must name a health check of namespace {ns}");
        else if (list.Count == 1) return list[0]!["name"]!.ToString();
        return null;
    }
}
