using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// The position of a route in the list: by prefix, own routes before imported ones, then by source, route distinguisher and next hop.
/// Positions are unique, so a cursor holds one.
/// </summary>
internal readonly record struct RoutingInstanceRouteOrder(IPNetwork Prefix, bool Imported, string Source, string RouteDistinguisher, string NextHop)
    : IComparable<RoutingInstanceRouteOrder>
{
    public static RoutingInstanceRouteOrder Of(RoutingInstanceRoute route) => new(
        IPNetwork.Parse(route.Prefix), route.FloatingIP is null, route.Source, route.RouteDistinguisher ?? "", route.NextHop);

    public static RoutingInstanceRouteOrder Of(ImportedRoute route) => new(
        route.Key.Prefix, true, route.Key.Peer, route.Key.RouteDistinguisher, route.NextHop.ToString());

    /// <summary>Reads what <see cref="ToCursor"/> wrote. A cursor comes from a client, so it may hold anything.</summary>
    public static bool TryParse((string Prefix, string Place) cursor, out RoutingInstanceRouteOrder order)
    {
        order = default;
        if (!IPNetwork.TryParse(cursor.Prefix, out var prefix) || cursor.Place.Split(' ') is not [var imported, var source, var distinguisher, var nextHop]) return false;
        order = new RoutingInstanceRouteOrder(prefix, imported == "1", source, distinguisher, nextHop);
        return true;
    }

    public (string Prefix, string Place) ToCursor() => (Prefix.ToString(), $"{(Imported ? 1 : 0)} {Source} {RouteDistinguisher} {NextHop}");

    public int CompareTo(RoutingInstanceRouteOrder other)
    {
        var order = AddressArithmetic.Compare(Prefix, other.Prefix);
        if (order == 0) order = Imported.CompareTo(other.Imported);
        if (order == 0) order = string.CompareOrdinal(Source, other.Source);
        if (order == 0) order = string.CompareOrdinal(RouteDistinguisher, other.RouteDistinguisher);
        return order != 0 ? order : string.CompareOrdinal(NextHop, other.NextHop);
    }
}
