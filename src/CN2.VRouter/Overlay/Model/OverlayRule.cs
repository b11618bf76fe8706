using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>A routing rule of the agent: packets with the mark go to the RoutingInstance's table. The guard makes them unreachable.</summary>
internal readonly record struct OverlayRule(byte Family, uint Preference, uint Mark)
{
    public bool IsGuard => Preference == OverlayNumbers.GuardPreference;

    /// <summary>Both rules of a RoutingInstance.</summary>
    public static IEnumerable<OverlayRule> Of(byte family, int routingInstance) =>
    [
        new(family, OverlayNumbers.FromVpnPreference, OverlayNumbers.FromVpn + (uint)routingInstance),
        new(family, OverlayNumbers.FromEndpointPreference, OverlayNumbers.FromEndpoint + (uint)routingInstance),
    ];

    public static OverlayRule Guard(byte family) => new(family, OverlayNumbers.GuardPreference, OverlayNumbers.FromVpn);
}
