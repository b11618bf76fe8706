namespace CN2.VRouter.Nft;

/// <summary>The sets and maps of a table, in the order in which a transaction writes them.</summary>
public enum NftSet
{
    /// <summary>Chosen by packet mark (flags and number of backends): which chain draws the backend's number.</summary>
    Hash,

    /// <summary>Addresses that are ours: what arrives for them and was not translated is dropped.</summary>
    FloatingIPs,

    /// <summary>Backends on other nodes: the source becomes the node's address.</summary>
    Remote,

    /// <summary>Port numbers of node ports; recognises their flows after translation.</summary>
    NodePortNumbers,

    /// <summary>address . protocol . port → flags and number of backends.</summary>
    NatEntries,

    /// <summary>address . protocol . port . number → backend.</summary>
    Backends,

    /// <summary>address . protocol . port . client: who may use a NAT entry that has source ranges.</summary>
    SourceRanges,

    NodePorts,
    NodePortBackends,
    NodePortSourceRanges,

    /// <summary>address → flags and number of backends, every protocol (a FloatingIP attached one to one).</summary>
    OneToOne,
    OneToOneBackends,
    OneToOneSourceRanges,

    /// <summary>A RoutingInstance's device → the zone of its flows.</summary>
    VpnZones,

    /// <summary>A RoutingInstance's device → the mark of flows that arrive by it.</summary>
    VpnMarks,

    /// <summary>device . mark: which flows may pass a RoutingInstance's device.</summary>
    VpnDevices,

    /// <summary>mark . address: the FloatingIPs of the RoutingInstances.</summary>
    VpnFloatingIPs,

    /// <summary>As in the underlay, each key with the flow's mark before it: the same address in two VPNs is two things.</summary>
    VpnNatEntries,
    VpnBackends,
    VpnSourceRanges,
    VpnOneToOne,
    VpnOneToOneBackends,
    VpnOneToOneSourceRanges,

    /// <summary>Endpoints that have a FloatingIP of their own in a VPN: the mark of flows that they begin.</summary>
    VpnEndpoints,

    /// <summary>The FloatingIP from which such an endpoint speaks in the VPN.</summary>
    VpnSources,
}
