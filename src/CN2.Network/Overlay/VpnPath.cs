using System.Net;

namespace CN2.Network.Overlay;

/// <summary>A tunnel to the next hop of an imported route, and the label by which the next hop knows the VPN.</summary>
public readonly record struct VpnPath(IPAddress NextHop, uint Label, bool MplsOverUdp, bool MplsOverGre);
