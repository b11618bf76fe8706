using System.Collections.Concurrent;
using CN2.Api.ExternalNetworks;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.Overlay;

/// <summary>
/// The imported routes of all RoutingInstances, as this replica's speaker learned them. The reconciler's loop changes them and requests
/// read them, under a lock that is held for one change or one listing.
/// </summary>
public sealed class RoutingInstances : IImportedRoutes
{
    private readonly Lock _lock = new();
    private readonly VpnTable _table = new();
    private readonly Dictionary<Guid, ExternalNetwork> _networks = [];
    private readonly ConcurrentDictionary<int, string> _names = new();

    /// <summary>Every route target that at least one overlay network imports.</summary>
    public IReadOnlyCollection<RouteTarget> ImportTargets
    {
        get
        {
            lock (_lock) return [.. _table.ImportTargets];
        }
    }

    /// <summary>True when <see cref="ImportTargets"/> changed.</summary>
    public bool Put(ExternalNetwork network)
    {
        lock (_lock)
        {
            Name(network.Uid, network.FabricForwarding ? null : network);
            return _table.Put(network);
        }
    }

    /// <summary>True when <see cref="ImportTargets"/> changed.</summary>
    public bool Remove(Guid network)
    {
        lock (_lock)
        {
            Name(network, null);
            return _table.Remove(network);
        }
    }

    /// <summary>The network of a RoutingInstance, <c>namespace/name</c>; null when there is none.</summary>
    public string? NameOf(int instance) => _names.GetValueOrDefault(instance);

    public void Apply(IReadOnlyCollection<ImportedRouteChange> changes)
    {
        if (changes.Count == 0) return;
        lock (_lock)
        {
            foreach (var change in changes) _table.Apply(change);
        }
    }

    /// <summary>The prefixes whose best route changed since the last call, with the new route; null when there is none left.</summary>
    public IReadOnlyDictionary<VpnRouteKey, VpnRoute?> TakeChanged()
    {
        lock (_lock) return _table.TakeChanged().ToDictionary(k => k, _table.Find);
    }

    /// <summary>The best routes of a RoutingInstance, for a vRouter on which it appears.</summary>
    public IReadOnlyCollection<VpnRoute> RoutesOf(int instance)
    {
        lock (_lock) return [.. _table.RoutesOf(instance)];
    }

    /// <summary>All routes that a RoutingInstance imports, best or not, in the order of prefix, peer and route distinguisher.</summary>
    public IReadOnlyList<ImportedRoute> ImportedBy(int instance)
    {
        lock (_lock) return _table.ImportedBy(instance);
    }

    private void Name(Guid uid, ExternalNetwork? network)
    {
        if (_networks.Remove(uid, out var before)) _names.TryRemove(before.Number, out _);
        if (network is null) return;
        _networks[uid] = network;
        _names[network.Number] = network.Id.ToString();
    }
}
