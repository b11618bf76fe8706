using System.Net;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// A route the external routers should have once the entries behind it are acknowledged: one FloatingIP through one vRouter
/// (docs/contract.md §4). <see cref="Network"/> gives the attributes, and says whether the route is underlay or overlay.
/// </summary>
public sealed record FloatingIPRoute(Guid FloatingIP, IPAddress Address, string VirtualRouter, IPAddress NextHop, ExternalNetwork Network)
{
    /// <summary>
    /// The share of the flows that routers should send this way, in proportion to the other routes of the FloatingIP: the weights of the vRouter's endpoints
    /// that take new flows, added. 0: the network does not ask for it, or each vRouter reaches all endpoints.
    /// </summary>
    public int Weight { get; init; }

    /// <summary>The RoutingInstance of the route; 0 is the underlay.</summary>
    public int RoutingInstance => Network.RoutingInstance;

    public RouteKey Path => new(NextHop, RoutingInstance);
}
