using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Overlay;

/// <summary>
/// The routes that each RoutingInstance imports by its route targets (RFC 4364 §4.3), and the best paths of each prefix there. The cost of a
/// change depends only on what it touches. Mutable, for one thread; the result does not depend on the order of the changes.
/// </summary>
public sealed class VpnTable
{
    private readonly Dictionary<ImportedRouteKey, ImportedRoute> _routes = [];
    private readonly Dictionary<RouteTarget, HashSet<ImportedRouteKey>> _byTarget = [];
    private readonly Dictionary<RouteTarget, SortedSet<int>> _importers = [];
    private readonly Dictionary<Guid, (int Number, EquatableList<RouteTarget> Targets)> _networks = [];
    /// <summary>RoutingInstance → prefix → its routes, the best first.</summary>
    private readonly Dictionary<int, Dictionary<IPNetwork, SortedSet<ImportedRoute>>> _instances = [];
    private HashSet<VpnRouteKey> _changed = [];

    /// <summary>All route targets that overlay networks import.</summary>
    public IReadOnlyCollection<RouteTarget> ImportTargets => _importers.Keys;

    /// <summary>Adds or replaces a network; a network with fabricForwarding has no RoutingInstance. True when <see cref="ImportTargets"/> has changed.</summary>
    public bool Put(ExternalNetwork network)
    {
        if (network.FabricForwarding) return Remove(network.Uid);
        EquatableList<RouteTarget> before = [];
        if (_networks.TryGetValue(network.Uid, out var known))
        {
            if (known.Number == network.Number && known.Targets.Equals(network.ImportRouteTargets)) return false;
            before = known.Targets;
        }

        _networks[network.Uid] = (network.Number, network.ImportRouteTargets);
        _instances.TryAdd(network.Number, []);
        var changed = false;
        foreach (var target in network.ImportRouteTargets.Except(before).ToList()) changed |= Add(network.Number, target);
        foreach (var target in before.Except(network.ImportRouteTargets).ToList()) changed |= Drop(network.Number, target);
        return changed;
    }

    /// <summary>True when <see cref="ImportTargets"/> has changed.</summary>
    public bool Remove(Guid network)
    {
        if (!_networks.Remove(network, out var known)) return false;
        var changed = false;
        foreach (var target in known.Targets) changed |= Drop(known.Number, target);
        _instances.Remove(known.Number);
        return changed;
    }

    /// <summary>Takes in that a route was learned, changed or withdrawn.</summary>
    public void Apply(ImportedRouteChange change)
    {
        if (_routes.Remove(change.Key, out var before))
        {
            foreach (var target in before.RouteTargets)
            {
                if (_byTarget.TryGetValue(target, out var keys) && keys.Remove(change.Key) && keys.Count == 0) _byTarget.Remove(target);
            }

            foreach (var instance in InstancesOf(before)) Unlist(instance, before);
        }

        if (change.Route is not { } route) return;
        _routes[change.Key] = route;
        foreach (var target in route.RouteTargets)
        {
            if (!_byTarget.TryGetValue(target, out var keys)) _byTarget[target] = keys = [];
            keys.Add(change.Key);
        }

        foreach (var instance in InstancesOf(route)) List(instance, route);
    }

    /// <summary>Prefixes for which <see cref="Find"/> may have another result since the last call.</summary>
    public IReadOnlyCollection<VpnRouteKey> TakeChanged()
    {
        if (_changed.Count == 0) return [];
        var taken = _changed;
        _changed = [];
        return taken;
    }

    /// <summary>The best paths of a prefix; null when there is no usable route.</summary>
    public VpnRoute? Find(VpnRouteKey key) =>
        _instances.TryGetValue(key.RoutingInstance, out var prefixes) && prefixes.TryGetValue(key.Prefix, out var routes)
            ? VpnPathSelection.Select(key, routes)
            : null;

    /// <summary>All routes of a RoutingInstance.</summary>
    public IEnumerable<VpnRoute> RoutesOf(int instance) =>
        _instances.TryGetValue(instance, out var prefixes) ? prefixes.Keys.Select(p => Find(new VpnRouteKey(instance, p))).OfType<VpnRoute>() : [];

    /// <summary>Every route that a RoutingInstance imports, used or not, sorted by prefix, peer and route distinguisher.</summary>
    public IReadOnlyList<ImportedRoute> ImportedBy(int instance)
    {
        if (!_instances.TryGetValue(instance, out var prefixes)) return [];
        var routes = prefixes.Values.SelectMany(r => r).ToArray();
        Array.Sort(routes, static (a, b) =>
        {
            var order = AddressArithmetic.Compare(a.Key.Prefix, b.Key.Prefix);
            if (order == 0) order = string.CompareOrdinal(a.Key.Peer, b.Key.Peer);
            return order != 0 ? order : string.CompareOrdinal(a.Key.RouteDistinguisher, b.Key.RouteDistinguisher);
        });
        return routes;
    }

    private bool Add(int instance, RouteTarget target)
    {
        var first = false;
        if (!_importers.TryGetValue(target, out var importers))
        {
            _importers[target] = importers = [];
            first = true;
        }

        importers.Add(instance);
        if (_byTarget.TryGetValue(target, out var keys))
            foreach (var key in keys) List(instance, _routes[key]);
        return first;
    }

    private bool Drop(int instance, RouteTarget target)
    {
        var importers = _importers[target];
        importers.Remove(instance);
        if (_byTarget.TryGetValue(target, out var keys))
        {
            foreach (var key in keys)
                if (!InstancesOf(_routes[key]).Contains(instance)) Unlist(instance, _routes[key]);
        }

        return importers.Count == 0 && _importers.Remove(target);
    }

    private void List(int instance, ImportedRoute route)
    {
        var prefixes = _instances[instance];
        if (!prefixes.TryGetValue(route.Key.Prefix, out var routes)) prefixes[route.Key.Prefix] = routes = new(VpnPathSelection.Order);
        routes.Add(route);
        _changed.Add(new VpnRouteKey(instance, route.Key.Prefix));
    }

    private void Unlist(int instance, ImportedRoute route)
    {
        var prefixes = _instances[instance];
        if (!prefixes.TryGetValue(route.Key.Prefix, out var routes) || !routes.Remove(route)) return;
        if (routes.Count == 0) prefixes.Remove(route.Key.Prefix);
        _changed.Add(new VpnRouteKey(instance, route.Key.Prefix));
    }

    private HashSet<int> InstancesOf(ImportedRoute route)
    {
        var instances = new HashSet<int>();
        foreach (var target in route.RouteTargets)
            if (_importers.TryGetValue(target, out var importers)) instances.UnionWith(importers);
        return instances;
    }
}
