namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// One path of a prefix: its next hop, its attributes, and the identifier by which the engine knows it.
/// <paramref name="WireIdentifier"/>: the path identifier that the engine sends to routers (RFC 7911).
/// </summary>
internal readonly record struct HeldPath(NextHop NextHop, PathAttributes Attributes, uint Identifier, uint WireIdentifier = 0);

/// <summary>One path to send to the engine, or to withdraw from it.</summary>
internal readonly record struct PathChange(EngineRouteKey Key, HeldPath Path, bool IsWithdraw);

/// <summary>The number of paths, and of the prefixes they lead to; a peer without ADD-PATH gets one path for each prefix.</summary>
internal readonly record struct FamilyCount(int Paths, int Prefixes);

/// <summary>
/// The paths that the engine must hold, by their key, with identifiers that are unique within a key. (A VPN key has one path: its next
/// hop is part of the route distinguisher.) Not thread-safe. The cost of an operation does not depend on the number of paths.
/// <para>
/// Measured on gobgpd 3.10: it assigns wire identifiers 1, 2, 3 to the paths of a prefix in arrival order, never reuses one while it runs,
/// ignores a requested one (<c>local_identifier</c>), and sends the latest path first to a router that connects. After a restart it
/// starts at 1 again. If it then gave a path the number of another path by which a router still forwards, that router would lose the
/// other's next hop until it is sent again: see <see cref="Arrange"/>.
/// </para>
/// </summary>
internal sealed class PathTable
{
    private static int _versions;

    private readonly Dictionary<EngineRouteKey, HeldPath[]> _paths = [];

    /// <summary>For each prefix that lost a path since the engine started: the highest wire identifier of its lost paths.</summary>
    private readonly Dictionary<EngineRouteKey, uint> _used;

    private readonly FamilyCount[] _counts = new FamilyCount[RouteFamilies.All.Length];

    /// <summary>Number of VPN routes by their attributes, so that counting the routes of some route targets reads one entry per network.</summary>
    private readonly Dictionary<(RouteFamily Family, PathAttributes Attributes), int> _vpn = [];

    /// <param name="before">The table that this one replaces; it knows which wire identifiers are used up.</param>
    public PathTable(PathTable? before = null) => _used = before?._used ?? [];

    /// <summary>Number of paths that some peers must not get. While it is 0, as in most installations, counting what a peer gets is free.</summary>
    public int Restricted { get; private set; }

    /// <summary>A new value after every change of what a peer may get; no two tables share a value.</summary>
    public int Version { get; private set; }

    public int Count => _counts.Sum(c => c.Paths);

    public IEnumerable<KeyValuePair<EngineRouteKey, HeldPath[]>> All => _paths;

    public IEnumerable<KeyValuePair<(RouteFamily Family, PathAttributes Attributes), int>> Vpn => _vpn;

    public FamilyCount this[RouteFamily family] => _counts[(int)family];

    public ReadOnlySpan<HeldPath> this[EngineRouteKey key] => _paths.TryGetValue(key, out var paths) ? paths : [];

    public void EnsureCapacity(int keys) => _paths.EnsureCapacity(keys);

    /// <summary>
    /// Adds the path, or replaces its attributes and keeps its identifiers. False when it is there with equal attributes.
    /// <paramref name="identifier"/>: the identifier that the path has in the engine; null for that of the next hop, or the next free one
    /// where two next hops of the prefix collide. <paramref name="wireIdentifier"/>: likewise; null for the next one.
    /// </summary>
    public bool Set(EngineRouteKey key, NextHop nextHop, PathAttributes attributes, uint? identifier, out HeldPath before, out HeldPath after, uint? wireIdentifier = null)
    {
        before = default;
        _paths.TryGetValue(key, out var paths);
        paths ??= [];
        for (var i = 0; i < paths.Length; i++)
        {
            if (!paths[i].NextHop.Address.Equals(nextHop.Address)) continue;
            before = paths[i];
            after = before with { Attributes = attributes };
            if (before.Attributes.Equals(attributes)) return false;
            Restricted += (attributes.IsRestricted ? 1 : 0) - (before.Attributes.IsRestricted ? 1 : 0);
            paths[i] = after;
            Version = Interlocked.Increment(ref _versions);
            TallyVpn(key.Family, before.Attributes, -1);
            TallyVpn(key.Family, attributes, 1);
            return true;
        }

        var id = identifier ?? nextHop.Identifier;
        while (id == 0 || Array.Exists(paths, p => p.Identifier == id)) id++;
        after = new(nextHop, attributes, id, wireIdentifier ?? NextWireIdentifier(key));
        _paths[key] = [.. paths, after];
        Tally(key, 1, paths.Length == 0 ? 1 : 0, attributes);
        return true;
    }

    public bool Remove(EngineRouteKey key, System.Net.IPAddress nextHop, out HeldPath removed)
    {
        removed = default;
        if (!_paths.TryGetValue(key, out var paths)) return false;
        var index = Array.FindIndex(paths, p => p.NextHop.Address.Equals(nextHop));
        if (index < 0) return false;
        removed = paths[index];
        Retire(key, removed);
        if (paths.Length == 1) _paths.Remove(key);
        else _paths[key] = [.. paths[..index], .. paths[(index + 1)..]];
        Tally(key, -1, paths.Length == 1 ? -1 : 0, removed.Attributes);
        return true;
    }

    /// <summary>The wire identifier that the engine will give to the next new path of the prefix.</summary>
    public uint NextWireIdentifier(EngineRouteKey key)
    {
        var last = _used.GetValueOrDefault(key);
        foreach (var path in this[key]) last = Math.Max(last, path.WireIdentifier);
        return last + 1;
    }

    /// <summary>The path is gone from the engine, which will not use its wire identifier again.</summary>
    public void Retire(EngineRouteKey key, HeldPath path) => _used[key] = Math.Max(_used.GetValueOrDefault(key), path.WireIdentifier);

    /// <summary>
    /// Puts the paths of each prefix into the order in which to send them to an empty engine. A path whose wire identifier is within their
    /// number gets the same one again; the others get identifiers that none of them had.
    /// </summary>
    public void Arrange()
    {
        foreach (var paths in _paths.Values)
        {
            if (paths.Length == 1) continue;
            var arranged = new HeldPath?[paths.Length];
            foreach (var path in paths)
                if (path.WireIdentifier > 0 && path.WireIdentifier <= paths.Length) arranged[path.WireIdentifier - 1] ??= path;
            foreach (var path in paths)
                if (!arranged.Contains(path)) arranged[Array.IndexOf(arranged, null)] = path;
            for (var i = 0; i < paths.Length; i++) paths[i] = arranged[i]!.Value;
        }
    }

    /// <summary>An engine that was empty has got all paths: it has numbered them in this order.</summary>
    public void Renumber()
    {
        _used.Clear();
        foreach (var paths in _paths.Values)
            for (var i = 0; i < paths.Length; i++) paths[i] = paths[i] with { WireIdentifier = (uint)i + 1 };
    }

    public bool Contains(EngineRouteKey key, System.Net.IPAddress nextHop)
    {
        foreach (var path in this[key])
            if (path.NextHop.Address.Equals(nextHop)) return true;
        return false;
    }

    private void Tally(EngineRouteKey key, int paths, int prefixes, PathAttributes attributes)
    {
        Version = Interlocked.Increment(ref _versions);
        ref var count = ref _counts[(int)key.Family];
        count = new(count.Paths + paths, count.Prefixes + prefixes);
        if (attributes.IsRestricted) Restricted += paths;
        TallyVpn(key.Family, attributes, paths);
    }

    private void TallyVpn(RouteFamily family, PathAttributes attributes, int paths)
    {
        if (attributes.Vpn is null) return;
        var count = _vpn.GetValueOrDefault((family, attributes)) + paths;
        if (count == 0) _vpn.Remove((family, attributes));
        else _vpn[(family, attributes)] = count;
    }
}
