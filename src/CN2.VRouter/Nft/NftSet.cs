namespace CN2.VRouter.Nft;

/// <summary>The sets and maps of a table, in the order in which a transaction writes them.</summary>
public enum NftSet
{
    /// <summary>packet mark (flags and number of backends) → the chain that draws a backend.</summary>
    Hash,

    /// <summary>Addresses of FloatingIPs: packets to them that no entry translates are dropped.</summary>
    FloatingIPs,

    /// <summary>Backends on other nodes: the source becomes the node's address.</summary>
    Remote,

    /// <summary>Endpoints on this node: no packet of them that belongs to no flow passes.</summary>
    Endpoints,

    /// <summary>FloatingIPs with a route through this node: what no entry translates is refused.</summary>
    Refusing,

    /// <summary>FloatingIPs for which the node answers echo requests.</summary>
    Pinged,

    /// <summary>Port numbers of node ports, to recognise their flows after translation.</summary>
    NodePortNumbers,

    /// <summary>address . protocol . port → flags and number of backends.</summary>
    NatEntries,

    /// <summary>address . protocol . port . number → backend.</summary>
    Backends,

    /// <summary>address . protocol . port . client: the clients that may use a NAT entry with source ranges.</summary>
    SourceRanges,

    NodePorts,
    NodePortBackends,
    NodePortSourceRanges,

    /// <summary>address → flags and number of backends, every protocol (a FloatingIP attached one to one).</summary>
    OneToOne,
    OneToOneBackends,
    OneToOneSourceRanges,

    /// <summary>Addresses of nodes, this one and others.</summary>
    Nodes,

    /// <summary>Networks with endpoints, on whatever node; each of the length of <see cref="CN2.Network.Addressing.EndpointNetwork"/>.</summary>
    EndpointNetworks,

    /// <summary>endpoint . port → the only FloatingIP and port whose flows go there.</summary>
    Replies,

    /// <summary>endpoint → the only FloatingIP that is attached to it one to one.</summary>
    OneToOneReplies,

    /// <summary>endpoint . port to which flows of one or several FloatingIPs go.</summary>
    EndpointPorts,

    /// <summary>Endpoints to which one or several FloatingIPs are attached one to one.</summary>
    OneToOneEndpoints,

    /// <summary>FloatingIP . protocol . port of which one of several endpoints has just come, or gone to another node; each element goes by itself.</summary>
    Settling,

    /// <summary>Endpoints that were on this node a moment ago and are on another one now, or the other way round; each element goes by itself.</summary>
    Relocated,

    /// <summary>A RoutingInstance's device → the zone of its flows.</summary>
    VpnZones,

    /// <summary>The mark of relayed ICMP errors → the zone of their flows.</summary>
    VpnRelayZones,

    /// <summary>A RoutingInstance's device → the mark of flows that arrive by it.</summary>
    VpnMarks,

    /// <summary>device . mark: which flows may pass a RoutingInstance's device.</summary>
    VpnDevices,

    /// <summary>mark . address: the FloatingIPs of the RoutingInstances.</summary>
    VpnFloatingIPs,

    /// <summary>mark . address, as <see cref="Refusing"/> and <see cref="Pinged"/>.</summary>
    VpnRefusing,
    VpnPinged,

    /// <summary>As in the underlay, with the flow's mark before each key: equal addresses in two VPNs are different.</summary>
    VpnNatEntries,
    VpnBackends,
    VpnSourceRanges,
    VpnOneToOne,
    VpnOneToOneBackends,
    VpnOneToOneSourceRanges,

    /// <summary>Endpoint with its own FloatingIP in a VPN → the mark of flows that it begins.</summary>
    VpnEndpoints,

    /// <summary>Endpoint with its own FloatingIP in a VPN → that FloatingIP, the source of its flows there.</summary>
    VpnSources,
}
