using System.Net;
using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.VRouter.Dataplane;

/// <summary>Everything that this node's data plane must hold. One task owns it; a data plane reads it only during a call.</summary>
public sealed class DataplaneConfig
{
    public Dictionary<NatEntryKey, DataplaneNatEntry> NatEntries { get; } = [];

    /// <summary>Addresses of the underlay whose unmapped ports are dropped. In a RoutingInstance every unmapped port is dropped.</summary>
    public HashSet<IPAddress> FloatingIPs { get; } = [];

    /// <summary>Who FloatingIPs belong to, as far as the server says.</summary>
    public Dictionary<FloatingIPPlace, FloatingIPAttachment> Attachments { get; } = [];

    /// <summary>Addresses of endpoints that changed hands, and the uid of the VirtualMachineInterface that has each now; the last <see cref="MostEndpointHolders"/>.</summary>
    public OrderedDictionary<IPAddress, Guid> EndpointHolders { get; } = [];

    /// <summary>As many as a control node remembers: 10,000 of this node, and 10,000 of all.</summary>
    public const int MostEndpointHolders = 20_000;

    /// <summary>The addresses of all nodes with a route to a FloatingIP, this node too; only of FloatingIPs with several.</summary>
    public Dictionary<FloatingIPPlace, EquatableList<IPAddress>> Carriers { get; } = [];

    /// <summary>
    /// What is inside: addresses of nodes (of their full length), and networks with endpoints (<see cref="CN2.Network.Addressing.EndpointNetwork"/>). Empty: it is not known.
    /// </summary>
    public HashSet<IPNetwork> Inside { get; } = [];

    /// <summary>The tunnels of the RoutingInstances.</summary>
    public OverlayConfig Overlay { get; } = new();
}
