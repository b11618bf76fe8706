using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter.Dataplane;

/// <summary>All that this node's data plane must hold. Owned by one task; a data plane only reads it during a call.</summary>
public sealed class DataplaneConfig
{
    public Dictionary<NatEntryKey, DataplaneNatEntry> NatEntries { get; } = [];

    /// <summary>Addresses of the underlay whose unmapped ports are dropped. In a RoutingInstance all are.</summary>
    public HashSet<IPAddress> FloatingIPs { get; } = [];

    /// <summary>The RoutingInstances' tunnels.</summary>
    public OverlayConfig Overlay { get; } = new();
}
