using System.Collections.Frozen;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>The layout of each kind.</summary>
internal static class TableLayouts
{
    private static readonly FrozenDictionary<string, TableLayout> ByKind = new Dictionary<string, TableLayout>
    {
        ["Namespace"] = NamespaceTable.Layout,
        ["Service"] = ServiceTable.Layout,
        ["Pod"] = PodTable.Layout,
        ["Node"] = NodeTable.Layout,
        ["Event"] = EventTable.Layout,
        ["Endpoints"] = EndpointsTables.Endpoints,
        ["EndpointSlice"] = EndpointsTables.EndpointSlice,
        ["VirtualNetwork"] = Cn2Tables.VirtualNetwork,
        ["Subnet"] = Cn2Tables.Subnet,
        ["RoutingInstance"] = Cn2Tables.RoutingInstance,
        ["FloatingIP"] = Cn2Tables.FloatingIP,
        ["VirtualMachineInterface"] = Cn2Tables.VirtualMachineInterface,
        ["VirtualRouter"] = Cn2Tables.VirtualRouter,
        ["BGPRouter"] = Cn2Tables.BgpRouter,
        ["ServiceHealthCheck"] = Cn2Tables.ServiceHealthCheck,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static TableLayout Of(ResourceDefinition resource) => ByKind.GetValueOrDefault(resource.Kind, Cn2Tables.Plain);
}
