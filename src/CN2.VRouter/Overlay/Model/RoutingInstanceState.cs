using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>The desired state of a RoutingInstance. Each kind of tunnels derives a class that adds what its packets see of it.</summary>
internal abstract class RoutingInstanceState(int number)
{
    private readonly Dictionary<IPNetwork, (EquatableList<VpnPath> Wanted, ForwardingPath[] Usable)> _routes = [];
    private readonly Dictionary<uint, int> _pathsByNextHop = [];

    public int Number { get; } = number;

    public uint Label
    {
        get;
        set
        {
            if (field == value) return;
            field = value;
            OnChanged();
        }
    }

    /// <summary>The device in the node's routing; null: not made yet, or lost.</summary>
    public abstract IInstanceDevice? Device { get; }

    public uint Table => OverlayNumbers.RoutingTable(Number);

    public IReadOnlyCollection<IPNetwork> Prefixes => _routes.Keys;

    public bool Has(IPNetwork prefix) => _routes.ContainsKey(prefix);

    /// <summary>The routers that its routes lead to: only they may send to it.</summary>
    public IReadOnlyCollection<uint> NextHops => _pathsByNextHop.Keys;

    /// <summary>The usable paths of a route; null: no such route.</summary>
    public ForwardingPath[]? PathsOf(IPNetwork prefix) => _routes.TryGetValue(prefix, out var route) ? route.Usable : null;

    /// <summary>Gives a route these paths. Null, or no usable path, removes the route.</summary>
    public RouteChange Set(IPNetwork prefix, EquatableList<VpnPath>? paths)
    {
        var existed = _routes.TryGetValue(prefix, out var before);
        if (existed && before.Wanted.Equals(paths)) return RouteChange.None;
        var usable = paths is null ? null : ForwardingPath.Of(paths);
        if (!existed && usable is null) return RouteChange.None;
        if (usable is null) _routes.Remove(prefix);
        else _routes[prefix] = (paths!, usable);
        OnChanged();
        var after = usable ?? [];
        foreach (var path in after) Count(path.NextHop, 1);
        foreach (var path in existed ? before.Usable : []) Count(path.NextHop, -1);
        OnRouteChanged(prefix, after);
        return usable is null ? RouteChange.Removed : existed ? RouteChange.PathsChanged : RouteChange.Added;
    }

    /// <summary>The label, the device or a route has changed.</summary>
    protected virtual void OnChanged()
    {
    }

    /// <summary>A route has changed; no paths: it is removed.</summary>
    protected abstract void OnRouteChanged(IPNetwork prefix, ForwardingPath[] paths);

    /// <summary>A router was added to <see cref="NextHops"/>, or removed from it.</summary>
    protected abstract void OnNextHopChanged(uint router, bool isNextHop);

    private void Count(uint router, int by)
    {
        var count = _pathsByNextHop.GetValueOrDefault(router) + by;
        if (count == 0) _pathsByNextHop.Remove(router);
        else _pathsByNextHop[router] = count;
        if (count == 0 || count == by) OnNextHopChanged(router, count > 0);
    }
}
