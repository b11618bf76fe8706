namespace CN2.Network.Sequencing;

/// <summary>
/// The FloatingIP and the RoutingInstance (0: the underlay) that a route and the NAT entries behind it share. A network that changes between
/// underlay and overlay has both for a while.
/// </summary>
internal readonly record struct RouteScope(Guid FloatingIP, int RoutingInstance);
