using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// <c>v1</c> Service. The annotations <c>service.contrail.juniper.net/externalNetwork</c> and <c>…/externalNetworkSelector</c> are its
/// <c>externalNetwork</c> and <c>externalNetworkSelector</c> (docs/facts/cn2.md §1.6). As in Kubernetes the type is ClusterIP when absent; as
/// in CN2 <c>externalTrafficPolicy</c> is Local when absent, because a vRouter sends packets to the endpoints of its own node.
/// </summary>
internal sealed class ServiceMapping : ObjectMapping
{
    private const string Prefix = "service.contrail.juniper.net/";
    private static readonly string[] Networks = ["externalNetwork", "externalNetworkSelector"];

    /// <summary>Members of spec that have the same form in both.</summary>
    private static readonly string[] Same =
        ["type", "selector", "ipFamilies", "ipFamilyPolicy", "allocateLoadBalancerNodePorts", "externalTrafficPolicy", "sessionAffinity", "loadBalancerSourceRanges"];

    public override IReadOnlyList<string> Meant { get; } =
        [.. Same.Select(m => $"spec.{m}"), "spec.ports", "spec.clusterIP", "spec.clusterIPs", "spec.loadBalancerIP", "status.loadBalancer", "status.conditions"];

    public override string ToObjectPath(string path) =>
        Networks.Contains(path) ? $"metadata.annotations[{Prefix}{path}]"
        : path.StartsWith("loadBalancerIPs", StringComparison.Ordinal) ? "spec.loadBalancerIP"
        : base.ToObjectPath(path);

    /// <summary>A port keeps the application protocol that was written with it, which has no effect here.</summary>
    public override void Restore(JsonObject target, JsonObject kept)
    {
        var written = Items(kept["spec"]?["ports"]).Where(p => p["appProtocol"] is not null).ToLookup(KeyOf);
        if (written.Count == 0) return;
        foreach (var port in Items(target["spec"]?["ports"]))
        {
            if (written[KeyOf(port)].FirstOrDefault() is { } same) port["appProtocol"] = same["appProtocol"]!.DeepClone();
        }
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var metadata = (JsonObject)target["metadata"]!;
        foreach (var member in Networks)
        {
            if (resource[member] is not { } value) continue;
            if (metadata["annotations"] is not JsonObject annotations) metadata["annotations"] = annotations = [];
            annotations[Prefix + member] = value.DeepClone();
        }

        var spec = new JsonObject();
        Copy(resource, spec, Same);
        foreach (var empty in (string[])["selector", "loadBalancerSourceRanges"])
        {
            if (spec[empty] is JsonObject { Count: 0 } or JsonArray { Count: 0 }) spec.Remove(empty);
        }

        if (!IsOf(spec, "LoadBalancer")) spec.Remove("allocateLoadBalancerNodePorts");
        if (!IsOf(spec, "LoadBalancer") && !IsOf(spec, "NodePort")) spec.Remove("externalTrafficPolicy");
        spec["internalTrafficPolicy"] = "Cluster";
        spec["ports"] = new JsonArray([.. Items(resource["ports"]).Select(Port)]);
        var status = resource["status"] as JsonObject ?? [];
        if (status["clusterIPs"] is JsonArray { Count: > 0 } clusterIPs)
        {
            spec["clusterIP"] = clusterIPs[0]!.DeepClone();
            spec["clusterIPs"] = clusterIPs.DeepClone();
        }

        if (resource["loadBalancerIPs"] is JsonArray { Count: > 0 } asked) spec["loadBalancerIP"] = asked[0]!.DeepClone();
        target["spec"] = spec;

        var balancer = new JsonObject();
        if (status["externalIPs"] is JsonArray { Count: > 0 } external)
            balancer["ingress"] = new JsonArray([.. external.Select(ip => new JsonObject { ["ip"] = ip!.DeepClone(), ["ipMode"] = "VIP" })]);
        var shown = new JsonObject { ["loadBalancer"] = balancer };
        if (status["conditions"] is JsonArray { Count: > 0 } conditions) shown["conditions"] = conditions.DeepClone();
        target["status"] = shown;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        var annotations = request["annotations"] as JsonObject;
        foreach (var member in Networks)
        {
            request[member] = annotations?[Prefix + member]?.DeepClone();
            annotations?.Remove(Prefix + member);
        }

        foreach (var member in Same) request[member] = spec[member]?.DeepClone();
        request["type"] ??= "ClusterIP";
        if (IsOf(request, "ExternalName"))
        {
            faults.Add("spec.type", "ExternalName is not supported: the control plane has no DNS");
            request["type"] = "ClusterIP";
        }

        if (ClusterIPs.TextsOf(spec).Contains(ClusterIPs.None)) faults.Add("spec.clusterIP", "a Service without a cluster IP (headless) is not supported");
        request["ports"] = new JsonArray([.. Items(spec["ports"]).Select((p, i) => PortRequest(p, i, faults))]);
        request["loadBalancerIPs"] = spec["loadBalancerIP"] is { } ip && ip.ToString().Length > 0 ? new JsonArray(ip.DeepClone()) : null;
    }

    /// <summary>As in Kubernetes, families stay when an update leaves them out; a second asked-for address has no word there.</summary>
    protected override void Retain(JsonObject request, JsonObject current)
    {
        foreach (var member in (string[])["ipFamilies", "ipFamilyPolicy"]) request[member] ??= current[member]?.DeepClone();
        var wasSingle = current["ipFamilyPolicy"]?.ToString() == "SingleStack";
        if (request["ipFamilyPolicy"]?.ToString() == "SingleStack" && request["ipFamilies"] is JsonArray { Count: > 1 } families)
        {
            // As in Kubernetes, a Service of two families that becomes SingleStack keeps the first.
            if (!wasSingle && JsonNode.DeepEquals(families, current["ipFamilies"])) request["ipFamilies"] = new JsonArray(families[0]!.DeepClone());
            // One that was SingleStack is given a second family, as CN2's document does: the writer has not said the policy.
            else if (wasSingle) request["ipFamilyPolicy"] = null;
        }

        if (request["loadBalancerIPs"] is JsonArray asked && current["loadBalancerIPs"] is JsonArray { Count: > 1 } all && JsonNode.DeepEquals(asked[0], all[0]))
            request["loadBalancerIPs"] = all.DeepClone();
    }

    private static JsonObject Port(JsonObject port)
    {
        var shown = new JsonObject();
        Copy(port, shown, "name", "protocol", "port", "targetPort", "nodePort");
        return shown;
    }

    private static JsonObject PortRequest(JsonObject port, int index, FaultList faults)
    {
        var request = new JsonObject();
        Copy(port, request, "name", "protocol", "port", "nodePort");
        if (port["targetPort"] is JsonValue target)
        {
            if (target.TryGetValue<string>(out var name)) faults.Add($"spec.ports[{index}].targetPort", $"must be a number: a FloatingIP has one target port for all endpoints, so the name {name} cannot be looked up in each Pod");
            else if (target.ToString() != "0") request["targetPort"] = target.DeepClone();
        }

        if (request["nodePort"]?.ToString() == "0") request.Remove("nodePort");
        return request;
    }

    private static (string?, string?) KeyOf(JsonObject port) => (port["port"]?.ToString(), port["protocol"]?.ToString());

    private static bool IsOf(JsonObject spec, string type) => spec["type"]?.ToString() == type;

    private static IEnumerable<JsonObject> Items(JsonNode? list) => (list as JsonArray ?? []).OfType<JsonObject>();
}
