using CN2.Network.Collections;
using CN2.Network.Overlay;

namespace CN2.VRouter.Dataplane;

/// <summary>All that the tunnels of this node are to carry. A route of a RoutingInstance that is not there is not used.</summary>
public sealed class OverlayConfig
{
    /// <summary>The RoutingInstances' numbers (1 to 65535), with the label this node advertises for each.</summary>
    public Dictionary<int, uint> RoutingInstances { get; } = [];

    /// <summary>The routes imported from the routers, with the paths among which flows are spread.</summary>
    public Dictionary<VpnRouteKey, EquatableList<VpnPath>> Routes { get; } = [];
}
