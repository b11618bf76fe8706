using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The quotas of all limited routers over the paths of one table. Not thread-safe. A change costs the same however many paths there are.</summary>
internal sealed class PrefixQuotas(IReadOnlyList<LimitedPeer> peers)
{
    private readonly List<PrefixQuota> _quotas = [.. peers.Select(p => new PrefixQuota(p))];
    private HashSet<EngineRouteKey> _moved = [];

    /// <summary>There are few distinct attributes and sets of markers; equal ones are shared, each already encoded.</summary>
    private readonly Dictionary<PathAttributes, PathAttributes> _marked = [];

    /// <summary>A router began or ceased to get the prefix, and its paths may not carry the right markers yet.</summary>
    public bool HasMoved => _moved.Count > 0;

    public void Put(EngineRouteKey key, Guid owner, PathAttributes attributes)
    {
        foreach (var quota in _quotas)
        {
            if (quota.Peer.Takes(key.Family, attributes)) quota.Put(key, owner, _moved);
            else quota.Remove(key, _moved);
        }
    }

    public void Remove(EngineRouteKey key)
    {
        foreach (var quota in _quotas) quota.Remove(key, _moved);
    }

    /// <summary>The prefixes that moved since the last call.</summary>
    public IReadOnlyCollection<EngineRouteKey> TakeMoved()
    {
        var moved = _moved;
        if (moved.Count > 0) _moved = [];
        return moved;
    }

    /// <summary>How many prefixes are withheld from the router; 0 without a limit.</summary>
    public int WithheldFrom(System.Net.IPAddress router) => _quotas.Find(q => q.Peer.Address.Equals(router))?.Withheld ?? 0;

    /// <summary>The names of the routers that do not get the prefix.</summary>
    public IReadOnlyList<string> WithheldFrom(EngineRouteKey key) => [.. _quotas.Where(q => q.Withholds(key)).Select(q => q.Peer.Name)];

    /// <summary>The attributes with the markers that a path of this prefix must carry now.</summary>
    public PathAttributes Mark(EngineRouteKey key, PathAttributes attributes)
    {
        EquatableList<LargeCommunity> markers = [.. _quotas.Where(q => q.Withholds(key)).Select(q => q.Peer.Marker).Order()];
        return Share(attributes, markers);
    }

    /// <summary>The attributes with the markers of both.</summary>
    public PathAttributes Both(PathAttributes one, PathAttributes other) =>
        Share(one, [.. one.Markers.Union(other.Markers).Order()]);

    /// <summary>Some router would for a moment have more than it takes if these prefixes were added before those were withdrawn.</summary>
    public bool IsTight(int withdrawn) => _quotas.Exists(q => q.Sent + withdrawn > q.Peer.Most);

    private PathAttributes Share(PathAttributes attributes, EquatableList<LargeCommunity> markers)
    {
        if (attributes.Markers.Equals(markers)) return attributes;
        var marked = attributes.With(markers);
        if (_marked.TryGetValue(marked, out var known)) return known;
        if (_marked.Count >= PathMapper.MostShared) _marked.Clear();
        return _marked[marked] = marked;
    }
}
