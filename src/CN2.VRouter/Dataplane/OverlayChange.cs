using CN2.Network.Overlay;

namespace CN2.VRouter.Dataplane;

/// <summary>What may differ from the configuration applied before: keys only, the configuration says what is wanted.</summary>
public sealed class OverlayChange
{
    public HashSet<int> RoutingInstances { get; } = [];

    public HashSet<VpnRouteKey> Routes { get; } = [];

    public bool IsEmpty => RoutingInstances.Count == 0 && Routes.Count == 0;
}
