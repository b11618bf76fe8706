using System.Collections.Frozen;
using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>The name of each kind's collection, as in paths, <c>events?regarding=</c> and, but for control nodes, <c>watch?kinds=</c>.</summary>
public static class ResourceKinds
{
    private static readonly FrozenDictionary<ResourceKind, string> Collections = new Dictionary<ResourceKind, string>
    {
        [ResourceKind.Namespace] = "namespaces",
        [ResourceKind.VirtualRouter] = "virtual-routers",
        [ResourceKind.ServiceHealthCheck] = "service-health-checks",
        [ResourceKind.VirtualMachineInterface] = "virtual-machine-interfaces",
        [ResourceKind.ExternalNetworkSelector] = "external-network-selectors",
        [ResourceKind.ExternalNetwork] = "external-networks",
        [ResourceKind.Service] = "services",
        [ResourceKind.FloatingIP] = "floating-ips",
        [ResourceKind.BgpRouter] = "bgp-routers",
        [ResourceKind.ControlNode] = "control-nodes",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, ResourceKind> Kinds = Collections.ToFrozenDictionary(p => p.Value, p => p.Key);

    public static string Collection(this ResourceKind kind) => Collections[kind];

    public static bool TryParse(string collection, out ResourceKind kind) => Kinds.TryGetValue(collection, out kind);

    /// <summary>False for what control nodes report (<see cref="ResourceKind.Announcements"/>), which is no resource.</summary>
    public static bool IsNamespaced(this ResourceKind kind) => kind is not (ResourceKind.Namespace or ResourceKind.ExternalNetworkSelector
        or ResourceKind.VirtualRouter or ResourceKind.BgpRouter or ResourceKind.Announcements or ResourceKind.ControlNode);
}
