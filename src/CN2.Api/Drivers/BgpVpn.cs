using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Drivers;

/// <summary>
/// What a VPN route has in addition (docs/contract.md §4): its route distinguisher, the MPLS label that its vRouter has acknowledged, and the
/// export route targets. Every VPN route also carries the encapsulation communities GRE and MPLS-in-UDP.
/// </summary>
public sealed record BgpVpn(RouteDistinguisher RouteDistinguisher, uint Label, EquatableList<RouteTarget> RouteTargets);
