using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>
/// Attributes of the routes to a network's FloatingIPs (<c>docs/contract.md §4</c>; the defaults are CN2's). <paramref name="Weighted"/>: routes of the underlay
/// say how much their vRouters can take (<see cref="Compilation.FloatingIPRoute.Weight"/>).
/// </summary>
public sealed record Advertisement(
    uint LocalPreference,
    uint Med,
    EquatableList<BgpCommunity> Communities,
    EquatableList<LargeCommunity> LargeCommunities,
    bool Weighted = false)
{
    public static Advertisement Default { get; } = new(200, 100, [], []);
}
