using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// <c>v1</c> Node: a VirtualRouter. Its addresses are the first InternalIP of each family in <c>status.addresses</c>, as a kubelet registers
/// them. <c>spec.unschedulable</c> and taints are kept: nothing is scheduled here, and a cordoned node keeps its routes, as in Kubernetes.
/// </summary>
internal sealed class NodeMapping : ObjectMapping
{
    private static readonly string[] NoFacts =
        ["architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "machineID", "operatingSystem", "osImage", "systemUUID"];

    public override IReadOnlyList<string> Meant { get; } = ["status.addresses", "status.conditions"];

    public override string ToObjectPath(string path) => path is "address" or "address6" ? "status.addresses" : base.ToObjectPath(path);

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["status"] is not JsonObject status || kept["status"] is not JsonObject told) return;
        if (told["addresses"] is JsonArray before && status["addresses"] is JsonArray shown)
        {
            // What the kubelet says beside the two addresses: host names, external addresses.
            foreach (var address in before.Where(a => a?["type"]?.ToString() is not ("InternalIP" or "Hostname"))) shown.Add(address?.DeepClone());
            if (before.FirstOrDefault(a => a?["type"]?.ToString() == "Hostname") is { } host && shown.FirstOrDefault(a => a?["type"]?.ToString() == "Hostname") is JsonObject own)
                own["address"] = host["address"]?.DeepClone();
        }

        if (told["conditions"] is not JsonArray conditions || status["conditions"] is not JsonArray all) return;
        foreach (var condition in conditions.Where(c => c?["type"]?.ToString() is not (null or "Ready"))) all.Add(condition!.DeepClone());
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var status = resource["status"] as JsonObject ?? [];
        var addresses = new JsonArray { Address("InternalIP", resource["address"]!) };
        if (resource["address6"] is { } address6) addresses.Add(Address("InternalIP", address6));
        addresses.Add(Address("Hostname", resource["name"]!));
        var info = new JsonObject { ["kubeletVersion"] = status["agentVersion"]?.DeepClone() ?? "" };
        foreach (var fact in NoFacts) info[fact] = "";
        target["spec"] = new JsonObject();
        target["status"] = new JsonObject
        {
            ["addresses"] = addresses,
            ["conditions"] = new JsonArray(Ready(status)),
            ["nodeInfo"] = info,
        };
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var addresses = (source["status"]?["addresses"] as JsonArray ?? [])
            .Where(a => a?["type"]?.ToString() == "InternalIP").Select(a => a!["address"]?.ToString())
            .Where(a => IPAddress.TryParse(a, out _)).ToLookup(a => IPAddress.Parse(a!).AddressFamily);
        // A write without status says nothing of addresses.
        if (addresses.Count == 0) return;
        request["address"] = addresses[AddressFamily.InterNetwork].FirstOrDefault();
        request["address6"] = addresses[AddressFamily.InterNetworkV6].FirstOrDefault();
    }

    private static JsonObject Address(string type, JsonNode address) => new() { ["type"] = type, ["address"] = address.DeepClone() };

    /// <summary>Ready is what <c>/v1</c> calls Connected: its agent is there, and carries out what it is told.</summary>
    private static JsonObject Ready(JsonObject status)
    {
        var connected = (status["conditions"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(c => c["type"]?.ToString() == "Connected");
        var ready = new JsonObject { ["type"] = "Ready", ["status"] = connected?["status"]?.DeepClone() ?? "Unknown" };
        if (connected is not null) Copy(connected, ready, "reason", "message");
        if (TimeOf(connected?["lastTransitionTime"]) is { } since) ready["lastTransitionTime"] = since;
        if (TimeOf(status["lastSeenAt"]) is { } seen) ready["lastHeartbeatTime"] = seen;
        return ready;
    }
}
