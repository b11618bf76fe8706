using System.Net;

namespace CN2.Network.Overlay;

/// <summary>The identity of a VPN route: the peer that advertised it, its route distinguisher as text, its prefix.</summary>
public readonly record struct ImportedRouteKey(string Peer, string RouteDistinguisher, IPNetwork Prefix);
