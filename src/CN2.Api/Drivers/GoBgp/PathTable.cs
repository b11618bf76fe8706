namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// One path of a prefix: through which vRouter, with what, and under which identifier the engine knows it.
/// <paramref name="WireIdentifier"/>: the one that routers know it by (RFC 7911).
/// </summary>
internal readonly record struct HeldPath(NextHop NextHop, PathAttributes Attributes, uint Identifier, uint WireIdentifier = 0);

/// <summary>What must be told to the engine about one path.</summary>
internal readonly record struct PathChange(EngineRouteKey Key, HeldPath Path, bool IsWithdraw);

/// <summary>How many paths there are, and how many prefixes they lead to: what a peer without ADD-PATH gets.</summary>
internal readonly record struct FamilyCount(int Paths, int Prefixes);

/// <summary>
/// The paths the engine must hold, by what it tells routes apart by: what was asked for, under identifiers that are distinct within a
/// key. (A key of the overlay has one path: its next hop is in the route distinguisher.) Not thread-safe; cost of an operation does not
/// depend on how many there are.
/// <para>
/// Measured on gobgpd 3.10: it numbers the paths of a prefix 1, 2, 3 as they come, uses no number twice in its life, takes no wish
/// (<c>local_identifier</c>), and tells a router that connects the latest first. An engine that starts again numbers from 1. If it gave
/// one path the number of another that a router still forwards by, that router would be without the other's next hop until it is
/// told: see <see cref="Arrange"/>.
/// </para>
/// </summary>
internal sealed class PathTable
{
    private static int _versions;

    private readonly Dictionary<EngineRouteKey, HeldPath[]> _paths = [];

    /// <summary>The highest wire identifier of a path that is gone, of prefixes that have lost one since the engine started.</summary>
    private readonly Dictionary<EngineRouteKey, uint> _used;

    private readonly FamilyCount[] _counts = new FamilyCount[RouteFamilies.All.Length];

    /// <summary>Routes of the overlay by what they carry, so that counting those of some route targets reads one entry per network.</summary>
    private readonly Dictionary<(RouteFamily Family, PathAttributes Attributes), int> _vpn = [];

    /// <param name="before">The table that this one replaces: it knows which wire identifiers are used up.</param>
    public PathTable(PathTable? before = null) => _used = before?._used ?? [];

    /// <summary>Paths that some peers must not get; 0 in most installations, which makes counting what a peer gets free.</summary>
    public int Restricted { get; private set; }

    /// <summary>Another one after every change that may change what a peer gets, and in every other table.</summary>
    public int Version { get; private set; }

    public int Count => _counts.Sum(c => c.Paths);

    public IEnumerable<KeyValuePair<EngineRouteKey, HeldPath[]>> All => _paths;

    public IEnumerable<KeyValuePair<(RouteFamily Family, PathAttributes Attributes), int>> Vpn => _vpn;

    public FamilyCount this[RouteFamily family] => _counts[(int)family];

    public ReadOnlySpan<HeldPath> this[EngineRouteKey key] => _paths.TryGetValue(key, out var paths) ? paths : [];

    public void EnsureCapacity(int keys) => _paths.EnsureCapacity(keys);

    /// <summary>
    /// Adds the path or replaces its attributes, keeping the identifier it has. <paramref name="identifier"/> is the one found in the
    /// engine (adoption); null: the next hop's own, or the next free one where two next hops of the prefix would collide.
    /// <paramref name="wireIdentifier"/>: the one it has in the engine; null: the next.
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

    /// <summary>What the engine will number the next new path of the prefix.</summary>
    public uint NextWireIdentifier(EngineRouteKey key)
    {
        var last = _used.GetValueOrDefault(key);
        foreach (var path in this[key]) last = Math.Max(last, path.WireIdentifier);
        return last + 1;
    }

    /// <summary>The path is gone from the engine, and its number with it.</summary>
    public void Retire(EngineRouteKey key, HeldPath path) => _used[key] = Math.Max(_used.GetValueOrDefault(key), path.WireIdentifier);

    /// <summary>
    /// Puts the paths of each prefix into the order in which an empty engine is to be told them: one whose number is within their count
    /// gets it again, the others get those that none of them had.
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

    /// <summary>An engine that was empty has been told all of it.</summary>
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
