using CN2.Network.Overlay;

namespace CN2.VRouter.Dataplane;

/// <summary>The keys that may differ from the configuration applied before; the configuration itself holds the values.</summary>
public sealed class OverlayChange
{
    public HashSet<int> RoutingInstances { get; } = [];

    public HashSet<VpnRouteKey> Routes { get; } = [];

    public bool IsEmpty => RoutingInstances.Count == 0 && Routes.Count == 0;
}
