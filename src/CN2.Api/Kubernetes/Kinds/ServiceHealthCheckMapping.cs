using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's ServiceHealthCheck (docs/facts/cn2.md §1.11); TCP and port are ours. A check is in use when an endpoint names it, so <c>enabled</c>
/// is always true.
/// </summary>
internal sealed class ServiceHealthCheckMapping : ObjectMapping
{
    private const string Properties = "serviceHealthCheckProperties";

    private static readonly string[] Same = ["monitorType", "delay", "timeout", "maxRetries", "httpMethod", "urlPath", "expectedCodes", "port"];

    public override IReadOnlyList<string> Meant { get; } =
        [.. Same.Select(m => $"spec.{Properties}.{m}"), $"spec.{Properties}.enabled", "spec.fqName", "status"];

    public override string ToObjectPath(string path) => Same.Contains(path) ? $"spec.{Properties}.{path}" : base.ToObjectPath(path);

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var properties = new JsonObject { ["enabled"] = true };
        Copy(resource, properties, Same);
        target["spec"] = new JsonObject
        {
            ["fqName"] = Cn2Form.FqName(resource["namespace"]?.ToString(), resource["name"]!.ToString()),
            [Properties] = properties,
        };
        target["status"] = Cn2Form.Status(resource);
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var properties = source["spec"]?[Properties] as JsonObject ?? [];
        foreach (var member in Same) request[member] = properties[member]?.DeepClone();
        if (request["monitorType"]?.ToString() == "BFD")
        {
            faults.Add($"spec.{Properties}.monitorType", "BFD is not supported; use PING, HTTP or TCP");
            request["monitorType"] = "PING";
        }

        if (properties["enabled"]?.ToString() == "false")
            faults.Add($"spec.{Properties}.enabled", "must be true or absent: to stop a check, take it off the endpoints that name it");
    }
}
