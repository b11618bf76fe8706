using System.Net;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// The routes of a network's RoutingInstance: its own, from the statuses of its FloatingIPs, and those that this control node imported.
/// Both are read in the order of the list, so that one page of the answer reads one page of the database.
/// </summary>
public sealed class RoutingInstanceRoutes(IImportedRoutes imported)
{
    /// <summary>A page of the routes; a cursor that this list did not make is refused.</summary>
    public async Task<(Page<RoutingInstanceRoute>? Page, ApiProblem? Refused)> ReadAsync(
        NpgsqlConnection connection, ExternalNetworkRow network, ListQuery query, CancellationToken ct)
    {
        RoutingInstanceRouteOrder? after = null;
        if (query.After is { } cursor)
        {
            if (!RoutingInstanceRouteOrder.TryParse(cursor, out var place))
                return (null, ApiProblem.Validation("cursor", "must be the nextCursor of an answer to the same query; leave it out to begin again"));
            after = place;
        }

        var most = query.Limit + 1;
        var routes = await OwnAsync(connection, network.Uid, after, most, ct);
        if (!network.FabricForwarding) routes.AddRange(Imported(network.Number, after, most));
        var found = routes.Select(r => (Order: RoutingInstanceRouteOrder.Of(r), Route: r)).OrderBy(r => r.Order).Take(most).Select(r => r.Route).ToList();
        return (query.ToPage(found, r => RoutingInstanceRouteOrder.Of(r).ToCursor()), null);
    }

    private static async Task<List<RoutingInstanceRoute>> OwnAsync(
        NpgsqlConnection connection, Guid network, RoutingInstanceRouteOrder? after, int most, CancellationToken ct)
    {
        // Own routes are host routes, so they are ordered by address. Some routes of the cursor's address may not be answered yet.
        await using var command = new NpgsqlCommand(
            """
            SELECT f.namespace, f.name, o.namespace, o.name, (s.document -> 'routes')::text
            FROM floating_ip f JOIN floating_ip_status s ON s.uid = f.uid LEFT JOIN service o ON o.uid = f.service_uid
            WHERE f.subnet_id = ANY (SELECT id FROM subnet WHERE external_network_uid = $1) AND f.address >= $2 AND s.document -> 'routes' <> '[]'
            ORDER BY f.address LIMIT $3
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = network });
        command.Parameters.Add(new NpgsqlParameter<IPAddress> { TypedValue = after?.Prefix.BaseAddress ?? IPAddress.Any });
        // One row more, because all routes of the first row may be answered already.
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most + 1 });
        var routes = new List<RoutingInstanceRoute>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var floatingIP = new NamespacedName(reader.GetString(0), reader.GetString(1));
            NamespacedName? service = reader.IsDBNull(2) ? null : new NamespacedName(reader.GetString(2), reader.GetString(3));
            routes.AddRange(ApiJson.Read<List<FloatingIPRouteBody>>(reader.GetString(4)).Select(r => RoutingInstanceRouteMapping.Of(r, floatingIP, service)));
        }

        if (after is { } place) routes.RemoveAll(r => RoutingInstanceRouteOrder.Of(r).CompareTo(place) <= 0);
        return routes;
    }

    private List<RoutingInstanceRoute> Imported(int instance, RoutingInstanceRouteOrder? after, int most)
    {
        var all = imported.ImportedBy(instance);
        var routes = new List<RoutingInstanceRoute>();
        // Whether a route is used depends on all routes to its prefix, so the cursor's prefix is read completely.
        var first = after is { } place ? FirstOf(all, place.Prefix) : 0;
        while (first < all.Count && routes.Count < most)
        {
            var end = first + 1;
            while (end < all.Count && all[end].Key.Prefix.Equals(all[first].Key.Prefix)) end++;
            var group = all.Skip(first).Take(end - first).ToList();
            var best = VpnPathSelection.Best(group.Order(VpnPathSelection.Order)).Select(r => r.Key).ToHashSet();
            routes.AddRange(group.Where(r => after is null || RoutingInstanceRouteOrder.Of(r).CompareTo(after.Value) > 0)
                .Select(r => RoutingInstanceRouteMapping.Of(r, best.Contains(r.Key))));
            first = end;
        }

        return routes;
    }

    /// <summary>The index of the first route to <paramref name="prefix"/>, or where it would be.</summary>
    private static int FirstOf(IReadOnlyList<ImportedRoute> routes, IPNetwork prefix)
    {
        int low = 0, high = routes.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (AddressArithmetic.Compare(routes[middle].Key.Prefix, prefix) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
