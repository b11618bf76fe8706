using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Grants;

namespace CN2.Network.Fencing;

/// <summary>
/// What one tenant may announce, in the underlay or in the overlay. A list that is null allows everything; the route targets count in the overlay only.
/// </summary>
/// <param name="Owner">Who it is about: <c>namespace/ns1</c>, or <c>operators</c> for all networks of namespaces without a grant.</param>
public sealed record ExportRule(
    string Owner,
    bool IsOverlay,
    EquatableList<IPNetwork> Prefixes,
    EquatableList<RouteTargetPattern> RouteTargets,
    EquatableList<CommunityPattern>? Communities,
    EquatableList<LargeCommunityPattern>? LargeCommunities)
{
    /// <param name="address">The FloatingIP.</param>
    /// <param name="targets">The route targets of a VPN route; null: a route of the underlay.</param>
    /// <param name="communities">All of them.</param>
    /// <param name="largeCommunities">All of them.</param>
    public bool Admits(IPAddress address, EquatableList<RouteTarget>? targets, EquatableList<BgpCommunity> communities, EquatableList<LargeCommunity> largeCommunities) =>
        IsOverlay == targets is not null
        && Prefixes.Any(p => p.FamilyOf() == address.FamilyOf() && p.Contains(address))
        && (targets is null || targets.All(t => RouteTargets.Any(p => p.Matches(t))))
        && (Communities is null || communities.All(c => Communities.Any(p => p.Matches(c))))
        && (LargeCommunities is null || largeCommunities.All(c => LargeCommunities.Any(p => p.Matches(c))));
}
