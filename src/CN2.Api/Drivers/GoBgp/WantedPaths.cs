using System.Net;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Changes to send for a call, and the paths of the call that cannot be announced.</summary>
internal sealed record WantedChange(IReadOnlyList<PathChange> Changes, IReadOnlyList<RefusedPath> Refused);

/// <summary>
/// The paths that the engine must hold. Any thread may read; only the holder of the turn writes, so what it reads does not change under
/// it. The answers to a write are the changes to send.
/// </summary>
internal sealed class WantedPaths(PathMapper mapper)
{
    /// <summary>Writes are made under the turn and this lock, reads under either.</summary>
    private readonly Lock _lock = new();

    private PathTable _table = new();

    /// <summary>Changes whenever the number of paths that a peer gets may have changed.</summary>
    public int Version
    {
        get
        {
            lock (_lock) return _table.Version;
        }
    }

    public int Count
    {
        get
        {
            lock (_lock) return _table.Count;
        }
    }

    public List<BgpPath> List()
    {
        lock (_lock) return [.. _table.All.SelectMany(p => p.Value, (p, path) => PathMapper.ToBgpPath(p.Key, path))];
    }

    /// <summary>An event says what is wanted: the path is there with these attributes, or no path of this key is left.</summary>
    public bool Matches(EngineRouteKey key, FoundPath found)
    {
        lock (_lock)
        {
            var held = _table[key];
            if (found.Path.IsWithdraw) return held.Length == 0;
            foreach (var path in held)
                if (path.Identifier == found.Identifier && path.NextHop.Address.Equals(found.NextHop) && path.Attributes.Equals(found.Attributes))
                    return true;
            return false;
        }
    }

    /// <summary>What a peer gets; <paramref name="memberships"/> are those of a peer that negotiated route-target (RFC 4684), else null.</summary>
    public HeldCounts CountsFor(bool external, Memberships? memberships)
    {
        lock (_lock)
        {
            var counts = new HeldCounts();
            if (memberships is null) CountUnicast(external, counts);
            foreach (var ((family, attributes), paths) in _table.Vpn)
                if (!attributes.IsKeptFrom(external) && memberships?.Want(attributes.Vpn!.RouteTargets) != false)
                    counts[family] = new(counts[family].Paths + paths, counts[family].Prefixes + paths);
            return counts;
        }
    }

    /// <summary>Replaces the whole set.</summary>
    public WantedChange Replace(EngineTurn turn, IReadOnlyCollection<BgpPath> paths)
    {
        turn.Require();
        var wanted = new PathTable(_table);
        wanted.EnsureCapacity(paths.Count);
        var (accepted, refused) = Split(paths);
        var changes = new List<PathChange>();
        foreach (var (key, nextHop, attributes) in accepted)
        {
            var (identifier, wireIdentifier) = ((uint?)null, Math.Max(_table.NextWireIdentifier(key), wanted.NextWireIdentifier(key)));
            PathAttributes? before = null;
            foreach (var held in _table[key])
            {
                if (!held.NextHop.Address.Equals(nextHop.Address)) continue;
                (identifier, before, wireIdentifier) = (held.Identifier, held.Attributes, held.WireIdentifier);
            }
            wanted.Set(key, nextHop, attributes, identifier, out _, out var after, wireIdentifier);
            if (identifier is { } had && had != after.Identifier)
                changes.Add(new(key, new(nextHop, before!, had), IsWithdraw: true));
            if (!attributes.Equals(before) || identifier != after.Identifier) AddChange(changes, key, before, after);
        }
        foreach (var (key, held) in _table.All)
        {
            foreach (var path in held)
            {
                if (wanted.Contains(key, path.NextHop.Address)) continue;
                wanted.Retire(key, path);
                changes.Add(new(key, path, IsWithdraw: true));
            }
        }

        lock (_lock) _table = wanted;
        return new(changes, refused);
    }

    /// <summary>Adds and removes; a path that is added and removed at once stays.</summary>
    public WantedChange Change(EngineTurn turn, IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove)
    {
        turn.Require();
        var (accepted, refused) = Split(add);
        var added = remove.Count + refused.Count == 0 || accepted.Count == 0 ? null : accepted.Select(a => (a.Key, a.NextHop)).ToHashSet();
        var changes = new List<PathChange>(add.Count + remove.Count);
        lock (_lock)
        {
            // Additions first: where a path replaces another, the routers always have one.
            foreach (var (key, nextHop, attributes) in accepted)
                if (_table.Set(key, nextHop, attributes, null, out var before, out var after))
                    AddChange(changes, key, before.Attributes, after);
            foreach (var named in remove.Concat(refused.Select(r => r.Key)))
            {
                if (EngineRouteKey.From(named) is not { } key || added?.Contains((key, mapper.NextHopOf(named.Path.NextHop))) == true) continue;
                if (_table.Remove(key, named.Path.NextHop, out var removed)) changes.Add(new(key, removed, IsWithdraw: true));
            }
        }
        return new(changes, refused);
    }

    /// <summary>Takes one path out; answers the withdrawal to send, or null when the path is not in the set.</summary>
    public PathChange? Remove(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        lock (_lock) return _table.Remove(key, nextHop, out var removed) ? new(key, removed, IsWithdraw: true) : null;
    }

    /// <summary>Takes over a path as it was found in the engine.</summary>
    public void Adopt(EngineTurn turn, EngineRouteKey key, IPAddress nextHop, PathAttributes attributes, uint identifier, uint wireIdentifier)
    {
        turn.Require();
        lock (_lock) _table.Set(key, mapper.NextHopOf(nextHop), attributes, identifier, out _, out _, wireIdentifier);
    }

    /// <summary>All paths, in the order in which an empty engine must get them; see <see cref="PathTable.Arrange"/>.</summary>
    public IReadOnlyList<PathChange> AllForEmptyEngine(EngineTurn turn)
    {
        turn.Require();
        lock (_lock) _table.Arrange();
        return [.. _table.All.SelectMany(p => p.Value, (p, path) => new PathChange(p.Key, path, IsWithdraw: false))];
    }

    /// <summary>An engine that was empty has got <see cref="AllForEmptyEngine"/>.</summary>
    public void Renumber(EngineTurn turn)
    {
        turn.Require();
        lock (_lock) _table.Renumber();
    }

    public bool Contains(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        return _table.Contains(key, nextHop);
    }

    public int CountOf(EngineTurn turn, RouteFamily family)
    {
        turn.Require();
        return _table[family].Paths;
    }

    public HeldPath? Find(EngineTurn turn, EngineRouteKey key, uint identifier)
    {
        turn.Require();
        foreach (var path in _table[key])
            if (path.Identifier == identifier) return path;
        return null;
    }

    /// <summary>The paths of one key.</summary>
    public ReadOnlySpan<HeldPath> Of(EngineTurn turn, EngineRouteKey key)
    {
        turn.Require();
        return _table[key];
    }

    public IEnumerable<(EngineRouteKey Key, HeldPath Path)> Of(EngineTurn turn, RouteFamily family)
    {
        turn.Require();
        foreach (var (key, held) in _table.All)
            if (key.Family == family)
                foreach (var path in held) yield return (key, path);
    }

    private (List<(EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes)> Accepted, List<RefusedPath> Refused) Split(IReadOnlyCollection<BgpPath> paths)
    {
        var accepted = new List<(EngineRouteKey, NextHop, PathAttributes)>(paths.Count);
        var refused = new List<RefusedPath>();
        foreach (var path in paths)
        {
            if (PathLimits.Fault(path) is { } fault) refused.Add(new(path.Key, fault));
            else accepted.Add(mapper.Map(path));
        }
        return (accepted, refused);
    }

    private static void AddChange(List<PathChange> changes, EngineRouteKey key, PathAttributes? before, HeldPath after)
    {
        // A path that some peers may no longer have is withdrawn first: without it gobgpd leaves the old version with ADD-PATH peers.
        if (before is not null && after.Attributes.IsRestricted && !before.IsRestricted)
            changes.Add(new(key, after with { Attributes = before }, IsWithdraw: true));
        changes.Add(new(key, after, IsWithdraw: false));
    }

    private void CountUnicast(bool external, HeldCounts counts)
    {
        if (_table.Restricted == 0)
        {
            (counts[RouteFamily.Inet], counts[RouteFamily.Inet6]) = (_table[RouteFamily.Inet], _table[RouteFamily.Inet6]);
            return;
        }
        foreach (var (key, held) in _table.All)
        {
            if (key.Family.IsVpn()) continue;
            var sent = held.Count(p => !p.Attributes.IsKeptFrom(external));
            counts[key.Family] = new(counts[key.Family].Paths + sent, counts[key.Family].Prefixes + Math.Min(sent, 1));
        }
    }
}
