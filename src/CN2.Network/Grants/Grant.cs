using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Grants;

/// <summary>What the networks of a namespace may announce (docs/contract.md §7, Tenants). An empty list grants nothing.</summary>
public sealed record Grant
{
    public EquatableList<IPNetwork> Prefixes { get; init; } = [];
    public EquatableList<RouteTargetPattern> RouteTargets { get; init; } = [];
    public EquatableList<CommunityPattern> Communities { get; init; } = [];
    public EquatableList<LargeCommunityPattern> LargeCommunities { get; init; } = [];

    /// <summary>The prefix lies in one of <see cref="Prefixes"/>.</summary>
    public bool Covers(IPNetwork prefix) => Prefixes.Any(p => p.FamilyOf() == prefix.FamilyOf() && p.PrefixLength <= prefix.PrefixLength && p.Contains(prefix.BaseAddress));

    public bool Covers(RouteTarget target) => RouteTargets.Any(p => p.Matches(target));

    public bool Covers(BgpCommunity community) => Communities.Any(p => p.Matches(community));

    public bool Covers(LargeCommunity community) => LargeCommunities.Any(p => p.Matches(community));
}
