using System.Text.Json.Nodes;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// Endpoints of the core group and EndpointSlices of <c>discovery.k8s.io/v1</c>, made of a Service and the VirtualMachineInterfaces that it
/// selects. Read-only and pure. A Service without a selector has none.
/// </summary>
internal static class EndpointsMapping
{
    /// <summary>Endpoints of one slice; more make a further slice, as in Kubernetes.</summary>
    public const int SliceSize = 100;

    private const string ServiceName = "kubernetes.io/service-name";
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";

    /// <summary>The one Endpoints object of a Service, with the Service's name.</summary>
    /// <param name="service">The Service as <c>/v1</c> answers it.</param>
    /// <param name="endpoints">What it selects, in the order of names.</param>
    public static JsonObject ToEndpoints(JsonObject service, IReadOnlyList<ServiceEndpoint> endpoints)
    {
        var families = Families(service);
        var target = new JsonObject { ["metadata"] = Metadata(service, "endpoints", service["name"]!.ToString()) };
        if (service["labels"] is JsonObject { Count: > 0 } labels) target["metadata"]!["labels"] = labels.DeepClone();
        var subset = new JsonObject();
        Add(subset, "addresses", endpoints.Where(e => e.IsReady), families);
        Add(subset, "notReadyAddresses", endpoints.Where(e => !e.IsReady), families);
        if (subset.Count == 0) return target;
        subset["ports"] = Ports(service);
        target["subsets"] = new JsonArray(subset);
        return target;
    }

    /// <summary>The slices of a Service: <c>name-ipv4</c>, <c>name-ipv4-2</c>, … for each of its families.</summary>
    /// <param name="service">The Service as <c>/v1</c> answers it.</param>
    /// <param name="endpoints">What it selects, in the order of names.</param>
    public static IEnumerable<JsonObject> ToSlices(JsonObject service, IReadOnlyList<ServiceEndpoint> endpoints)
    {
        foreach (var family in Families(service))
        {
            var some = endpoints.Select(e => (Endpoint: e, Address: e.Addresses.FirstOrDefault(a => SubnetNames.FamilyOf(a) == family))).Where(e => e.Address is not null).ToList();
            var count = Math.Max(1, (some.Count + SliceSize - 1) / SliceSize);
            for (var number = 1; number <= count; number++)
            {
                var name = $"{service["name"]}-{family.ToString().ToLowerInvariant()}{(number == 1 ? "" : $"-{number}")}";
                var metadata = Metadata(service, "endpointslice", name);
                var labels = service["labels"]?.DeepClone() as JsonObject ?? [];
                labels[ServiceName] = service["name"]!.DeepClone();
                labels[ManagedBy] = "endpointslice-controller.k8s.io";
                metadata["labels"] = labels;
                metadata["ownerReferences"] = new JsonArray(new JsonObject
                {
                    ["apiVersion"] = "v1",
                    ["kind"] = "Service",
                    ["name"] = service["name"]!.DeepClone(),
                    ["uid"] = service["uid"]?.DeepClone(),
                    ["controller"] = true,
                    ["blockOwnerDeletion"] = true,
                });
                yield return new JsonObject
                {
                    ["metadata"] = metadata,
                    ["addressType"] = family.ToString(),
                    ["endpoints"] = new JsonArray([.. some.Skip((number - 1) * SliceSize).Take(SliceSize).Select(e => Endpoint(e.Endpoint, e.Address!))]),
                    // kubectl describe ends with a fault of memory where a slice's port has no name; Kubernetes gives it an empty one.
                    ["ports"] = Ports(service, unnamed: ""),
                };
            }
        }
    }

    private static JsonObject Metadata(JsonObject service, string kind, string name)
    {
        var metadata = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = service["namespace"]?.DeepClone(),
            ["uid"] = DerivedUid.Of(kind, service["uid"]?.ToString() ?? "", name).ToString(),
        };
        if (ObjectMapping.TimeOf(service["createdAt"]) is { } created) metadata["creationTimestamp"] = created;
        return metadata;
    }

    private static List<IPFamily> Families(JsonObject service) => (service["selector"] as JsonObject)?.Count > 0
        ? [.. (service["ipFamilies"] as JsonArray ?? []).Select(f => Enum.Parse<IPFamily>(f!.ToString()))] : [];

    private static void Add(JsonObject subset, string member, IEnumerable<ServiceEndpoint> endpoints, List<IPFamily> families)
    {
        // As in Kubernetes, Endpoints have the addresses of the Service's first family.
        var addresses = endpoints.SelectMany(e => e.Addresses.Where(a => families.Count > 0 && SubnetNames.FamilyOf(a) == families[0])
            .Select(a => new JsonObject { ["ip"] = a, ["nodeName"] = e.Node, ["targetRef"] = Target(e) })).ToArray();
        if (addresses.Length > 0) subset[member] = new JsonArray(addresses);
    }

    private static JsonObject Endpoint(ServiceEndpoint endpoint, string address) => new()
    {
        ["addresses"] = new JsonArray(address),
        ["conditions"] = new JsonObject { ["ready"] = endpoint.IsReady, ["serving"] = endpoint.IsReady, ["terminating"] = false },
        ["nodeName"] = endpoint.Node,
        ["targetRef"] = Target(endpoint),
    };

    private static JsonObject Target(ServiceEndpoint endpoint)
    {
        var target = new JsonObject { ["kind"] = endpoint.IsPod ? "Pod" : "VirtualMachineInterface", ["namespace"] = endpoint.Namespace, ["name"] = endpoint.Name, ["uid"] = endpoint.Uid.ToString() };
        if (!endpoint.IsPod) target["apiVersion"] = "core.contrail.juniper.net/v1alpha1";
        return target;
    }

    private static JsonArray Ports(JsonObject service, string? unnamed = null) =>
    [
        .. (service["ports"] as JsonArray ?? []).OfType<JsonObject>().Select(p =>
        {
            var port = new JsonObject { ["port"] = (p["targetPort"] ?? p["port"])?.DeepClone(), ["protocol"] = p["protocol"]?.DeepClone() };
            if ((p["name"]?.ToString() ?? unnamed) is { } name) port["name"] = name;
            return port;
        }),
    ];
}
