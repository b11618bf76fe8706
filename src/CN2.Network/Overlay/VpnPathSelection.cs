using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Overlay;

/// <summary>
/// Selects the routes to one prefix that are used: the best by LOCAL_PREF, then AS path length, then MED (RFC 4271 §9.1.2.2). Equal routes
/// are used together. Pure.
/// </summary>
public static class VpnPathSelection
{
    /// <summary>Tunnel types (RFC 9012 §4.1; 2 is what CN2 and Junos mean by MPLS in GRE).</summary>
    private const ushort Gre = 2, MplsInGre = 11, MplsInUdp = 13;

    /// <summary>The best paths of a prefix; null when no route can be used.</summary>
    public static VpnRoute? Select(VpnRouteKey key, IEnumerable<ImportedRoute> routes)
    {
        var best = Best(routes);
        if (best.Count == 0) return null;
        var paths = best.Select(PathOf).Distinct().ToArray();
        Array.Sort(paths, static (a, b) =>
        {
            var order = AddressArithmetic.Compare(a.NextHop, b.NextHop);
            return order != 0 ? order : a.Label.CompareTo(b.Label);
        });
        return new VpnRoute(key, EquatableList.Create<VpnPath>(paths));
    }

    /// <summary>The routes to one prefix that are used; empty when no route can be used.</summary>
    public static IReadOnlyList<ImportedRoute> Best(IEnumerable<ImportedRoute> routes)
    {
        var best = new List<ImportedRoute>();
        foreach (var route in routes)
        {
            if (!IsUsable(route)) continue;
            var order = best.Count == 0 ? 0 : Compare(route, best[0]);
            if (order < 0) best.Clear();
            if (order <= 0) best.Add(route);
        }

        return best;
    }

    /// <summary>The route can be tunnelled to: it has an IPv4 next hop, a usable label, and an encapsulation that both ends know.</summary>
    public static bool IsUsable(ImportedRoute route) => FaultOf(route) is null;

    /// <summary>The reason why the route cannot be tunnelled to; null when it can.</summary>
    public static UnusableRoute? FaultOf(ImportedRoute route)
    {
        var path = PathOf(route);
        if (path.NextHop.AddressFamily != AddressFamily.InterNetwork) return UnusableRoute.NextHopNotIPv4;
        if (!MplsLabel.IsUsable(path.Label)) return UnusableRoute.LabelOutOfRange;
        return path.MplsOverUdp || path.MplsOverGre ? null : UnusableRoute.NoCommonEncapsulation;
    }

    /// <summary>A route without an encapsulation community accepts MPLS in GRE: CN2 assumes the same of routers.</summary>
    private static VpnPath PathOf(ImportedRoute route) => new(
        route.NextHop, route.Label,
        route.Encapsulations.Contains(MplsInUdp),
        route.Encapsulations.Count == 0 || route.Encapsulations.Contains(Gre) || route.Encapsulations.Contains(MplsInGre));

    private static int Compare(ImportedRoute a, ImportedRoute b)
    {
        var order = b.LocalPreference.CompareTo(a.LocalPreference);
        if (order == 0) order = a.ASPathLength.CompareTo(b.ASPathLength);
        return order != 0 ? order : a.Med.CompareTo(b.Med);
    }
}
