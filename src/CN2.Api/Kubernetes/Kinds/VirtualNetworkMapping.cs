using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's VirtualNetwork (docs/facts/cn2.md §1.2): an ExternalNetwork without its subnets, which are Subnets of their own. Its references name
/// the first subnet of each family. A request has no <c>subnets</c>: whoever writes looks the references up.
/// </summary>
internal sealed class VirtualNetworkMapping : ObjectMapping
{
    /// <summary>Members of spec, and the members of <c>/v1</c> they are.</summary>
    private static readonly (string Object, string Resource)[] Targets =
    [
        ("routeTargetList", "routeTargets"), ("importRouteTargetList", "importRouteTargets"), ("exportRouteTargetList", "exportRouteTargets"),
    ];

    private static readonly string DefaultQuarantine = ExternalNetworkRow.DefaultQuarantineSeconds.ToString(CultureInfo.InvariantCulture);

    public override IReadOnlyList<string> Meant { get; } =
    [
        "spec.fqName", "spec.answerPing", "spec.quarantineSeconds", "spec.fabricForwarding", .. Targets.Select(t => $"spec.{t.Object}"), "spec.v4SubnetReference", "spec.v6SubnetReference", "status",
    ];

    /// <summary>The member that names the subnet of a family.</summary>
    public static string ReferenceOf(IPFamily family) => family == IPFamily.IPv4 ? "v4SubnetReference" : "v6SubnetReference";

    public override string ToObjectPath(string path)
    {
        foreach (var (member, resource) in Targets)
        {
            if (path.StartsWith(resource, StringComparison.Ordinal)) return $"spec.{member}{path[resource.Length..]}";
        }

        return path.StartsWith("subnets", StringComparison.Ordinal) ? "spec.v4SubnetReference" : base.ToObjectPath(path);
    }

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["spec"] is not JsonObject spec || kept["spec"] is not JsonObject written) return;
        var ns = target["metadata"]?["namespace"]?.ToString() ?? "";
        foreach (var family in SubnetNames.Families)
        {
            // A network has one subnet of a family that references name, so the writer's reference still names it.
            var member = ReferenceOf(family);
            if (spec.ContainsKey(member) && Cn2Form.Target(written[member], ns) is not null) spec[member] = written[member]!.DeepClone();
        }

        foreach (var (member, _) in Targets)
        {
            // The order of a set has no meaning: the writer's is shown.
            if (Texts(spec[member]).ToHashSet().SetEquals(Texts(written[member]))) CopyOrRemove(written, spec, member);
        }

        if (written["fabricForwarding"] is null && spec["fabricForwarding"]?.ToString() == "false") spec.Remove("fabricForwarding");
        if (written["answerPing"]?.ToString() == "true" && !spec.ContainsKey("answerPing")) spec["answerPing"] = true;
        if (written["quarantineSeconds"]?.ToString() == DefaultQuarantine && !spec.ContainsKey("quarantineSeconds")) spec["quarantineSeconds"] = ExternalNetworkRow.DefaultQuarantineSeconds;
    }

    public override void ShowAlone(JsonObject target, string? waitsFor)
    {
        var ns = target["metadata"]?["namespace"]?.ToString() ?? "";
        var names = SubnetNames.Families.Select(f => Cn2Form.Target(target["spec"]?[ReferenceOf(f)], ns)).OfType<(string Namespace, string Name)>().Select(t => $"{t.Namespace}/{t.Name}").ToList();
        target["status"] = Cn2Form.Pending(names.Count == 0
            ? "It has no subnet; name one in v4SubnetReference or v6SubnetReference."
            : waitsFor is not null ? $"Its subnets exist, but it cannot become a network yet: {waitsFor}"
            : $"It waits for its subnets; create Subnet {string.Join(" and ", names)}.");
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var (ns, name) = (resource["namespace"]!.ToString(), resource["name"]!.ToString());
        var spec = new JsonObject { ["fqName"] = Cn2Form.FqName(ns, name), ["fabricForwarding"] = resource["fabricForwarding"]?.DeepClone() };
        // CN2 has no such members, so they are shown only where they say something.
        if (resource["answerPing"]?.ToString() == "false") spec["answerPing"] = false;
        if (resource["quarantineSeconds"] is { } quarantine && quarantine.ToString() != DefaultQuarantine) spec["quarantineSeconds"] = quarantine.DeepClone();
        foreach (var (member, from) in Targets)
        {
            if (resource[from] is JsonArray { Count: > 0 } targets) spec[member] = targets.DeepClone();
        }

        foreach (var (_, family, nameOfSubnet) in SubnetNames.Of(resource))
        {
            var member = ReferenceOf(family);
            if (!spec.ContainsKey(member)) spec[member] = Cn2Form.Reference("Subnet", ns, nameOfSubnet);
        }

        target["spec"] = spec;
        var status = Cn2Form.Status(resource);
        if (resource["status"]?["routingInstance"]?["number"] is { } number) status["virtualNetworkNetworkId"] = number.DeepClone();
        target["status"] = status;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        request["fabricForwarding"] = spec["fabricForwarding"]?.DeepClone();
        request["answerPing"] = spec["answerPing"]?.DeepClone();
        request["quarantineSeconds"] = spec["quarantineSeconds"]?.DeepClone();
        foreach (var (member, to) in Targets) request[to] = spec[member]?.DeepClone();
        if (spec["fabricForwarding"]?.ToString() == "true" && spec["isProviderNetwork"]?.ToString() == "true")
            faults.Add("spec.isProviderNetwork", "must be false where fabricForwarding is true");
    }

    private static IEnumerable<string> Texts(JsonNode? list) => (list as JsonArray ?? []).Select(i => i?.ToString() ?? "");

    private static void CopyOrRemove(JsonObject from, JsonObject to, string member)
    {
        if (from[member] is { } value) to[member] = value.DeepClone();
        else to.Remove(member);
    }
}
