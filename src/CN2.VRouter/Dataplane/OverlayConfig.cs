using CN2.Network.Collections;
using CN2.Network.Overlay;

namespace CN2.VRouter.Dataplane;

/// <summary>Everything that the tunnels of this node must hold. A route of an unknown RoutingInstance is not used.</summary>
public sealed class OverlayConfig
{
    /// <summary>The numbers of the RoutingInstances (1 to 65535), with the label that this node advertises for each.</summary>
    public Dictionary<int, uint> RoutingInstances { get; init; } = [];

    /// <summary>The routes imported from the routers. Flows are spread over the paths of a route.</summary>
    public Dictionary<VpnRouteKey, EquatableList<VpnPath>> Routes { get; init; } = [];
}
