using System.Net;

namespace CN2.VRouter.Overlay;

/// <summary>
/// One way into a VPN: the router's tunnel end point, the label it advertised, and the encapsulations both ends offer; MPLS-in-UDP
/// goes before MPLS-in-GRE. A path with neither, or with a reserved label (RFC 3032 2.1), is not used.
/// </summary>
public sealed record OverlayPath(IPAddress NextHop, uint Label, bool MplsOverUdp, bool MplsOverGre);
