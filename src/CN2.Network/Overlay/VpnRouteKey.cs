using System.Net;

namespace CN2.Network.Overlay;

public readonly record struct VpnRouteKey(int RoutingInstance, IPNetwork Prefix);
