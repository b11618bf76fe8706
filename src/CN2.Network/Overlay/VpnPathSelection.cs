using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Overlay;

/// <summary>
/// Chooses among the routes to one prefix: the best by LOCAL_PREF, then AS path length, then MED (RFC 4271 §9.1.2.2). Equal routes are used
/// together, up to <see cref="Limits.ImportedPaths"/> paths, those with the lowest next hops and labels. Pure.
/// </summary>
public static class VpnPathSelection
{
    /// <summary>Tunnel types (RFC 9012 §4.1; 2 is what CN2 and Junos mean by MPLS in GRE).</summary>
    private const ushort Gre = 2, MplsInGre = 11, MplsInUdp = 13;

    /// <summary>The order in which routes to one prefix are used: those that cannot be used are last. No two keys are equal.</summary>
    public static IComparer<ImportedRoute> Order { get; } = Comparer<ImportedRoute>.Create(CompareAll);

    /// <summary>Null when no route can be used. The cost does not depend on the number of routes that are not used.</summary>
    /// <param name="routes">In <see cref="Order"/>.</param>
    public static VpnRoute? Select(VpnRouteKey key, IEnumerable<ImportedRoute> routes)
    {
        var paths = Best(routes).Select(PathOf).Distinct().ToArray();
        return paths.Length == 0 ? null : new VpnRoute(key, EquatableList.Create<VpnPath>(paths));
    }

    /// <summary>The routes to one prefix that are used; empty when no route can be used.</summary>
    /// <param name="routes">In <see cref="Order"/>.</param>
    public static IEnumerable<ImportedRoute> Best(IEnumerable<ImportedRoute> routes)
    {
        ImportedRoute? first = null;
        VpnPath last = default;
        var paths = 0;
        foreach (var route in routes)
        {
            if (!IsUsable(route) || (first is not null && Compare(route, first) != 0)) yield break;
            first ??= route;
            var path = PathOf(route);
            if (paths == 0 || path != last) paths++;
            if (paths > Limits.ImportedPaths) yield break;
            last = path;
            yield return route;
        }
    }

    /// <summary>Whether the route can be used: an IPv4 next hop, a valid label, and an encapsulation that both ends know.</summary>
    public static bool IsUsable(ImportedRoute route) => FaultOf(route) is null;

    /// <summary>Why the route cannot be used; null when it can.</summary>
    public static UnusableRoute? FaultOf(ImportedRoute route)
    {
        var path = PathOf(route);
        if (path.NextHop.AddressFamily != AddressFamily.InterNetwork) return UnusableRoute.NextHopNotIPv4;
        if (!HostAddress.IsValid(path.NextHop)) return UnusableRoute.NextHopUnusable;
        if (!MplsLabel.IsUsable(path.Label)) return UnusableRoute.LabelOutOfRange;
        return path.MplsOverUdp || path.MplsOverGre ? null : UnusableRoute.NoCommonEncapsulation;
    }

    /// <summary>A route without encapsulation community counts as MPLS-in-GRE, as in CN2.</summary>
    private static VpnPath PathOf(ImportedRoute route) => new(
        route.NextHop, route.Label,
        route.Encapsulations.Contains(MplsInUdp),
        route.Encapsulations.Count == 0 || route.Encapsulations.Contains(Gre) || route.Encapsulations.Contains(MplsInGre));

    private static int CompareAll(ImportedRoute a, ImportedRoute b)
    {
        var order = IsUsable(b).CompareTo(IsUsable(a));
        if (order == 0) order = Compare(a, b);
        if (order == 0) order = AddressArithmetic.Compare(a.NextHop, b.NextHop);
        if (order == 0) order = a.Label.CompareTo(b.Label);
        if (order == 0) order = KindOf(a).CompareTo(KindOf(b));
        if (order == 0) order = AddressArithmetic.Compare(a.Key.Prefix, b.Key.Prefix);
        if (order == 0) order = string.CompareOrdinal(a.Key.Peer, b.Key.Peer);
        return order != 0 ? order : string.CompareOrdinal(a.Key.RouteDistinguisher, b.Key.RouteDistinguisher);

        // Equal paths are neighbours.
        static (bool, bool) KindOf(ImportedRoute route) => (PathOf(route).MplsOverUdp, PathOf(route).MplsOverGre);
    }

    private static int Compare(ImportedRoute a, ImportedRoute b)
    {
        var order = b.LocalPreference.CompareTo(a.LocalPreference);
        if (order == 0) order = a.ASPathLength.CompareTo(b.ASPathLength);
        return order != 0 ? order : a.Med.CompareTo(b.Med);
    }
}
