using static CN2.Api.Kubernetes.Schemas.Cn2Schemas;
using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>FloatingIP, VirtualMachineInterface and VirtualRouter (docs/facts/cn2.md, 1.8 and 1.9).</summary>
public static class FloatingIPSchemas
{
    private static readonly Schema.Structure PortMap = Structure(Package + "PortMap", "One port of a FloatingIP.",
        Number(0, "dstPort", "The port of the endpoints.").Required(),
        Text(0, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").Required(),
        Number(0, "srcPort", "The port clients connect to.").Required());

    private static readonly Schema.Structure PortMappings = Structure(Package + "PortMappings", "The ports of a FloatingIP.",
        List(0, "portMappings", PortMap, "The ports."));

    public static ResourceDefinition FloatingIP { get; } = Kind("FloatingIP", "floatingips", "fip", "An address that leads to endpoints.",
    [
        Text(0, "floatingIPAddress", "The address; allocated when absent."),
        Of(0, "floatingIPPortMappings", PortMappings, "The ports that are translated."),
        Flag(0, "floatingIPPortMappingsEnable", "Only the listed ports are translated; all when false."),
        Text(0, "floatingIPTrafficDirection", "The direction that is translated.", "ingress", "egress", "both"),
        Of(0, "parent", Reference, "What holds the address."),
        References("virtualMachineInterfaceReferences", "The endpoints."),
        Of(0, "virtualNetworkReference", Reference, "The network of the address."),
    ],
    List(0, "attachments", new Schema.Free(), "Endpoints, and the nodes that carry them."),
    List(0, "routes", new Schema.Free(), "Routes to the address, and who has been sent them."),
    Of(0, "subnetReference", Reference, "The subnet of the address."))
    with
    { IsNamespaced = false };

    private static readonly Schema.Structure AddressPair = Structure(Package + "AllowedAddressPair", "One more address of an interface.",
        Text(0, "addressMode", "How several interfaces share it.", "active-active", "active-standby"),
        Of(0, "ip", new Schema.Free(), "The address or prefix."),
        Text(0, "mac", "The MAC address."));

    private static readonly Schema.Structure AddressPairs = Structure(Package + "AllowedAddressPairs", "More addresses of an interface.",
        List(0, "allowedAddressPair", AddressPair, "The addresses."));

    private static readonly Schema.Structure MacAddresses = Structure(Package + "MacAddresses", "The MAC addresses of an interface.",
        Texts(0, "macAddress", "The addresses."));

    public static ResourceDefinition VirtualMachineInterface { get; } = Kind("VirtualMachineInterface", "virtualmachineinterfaces", "vmi", "The port of a pod or virtual machine.",
    [
        Of(0, "allowedAddressPairs", AddressPairs, "More addresses it may use."),
        Texts(0, "instanceIPAddresses", "Its addresses."),
        Of(0, "parent", Reference, "What it belongs to."),
        Flag(0, "portSecurityEnabled", "Its packets are checked."),
        Of(0, "properties", new Schema.Free(), "Properties that have no effect here."),
        References("serviceHealthCheckReferences", "The health checks that watch it."),
        References("tagReferences", "Its tags."),
        Flag(0, "virtualMachineInterfaceDisablePolicy", "It bypasses flows; FloatingIPs then do not work."),
        Of(0, "virtualMachineInterfaceMacAddresses", MacAddresses, "Its MAC addresses."),
        References("virtualMachineReferences", "The virtual machine."),
        Of(0, "virtualNetworkReference", Reference, "Its network."),
        Of(0, "virtualRouterReference", Reference, "The node it is on."),
        Number(0, "weight", "How many new connections it takes in proportion to other endpoints, from 1 to 100; 1 when absent."),
    ],
    Texts(0, "addresses", "Its addresses."),
    Of(0, "bgpRouterReference", Reference, "The router it speaks BGP with."),
    Text(0, "health", "Healthy, Unhealthy or Unknown."),
    Flag(0, "ready", "It takes new connections."),
    References("routingInstanceReferences", "Its routing tables."),
    References("serviceHealthCheckReferences", "The health checks that watch it."),
    Of(0, "virtualRouterReference", Reference, "The node it is on."));

    public static ResourceDefinition VirtualRouter { get; } = Kind("VirtualRouter", "virtualrouters", "vr", "A node that forwards packets and carries routes.",
    [
        Flag(0, "adminDown", "It is out for maintenance: no routes lead to it."),
        Text(0, "virtualRouterIPAddress", "Its address, the next hop of its routes."),
        Text(0, "virtualRouterIPv6Address", "Its address of IPv6."),
        Text(0, "virtualRouterType", "What kind of node it is."),
        References("virtualMachineReferences", "The virtual machines on it."),
    ],
    Text(0, "agentVersion", "The version of its agent."),
    Long(0, "appliedRevision", "What its agent has applied."),
    Flag(0, "connected", "Its agent is connected."),
    Long(0, "desiredRevision", "What its agent shall apply."),
    Time(0, "lastSeenAt", "When its agent was last heard of."),
    Text(0, "message", "What its agent says of the node."))
    with
    { IsNamespaced = false };
}
