using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>What a RoutingInstance is to be; an engine keeps with it what its packets see of it.</summary>
internal abstract class RoutingInstanceState(int number)
{
    private readonly Dictionary<IPNetwork, (EquatableList<VpnPath> Wanted, ForwardingPath[] Usable)> _routes = [];
    private readonly Dictionary<uint, int> _paths = [];

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

    public IInstanceDevice? Device
    {
        get;
        set
        {
            field = value;
            OnChanged();
        }
    }

    public uint Table => OverlayNumbers.RoutingTable(Number);

    public IReadOnlyCollection<IPNetwork> Prefixes => _routes.Keys;

    public bool Has(IPNetwork prefix) => _routes.ContainsKey(prefix);

    /// <summary>Who may send to it: the routers that its routes lead to.</summary>
    public IReadOnlyCollection<uint> NextHops => _paths.Keys;

    /// <summary>The paths of a route that can be used; null: no such route.</summary>
    public ForwardingPath[]? PathsOf(IPNetwork prefix) => _routes.TryGetValue(prefix, out var route) ? route.Usable : null;

    /// <summary>Gives a route these paths; null, or none that can be used: no such route.</summary>
    /// <returns>Whether the prefix came (true), went (false), or neither (null).</returns>
    public bool? Set(IPNetwork prefix, EquatableList<VpnPath>? paths)
    {
        var there = _routes.TryGetValue(prefix, out var before);
        if (there && before.Wanted.Equals(paths)) return null;
        var usable = paths is null ? null : ForwardingPath.Of(paths);
        if (!there && usable is null) return null;
        if (usable is null) _routes.Remove(prefix);
        else _routes[prefix] = (paths!, usable);
        OnChanged();
        var after = usable ?? [];
        foreach (var path in after) Count(path.NextHop, 1);
        foreach (var path in there ? before.Usable : []) Count(path.NextHop, -1);
        OnRouteChanged(prefix, after);
        return usable is null ? false : there ? null : true;
    }

    /// <summary>Label, device or a route is another.</summary>
    protected virtual void OnChanged()
    {
    }

    /// <summary>No paths: the route is gone.</summary>
    protected abstract void OnRouteChanged(IPNetwork prefix, ForwardingPath[] paths);

    /// <summary>A router has become one of <see cref="NextHops"/>, or is none of them any more.</summary>
    protected abstract void OnNextHopChanged(uint router, bool isNextHop);

    private void Count(uint router, int by)
    {
        var count = _paths.GetValueOrDefault(router) + by;
        if (count == 0) _paths.Remove(router);
        else _paths[router] = count;
        if (count == 0 || count == by) OnNextHopChanged(router, count > 0);
    }
}
