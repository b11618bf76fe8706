using System.Net;
using CN2.Network.Compilation;

namespace CN2.Api.Drivers;

/// <summary>Prefix, next hop and RoutingInstance. Next hop and RoutingInstance make the route distinguisher of a VPN route.</summary>
public readonly record struct BgpPathKey(IPAddress Prefix, RouteKey Path);
