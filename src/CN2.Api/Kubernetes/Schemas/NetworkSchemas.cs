using static CN2.Api.Kubernetes.Schemas.Cn2Schemas;
using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>VirtualNetwork, Subnet and RoutingInstance (docs/facts/cn2.md, 1.2 and 1.3): together an ExternalNetwork in /v1.</summary>
public static class NetworkSchemas
{
    private static readonly Schema.Structure Properties = Structure(Package + "VirtualNetworkProperties", "How a network forwards.",
        Text(0, "forwardingMode", "Which layers it forwards.", "l2_l3", "l2", "l3"),
        Text(0, "rpf", "Whether the source of packets is checked.", "enable", "disable"));

    public static ResourceDefinition VirtualNetwork { get; } = Kind("VirtualNetwork", "virtualnetworks", "vn", "A network with subnets and route targets.",
    [
        Flag(0, "answerPing", "Nodes with a route to one of its FloatingIPs answer echo requests to it; true when absent."),
        RouteTargets("exportRouteTargetList", "Route targets its routes are sent with."),
        Flag(0, "fabricForwarding", "Its addresses are reached through the underlay."),
        Flag(0, "fabricSNAT", "Its endpoints reach the fabric with the address of their node."),
        RouteTargets("importRouteTargetList", "Route targets of the routes it takes."),
        Flag(0, "isProviderNetwork", "It is a network of the provider."),
        Flag(0, "podNetwork", "Nodes have a route to it."),
        Of(0, "providerNetworkReference", Reference, "The network of the provider."),
        RouteTargets("routeTargetList", "Route targets for both directions."),
        Number(0, "quarantineSeconds", "How long a released address rests before somebody else gets it, in seconds from 0 to 86400; 30 when absent."),
        References("routeTableReferences", "Tables of static routes."),
        Of(0, "v4SubnetReference", Reference, "Its subnet of IPv4."),
        Of(0, "v6SubnetReference", Reference, "Its subnet of IPv6."),
        Long(0, "virtualNetworkNetworkID", "The network identifier that is asked for."),
        Of(0, "virtualNetworkProperties", Properties, "How it forwards."),
        Number(0, "vlanID", "Its VLAN."),
    ],
    Long(0, "virtualNetworkNetworkId", "The network identifier."));

    private static readonly Schema.Structure Range = Structure(Package + "IPRange", "A range of addresses.",
        Text(0, "from", "The first address.").Required(),
        Text(0, "to", "The last address.").Required());

    private static readonly Schema.Structure Ranges = Structure(Package + "SubnetRanges", "Ranges of addresses under one key.",
        List(0, "ipRanges", Range, "The ranges."),
        Text(0, "key", "Their key.").Required());

    public static ResourceDefinition Subnet { get; } = Kind("Subnet", "subnets", "sn", "A prefix from which addresses are given.",
    [
        Text(0, "bgpaasPrimaryIP", "The first address for BGP as a service."),
        Text(0, "bgpaasSecondaryIP", "The second address for BGP as a service."),
        Text(0, "cidr", "The prefix, such as 100.0.0.0/24.").Required(),
        Text(0, "defaultGateway", "The gateway; the first address of hosts when absent."),
        Flag(0, "disableBGPaaSIPAutoAllocation", "No addresses are taken for BGP as a service."),
        Texts(0, "dnsNameservers", "Name servers of its hosts."),
        Flag(0, "enableDHCP", "Its hosts are served by DHCP."),
        ListBy(0, "ranges", Ranges, "The ranges that addresses are given from; all when absent.", "key"),
    ],
    Text(0, "allocationUsage", "How much of it is in use, in percent."),
    Long(0, "ipCount", "How many addresses are in use."));

    private static readonly Schema.Structure TargetAttributes = Structure(Package + "RouteTargetAttributes", "How a route target is used.",
        Text(0, "importExport", "import or export; both when empty."));

    private static readonly Schema.Structure Target = Structure(Package + "RouteTargetReference", "A route target of a routing table.",
    [
        .. Reference.Fields,
        Of(0, "attributes", TargetAttributes, "How it is used."),
    ]);

    public static ResourceDefinition RoutingInstance { get; } = Kind("RoutingInstance", "routinginstances", "ri", "The routing table of a network.",
    [
        Flag(0, "isDefault", "It is the table of its network."),
        Of(0, "parent", Reference, "The network."),
        List(0, "routeTargetReferences", Target, "Its route targets."),
        References("routingInstanceReferences", "Tables it shares routes with."),
    ],
    Texts(0, "routeTargets", "The route targets in use."))
    with
    { Verbs = ResourceDefinition.ReadOnly };
}
