using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Api.Drivers;

/// <summary>
/// A host route to a FloatingIP through one vRouter: a unicast route in the underlay or, with <see cref="Vpn"/>, a VPN route in the overlay.
/// Value equality. <see cref="Key"/> is its identity in the speaker; everything else is an attribute that may change in place.
/// </summary>
public sealed record BgpPath(
    IPAddress Prefix,
    IPAddress NextHop,
    uint LocalPreference,
    uint Med,
    EquatableList<BgpCommunity> Communities,
    EquatableList<LargeCommunity> LargeCommunities,
    BgpVpn? Vpn = null)
{
    /// <summary>
    /// The FloatingIP that the path leads to. It is not sent. Its uid is a UUIDv7, so it says which of two prefixes is the older one
    /// (<see cref="BgpPeer.MaxAdvertised"/>).
    /// </summary>
    public Guid FloatingIP { get; init; }

    /// <summary>
    /// The share of the flows that routers should send this way, in proportion to the other paths of the prefix; sent as link bandwidth
    /// (draft-ietf-idr-link-bandwidth). 0: nothing is sent, and they spread evenly.
    /// </summary>
    public int Weight { get; init; }

    public BgpPathKey Key => new(Prefix, new RouteKey(NextHop, Vpn?.RouteDistinguisher.Number ?? 0));
}
