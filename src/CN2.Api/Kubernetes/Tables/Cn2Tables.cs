using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>The kinds of CN2 (docs/facts/cn2.md, 1.14). Where CN2's own columns are not known, they follow the others.</summary>
internal static class Cn2Tables
{
    private static readonly TableColumn State = Of("State", "Pending, Success, Failure or Deleting.");

    /// <summary>A custom resource without columns of its own, such as Kubemanager and NetworkAttachmentDefinition.</summary>
    public static TableLayout Plain { get; } = new([NameOf, Created], (source, context) => [source.Name(), Ages.Of(source, context)]);

    public static TableLayout ServiceHealthCheck { get; } = Of([NameOf, Of("Type", "The kind of probe.")],
        (check, _) => [check.Name(), check["spec"].Member("serviceHealthCheckProperties").Text("monitorType")]);

    public static TableLayout VirtualNetwork { get; } = Of([NameOf, Number("VNI", "The network identifier."), Of("IP-Families", "The address families of its subnets.")],
        (network, _) => [network.Name(), network["status"].Number("virtualNetworkNetworkId") is { } vni ? vni : new TableCell(), Families(network["spec"]).Joined()]);

    public static TableLayout Subnet { get; } = Of([NameOf, Of("CIDR", "The prefix."), Of("Usage", "How much of it is in use.")],
        (subnet, _) => [subnet.Name(), subnet["spec"].Text("cidr"), subnet["status"].Text("allocationUsage")]);

    public static TableLayout RoutingInstance { get; } = Of([NameOf, Of("RouteTarget", "The route targets in use.")],
        (table, _) => [table.Name(), table["status"].Texts("routeTargets").Joined()]);

    public static TableLayout FloatingIP { get; } = Of(
        [NameOf, Of("IPAddress", "The address."), Number("Interfaces", "How many endpoints it leads to."), Of("PortMapping", "The ports that are translated.")],
        (address, _) =>
        {
            var spec = address["spec"];
            return
            [
                address.Name(),
                spec.Text("floatingIPAddress"),
                spec.Count("virtualMachineInterfaceReferences"),
                spec.Member("floatingIPPortMappings").Items("portMappings").Select(m => $"{m.Text("protocol")}/{m.Number("srcPort")}->{m.Number("dstPort")}").Joined(),
            ];
        });

    public static TableLayout VirtualMachineInterface { get; } = Of(
    [
        Of("ClusterName", "The cluster."),
        NameOf,
        Of("Network", "Its network."),
        Of("PodName", "The pod it belongs to."),
        Of("IfcName", "Its name in the pod."),
    ],
    (port, context) =>
    {
        var annotations = port["metadata"].Member("annotations");
        return
        [
            context.ClusterName,
            port.Name(),
            port["spec"].Member("virtualNetworkReference").Text("name") ?? annotations.Text("network"),
            annotations.Text("kube-manager.juniper.net/pod-name"),
            annotations.Text("interface"),
        ];
    });

    public static TableLayout VirtualRouter { get; } = Of([NameOf, Of("IPAddress", "Its address, the next hop of its routes.")],
        (router, _) => [router.Name(), router["spec"].Text("virtualRouterIPAddress")]);

    public static TableLayout BgpRouter { get; } = Of([NameOf, Of("Type", "What it is."), Of("Identifier", "Its router identifier.")],
        (router, _) =>
        {
            var parameters = router["spec"].Member("bgpRouterParameters");
            return [router.Name(), parameters.Text("routerType"), parameters.Text("identifier")];
        });

    /// <summary>Columns of a kind of CN2, which end with State and Age.</summary>
    private static TableLayout Of(IReadOnlyList<TableColumn> columns, Func<JsonObject, TableContext, TableCell[]> cells) => new(
        [.. columns, State, Created],
        (source, context) => [.. cells(source, context), source["status"].Text("state"), Ages.Of(source, context)]);

    private static TableColumn Of(string name, string description) => TableColumn.Of(name, description);

    /// <summary>In CN2's order.</summary>
    private static IEnumerable<string> Families(JsonNode? spec)
    {
        if (spec.Member("v6SubnetReference") is not null) yield return "v6";
        if (spec.Member("v4SubnetReference") is not null) yield return "v4";
    }
}
