using System.Net;

namespace CN2.VRouter.Dataplane;

/// <summary>An address and where it is valid: in the underlay (0), or in a RoutingInstance.</summary>
public readonly record struct FloatingIPPlace(int RoutingInstance, IPAddress Address);
