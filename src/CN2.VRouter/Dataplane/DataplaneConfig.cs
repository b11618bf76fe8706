using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter.Dataplane;

/// <summary>Everything that this node's data plane must hold. One task owns it; a data plane reads it only during a call.</summary>
public sealed class DataplaneConfig
{
    public Dictionary<NatEntryKey, DataplaneNatEntry> NatEntries { get; } = [];

    /// <summary>Addresses of the underlay whose unmapped ports are dropped. In a RoutingInstance every unmapped port is dropped.</summary>
    public HashSet<IPAddress> FloatingIPs { get; } = [];

    /// <summary>The tunnels of the RoutingInstances.</summary>
    public OverlayConfig Overlay { get; } = new();
}
