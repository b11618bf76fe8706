using CN2.Network.Collections;

namespace CN2.Network.Overlay;

/// <summary>A prefix that a RoutingInstance reaches through routers, with its equal paths (ECMP) in canonical order; at least one.</summary>
public sealed record VpnRoute(VpnRouteKey Key, EquatableList<VpnPath> Paths);
