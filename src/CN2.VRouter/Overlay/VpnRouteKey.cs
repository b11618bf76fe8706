using System.Net;

namespace CN2.VRouter.Overlay;

/// <summary>An imported route's identity: the RoutingInstance's number and the prefix.</summary>
public readonly record struct VpnRouteKey(int RoutingInstance, IPNetwork Prefix);
