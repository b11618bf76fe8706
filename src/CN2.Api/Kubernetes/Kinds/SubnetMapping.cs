using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// CN2's Subnet (docs/facts/cn2.md §1.3). Its resource is one of the <c>subnets</c> of an ExternalNetwork, with the name, the metadata and the
/// status that <see cref="ResourceOf"/> gives it. <c>reserved</c> of <c>/v1</c> has no word here and stays as it is.
/// </summary>
internal sealed class SubnetMapping : ObjectMapping
{
    /// <summary>The key of ranges that were made through <c>/v1</c>, where ranges have none.</summary>
    private const string Key = "default";

    public override IReadOnlyList<string> Meant { get; } = ["spec.cidr", "spec.defaultGateway", "spec.fqName", "spec.ranges", "status"];

    public override string ToObjectPath(string path) =>
        path == "gateway" ? "spec.defaultGateway" : path.StartsWith("ranges", StringComparison.Ordinal) ? "spec.ranges" : base.ToObjectPath(path);

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["spec"] is not JsonObject spec || kept["spec"] is not JsonObject written) return;
        if (JsonNode.DeepEquals(Ranges(spec), Ranges(written)) && written["ranges"] is { } ranges) spec["ranges"] = ranges.DeepClone();
    }

    public override void ShowAlone(JsonObject target, string? waitsFor) => target["status"] = Cn2Form.Pending("No VirtualNetwork uses it.");

    /// <summary>A subnet of a network as a resource of its own.</summary>
    /// <param name="network">The ExternalNetwork as <c>/v1</c> answers it.</param>
    /// <param name="subnet">The item of its <c>subnets</c>.</param>
    /// <param name="name">What the Subnet is called.</param>
    public static JsonObject ResourceOf(JsonObject network, JsonObject subnet, string name)
    {
        var resource = (JsonObject)subnet.DeepClone();
        resource["name"] = name;
        Copy(network, resource, "namespace", "uid", "generation", "createdAt", "updatedAt");
        var status = new JsonObject { ["state"] = network["status"]?["state"]?.DeepClone() ?? "Success" };
        if ((network["status"]?["subnets"] as JsonArray ?? []).FirstOrDefault(s => s?["cidr"]?.ToString() == subnet["cidr"]?.ToString()) is JsonObject use)
            status["allocated"] = use["allocated"]?.DeepClone();
        resource["status"] = status;
        return resource;
    }

    /// <summary>How many addresses of a subnet are in use, as CN2 counts: network, broadcast and gateway are, so a new /24 shows 1.17%.</summary>
    /// <param name="cidr">The prefix.</param>
    /// <param name="hasGateway">A gateway is set aside.</param>
    /// <param name="allocated">How many addresses are held.</param>
    public static (string Usage, UInt128 Count) UsageOf(IPNetwork cidr, bool hasGateway, UInt128 allocated)
    {
        var bits = (cidr.FamilyOf() == IPFamily.IPv4 ? 32 : 128) - cidr.PrefixLength;
        var size = bits == 128 ? UInt128.MaxValue : UInt128.One << bits;
        var used = allocated + (bits < 2 ? 0u : 2u) + (hasGateway ? 1u : 0u);
        // Hundredths of a percent, rounded down; the double has digits enough for that.
        var share = Math.Floor((double)used / (double)size * 10_000) / 100;
        return (string.Create(CultureInfo.InvariantCulture, $"{Math.Min(share, 100):0.00}%"), used);
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var spec = new JsonObject
        {
            ["cidr"] = resource["cidr"]?.DeepClone(),
            ["fqName"] = Cn2Form.FqName(resource["namespace"]?.ToString(), resource["name"]!.ToString()),
        };
        if (resource["gateway"] is { } gateway) spec["defaultGateway"] = gateway.DeepClone();
        if (resource["ranges"] is JsonArray { Count: > 0 } ranges) spec["ranges"] = new JsonArray(new JsonObject { ["key"] = Key, ["ipRanges"] = ranges.DeepClone() });
        target["spec"] = spec;
        var status = Cn2Form.Status(resource);
        if (IPNetwork.TryParse(resource["cidr"]?.ToString(), out var cidr) && UInt128.TryParse(resource["status"]?["allocated"]?.ToString(), out var allocated))
        {
            var (usage, count) = UsageOf(cidr, resource["gateway"] is not null, allocated);
            status["allocationUsage"] = usage;
            status["ipCount"] = count > long.MaxValue ? long.MaxValue : (long)count;
        }

        target["status"] = status;
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        var spec = source["spec"] as JsonObject ?? [];
        request["cidr"] = spec["cidr"]?.DeepClone();
        request["gateway"] = spec["defaultGateway"]?.DeepClone();
        request["ranges"] = Ranges(spec) is { Count: > 0 } ranges ? ranges : null;
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, group) in (spec["ranges"] as JsonArray ?? []).Index())
        {
            if (!keys.Add(group?["key"]?.ToString() ?? "")) faults.Add($"spec.ranges[{index}].key", "is given twice");
        }
    }

    private static JsonArray Ranges(JsonObject spec) =>
    [
        .. (spec["ranges"] as JsonArray ?? []).SelectMany(g => g?["ipRanges"] as JsonArray ?? []).OfType<JsonObject>()
            .Select(r => new JsonObject { ["from"] = r["from"]?.DeepClone(), ["to"] = r["to"]?.DeepClone() }),
    ];
}
