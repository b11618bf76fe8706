using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>CN2's VirtualRouter (docs/facts/cn2.md §1.9); the IPv6 address and adminDown are ours.</summary>
internal sealed class VirtualRouterMapping : ObjectMapping
{
    public override IReadOnlyList<string> Meant { get; } =
        ["spec.adminDown", "spec.fqName", "spec.virtualRouterIPAddress", "spec.virtualRouterIPv6Address", "status"];

    public override string ToObjectPath(string path) => path switch
    {
        "address" => "spec.virtualRouterIPAddress",
        "address6" => "spec.virtualRouterIPv6Address",
        _ => base.ToObjectPath(path),
    };

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var spec = new JsonObject
        {
            ["adminDown"] = resource["adminDown"]?.DeepClone(),
            ["fqName"] = Cn2Form.FqName(null, resource["name"]!.ToString()),
            ["virtualRouterIPAddress"] = resource["address"]?.DeepClone(),
        };
        if (resource["address6"] is { } address6) spec["virtualRouterIPv6Address"] = address6.DeepClone();
        target["spec"] = spec;
        var status = Cn2Form.Status(resource);
        var told = resource["status"] as JsonObject ?? [];
        Copy(told, status, "agentVersion", "appliedRevision", "connected", "desiredRevision", "message");
        if (TimeOf(told["lastSeenAt"]) is { } seen) status["lastSeenAt"] = seen;
        target["status"] = status;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        request["address"] = spec["virtualRouterIPAddress"]?.DeepClone();
        request["address6"] = spec["virtualRouterIPv6Address"]?.DeepClone();
        request["adminDown"] = spec["adminDown"]?.DeepClone();
    }
}
