using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Overlay;

public readonly record struct VpnRouteKey(int RoutingInstance, IPNetwork Prefix);

/// <summary>A tunnel to the next hop of an imported route, and the label of the VPN at that next hop.</summary>
public readonly record struct VpnPath(IPAddress NextHop, uint Label, bool MplsOverUdp, bool MplsOverGre);

/// <summary>A prefix of a RoutingInstance beyond the router, with its equal paths in canonical order (ECMP); at least one path.</summary>
public sealed record VpnRoute(VpnRouteKey Key, EquatableList<VpnPath> Paths);

/// <summary>A RoutingInstance on a vRouter, and the label that routers use to reach it there.</summary>
public readonly record struct RoutingInstance(int Number, uint Label);
