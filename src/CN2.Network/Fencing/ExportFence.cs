using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Grants;
using CN2.Network.Resources;

namespace CN2.Network.Fencing;

/// <summary>
/// The second fence around tenants (docs/contract.md §7): what may leave to routers at all, whatever anybody announces. A route leaves when one of the
/// rules admits it.
/// </summary>
public sealed record ExportFence(EquatableList<ExportRule> Rules)
{
    private const string Operators = "operators";

    /// <summary>
    /// The rules for these networks. A namespace with a grant: the grant, and the automatic route targets of its networks, which nobody chooses.
    /// All networks of namespaces without a grant together: their subnets, and in the overlay their route targets.
    /// </summary>
    public static ExportFence Of(IEnumerable<ExternalNetwork> networks)
    {
        var rules = new List<ExportRule>();
        foreach (var group in networks.GroupBy(n => (Owner: n.Grant is null ? Operators : $"namespace/{n.Id.Namespace}", IsOverlay: !n.FabricForwarding))
                     .OrderBy(g => g.Key.Owner, StringComparer.Ordinal).ThenBy(g => g.Key.IsOverlay))
        {
            var grant = group.First().Grant;
            var prefixes = grant?.Prefixes ?? group.SelectMany(n => n.Subnets);
            var targets = !group.Key.IsOverlay ? []
                : grant is null ? group.SelectMany(n => n.ExportRouteTargets).Select(RouteTargetPattern.Of)
                : OfGrant(grant, group.Select(n => n.AutomaticRouteTarget).OfType<RouteTarget>().ToList());
            rules.Add(new ExportRule(
                group.Key.Owner, group.Key.IsOverlay,
                prefixes.Distinct().OrderBy(p => p.FamilyOf()).ThenBy(p => p.BaseAddress.ToNumber()).ThenBy(p => p.PrefixLength).ToEquatableList(),
                targets.Distinct().Order().ToEquatableList(), grant?.Communities, grant?.LargeCommunities));
        }

        return new ExportFence(rules.ToEquatableList());
    }

    private static IEnumerable<RouteTargetPattern> OfGrant(Grant grant, List<RouteTarget> automatic) =>
        grant.RouteTargets.SelectMany(p => automatic.Count == 0 ? [p] : p.WithoutAutomatic(automatic[0])).Concat(automatic.Select(RouteTargetPattern.Of));

    /// <inheritdoc cref="ExportRule.Admits"/>
    public bool Admits(IPAddress address, EquatableList<RouteTarget>? targets, EquatableList<BgpCommunity> communities, EquatableList<LargeCommunity> largeCommunities) =>
        Rules.Any(r => r.Admits(address, targets, communities, largeCommunities));
}
