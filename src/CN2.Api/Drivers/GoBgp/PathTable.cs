using System.Diagnostics.CodeAnalysis;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// One path of a prefix: its next hop, its attributes, and the identifier by which the engine knows it.
/// <paramref name="WireIdentifier"/>: the path identifier that the engine sends to routers (RFC 7911); 0 while it has given none.
/// <paramref name="Leaving"/>: nobody asks for the path any more, but a router may have kept it over a restart of the engine. The engine
/// holds it until that router has it again, because only then can it be withdrawn from the router.
/// <paramref name="FloatingIP"/>: what the path leads to, and its age (<see cref="BgpPath.FloatingIP"/>).
/// </summary>
internal readonly record struct HeldPath(
    NextHop NextHop, PathAttributes Attributes, uint Identifier, uint WireIdentifier = 0, bool Leaving = false, Guid FloatingIP = default);

/// <summary>One path to send to the engine, or to withdraw from it.</summary>
internal readonly record struct PathChange(EngineRouteKey Key, HeldPath Path, bool IsWithdraw)
{
    /// <summary>The engine was never given the path.</summary>
    public bool IsNew { get; init; }
}

/// <summary>The number of paths, and of the prefixes they lead to; a peer without ADD-PATH gets one path for each prefix.</summary>
internal readonly record struct FamilyCount(int Paths, int Prefixes);

/// <summary>
/// The paths that the engine must hold, by their key, with identifiers that are unique within a key. (A VPN key has one path: its next
/// hop is part of the route distinguisher.) Not thread-safe. The cost of an operation does not depend on the number of paths.
/// <para>
/// Measured on gobgpd 3.10: it assigns wire identifiers 1, 2, 3 to the paths of a prefix in arrival order, never reuses one while it runs,
/// ignores a requested one (<c>local_identifier</c>), and sends the latest path first to a router that connects. After a restart it
/// starts at 1 again. FRR 8.4 keeps a path whose number does not come back for ever (FRR#17372), and a path that gets the number of
/// another one takes its place at the router. So a restarted engine is made to give every path its old number: see <see cref="Arrange"/>.
/// </para>
/// </summary>
internal sealed class PathTable
{
    private static int _versions;

    private readonly Dictionary<EngineRouteKey, HeldPath[]> _paths = [];

    private readonly UsedIdentifiers _used;

    private readonly FamilyCount[] _counts = new FamilyCount[RouteFamilies.All.Length];

    /// <summary>Number of VPN routes by their attributes, so that counting the routes of some route targets reads one entry per network.</summary>
    private readonly Dictionary<(RouteFamily Family, PathAttributes Attributes), int> _vpn = [];

    /// <param name="before">The table that this one replaces; it knows which wire identifiers are used up.</param>
    public PathTable(PathTable? before = null) => _used = before?._used ?? new();

    /// <summary>Which prefixes limited routers get; null while there is no such router, which then costs nothing.</summary>
    public PrefixQuotas? Quotas { get; set; }

    /// <summary>Number of unicast paths, and of their prefixes, that carry a marker.</summary>
    private readonly Dictionary<(LargeCommunity Marker, RouteFamily Family), FamilyCount> _withheld = [];

    /// <summary>Number of paths that some peers must not get. While it is 0, as in most installations, counting what a peer gets is free.</summary>
    public int Restricted { get; private set; }

    /// <summary>A new value after every change of what a peer may get; no two tables share a value.</summary>
    public int Version { get; private set; }

    /// <summary>Paths that nobody asks for any more, and that cannot be withdrawn from every router yet.</summary>
    public HashSet<(EngineRouteKey Key, System.Net.IPAddress NextHop)> Leaving { get; } = [];

    public int Count => _counts.Sum(c => c.Paths);

    public IEnumerable<KeyValuePair<EngineRouteKey, HeldPath[]>> All => _paths;

    public IEnumerable<KeyValuePair<(RouteFamily Family, PathAttributes Attributes), int>> Vpn => _vpn;

    public FamilyCount this[RouteFamily family] => _counts[(int)family];

    /// <summary>The unicast paths of a family that a router does not get because it takes a limited number.</summary>
    public FamilyCount Withheld(LargeCommunity marker, RouteFamily family) => _withheld.GetValueOrDefault((marker, family));

    public ReadOnlySpan<HeldPath> this[EngineRouteKey key] => _paths.TryGetValue(key, out var paths) ? paths : [];

    /// <summary>The next hop that the engine holds to be the best, of unicast prefixes with several paths.</summary>
    private readonly Dictionary<EngineRouteKey, System.Net.IPAddress> _best = [];

    /// <summary>Prefixes with several paths of which the engine may have chosen another best path.</summary>
    public HashSet<EngineRouteKey> ToAskBest { get; } = [];

    /// <summary>
    /// The only path of its prefix, or the one that the engine was last seen to prefer. gobgpd 3.10 chooses between equal local paths by their age and
    /// their order, so it has to be asked.
    /// </summary>
    public bool IsBest(EngineRouteKey key, System.Net.IPAddress nextHop)
    {
        var known = _best.GetValueOrDefault(key);
        System.Net.IPAddress? best = null;
        foreach (var path in this[key])
        {
            if (path.Leaving) continue; // the worst one
            best ??= path.NextHop.Address;
            if (path.NextHop.Address.Equals(known)) best = known;
        }

        return best?.Equals(nextHop) == true;
    }

    /// <summary>True when the best path is another one than was known.</summary>
    public bool LearnBest(EngineRouteKey key, System.Net.IPAddress nextHop)
    {
        ToAskBest.Remove(key);
        if (this[key].Length < 2 || !Contains(key, nextHop)) return false;
        var changed = !IsBest(key, nextHop);
        _best[key] = nextHop;
        return changed;
    }

    /// <summary>The path of a prefix through this next hop; null: there is none.</summary>
    public HeldPath? Find(EngineRouteKey key, System.Net.IPAddress nextHop) => TryFind(key, nextHop, out var paths, out var index) ? paths[index] : null;

    public void EnsureCapacity(int keys) => _paths.EnsureCapacity(keys);

    /// <summary>
    /// Adds the path, or replaces its attributes and keeps its identifiers. False when it is there with equal attributes.
    /// <paramref name="identifier"/>: the identifier that the path has in the engine; null for that of the next hop, or the next free one
    /// where two next hops of the prefix collide. <paramref name="wireIdentifier"/>: likewise; null for the next one.
    /// </summary>
    public bool Set(
        EngineRouteKey key, NextHop nextHop, PathAttributes attributes, uint? identifier, out HeldPath before, out HeldPath after, uint? wireIdentifier = null,
        Guid floatingIP = default)
    {
        before = default;
        if (Quotas is { } quotas)
        {
            quotas.Put(key, floatingIP, attributes);
            attributes = quotas.Mark(key, attributes);
        }
        _paths.TryGetValue(key, out var paths);
        paths ??= [];
        for (var i = 0; i < paths.Length; i++)
        {
            if (!paths[i].NextHop.Address.Equals(nextHop.Address)) continue;
            before = paths[i];
            after = before with { Attributes = attributes, Leaving = false, FloatingIP = floatingIP };
            if (before.Leaving) Leaving.Remove((key, nextHop.Address));
            paths[i] = after;
            if (before.Attributes.Equals(attributes)) return false;
            if (paths.Length > 1) ToAskBest.Add(key);
            Restricted += (attributes.IsRestricted ? 1 : 0) - (before.Attributes.IsRestricted ? 1 : 0);
            Version = Interlocked.Increment(ref _versions);
            TallyVpn(key.Family, before.Attributes, -1);
            TallyVpn(key.Family, attributes, 1);
            TallyWithheld(key.Family, before.Attributes, -1, i == 0 ? -1 : 0);
            TallyWithheld(key.Family, attributes, 1, i == 0 ? 1 : 0);
            return true;
        }

        var id = identifier ?? nextHop.Identifier;
        while (id == 0 || Array.Exists(paths, p => p.Identifier == id)) id++;
        after = new(nextHop, attributes, id, wireIdentifier ?? NextWireIdentifier(key), FloatingIP: floatingIP);
        _paths[key] = [.. paths, after];
        if (paths.Length > 0) ToAskBest.Add(key);
        Tally(key, 1, paths.Length == 0 ? 1 : 0, attributes);
        return true;
    }

    public bool Remove(EngineRouteKey key, System.Net.IPAddress nextHop, out HeldPath removed)
    {
        removed = default;
        if (!TryFind(key, nextHop, out var paths, out var index)) return false;
        removed = paths[index];
        if (removed.Leaving) Leaving.Remove((key, nextHop));
        if (paths.Length == 1) _paths.Remove(key);
        else _paths[key] = [.. paths[..index], .. paths[(index + 1)..]];
        if (paths.Length > 2) ToAskBest.Add(key);
        else ToAskBest.Remove(key);
        if (_best.TryGetValue(key, out var best) && (paths.Length <= 2 || best.Equals(nextHop))) _best.Remove(key);
        Tally(key, -1, paths.Length == 1 ? -1 : 0, removed.Attributes);
        if (paths.Length == 1) Quotas?.Remove(key);
        Retire(key, removed);
        return true;
    }

    /// <summary>
    /// Nobody asks for the path any more, and it must be withdrawn later: it stays, as the worst path of its prefix. Null when it is not
    /// there; the same path again when it is leaving already.
    /// </summary>
    public HeldPath? Leave(EngineRouteKey key, System.Net.IPAddress nextHop)
    {
        if (!TryFind(key, nextHop, out var paths, out var index)) return null;
        if (paths[index].Leaving) return paths[index];
        Set(key, paths[index].NextHop, paths[index].Attributes.AsWorst(), null, out _, out var after, floatingIP: paths[index].FloatingIP);
        after = after with { Leaving = true };
        paths[index] = after;
        Leaving.Add((key, nextHop));
        return after;
    }

    /// <summary>The engine has given the path this number.</summary>
    public void Learn(EngineRouteKey key, System.Net.IPAddress nextHop, uint wireIdentifier)
    {
        if (!TryFind(key, nextHop, out var paths, out var index) || paths[index].WireIdentifier == wireIdentifier) return;
        Retire(key, paths[index]);
        paths[index] = paths[index] with { WireIdentifier = wireIdentifier };
    }

    /// <summary>The engine does not have the path any more and gets it again: it will have another number.</summary>
    public HeldPath Renew(EngineRouteKey key, HeldPath path)
    {
        Retire(key, path);
        Learn(key, path.NextHop.Address, NextWireIdentifier(key));
        return Find(key, path.NextHop.Address) ?? path;
    }

    /// <summary>
    /// The path gets its present markers. <paramref name="anew"/>: it also gets other identifiers, as a second path that takes the place of the
    /// first one, of which <paramref name="wireIdentifier"/> is the one on the wire.
    /// </summary>
    public HeldPath Remark(EngineRouteKey key, System.Net.IPAddress nextHop, bool anew, uint wireIdentifier)
    {
        if (!TryFind(key, nextHop, out var paths, out var index)) throw new ArgumentException($"{key} through {nextHop} is not in the table.", nameof(key));
        var path = paths[index];
        Set(key, path.NextHop, path.Attributes, null, out _, out var after, floatingIP: path.FloatingIP);
        if (anew)
        {
            var id = path.Identifier + 1;
            while (id == 0 || Array.Exists(paths, p => p.Identifier == id)) id++;
            Retire(key, path);
            after = after with { Identifier = id, WireIdentifier = wireIdentifier };
        }
        if (path.Leaving) Leaving.Add((key, nextHop));
        return paths[index] = after with { Leaving = path.Leaving };
    }

    /// <summary>The wire identifier that the engine will give to the next new path of the prefix; 0 when that is not known any more.</summary>
    public uint NextWireIdentifier(EngineRouteKey key)
    {
        if (_used.Highest(key) is not { } last) return 0;
        foreach (var path in this[key])
        {
            if (path.WireIdentifier == 0) return 0;
            last = Math.Max(last, path.WireIdentifier);
        }
        return last + 1;
    }

    /// <inheritdoc cref="UsedIdentifiers.Doubt"/>
    public void DoubtNumbers(EngineRouteKey key) => _used.Doubt(key);

    /// <inheritdoc cref="UsedIdentifiers.DoubtAll"/>
    public void DoubtNumbers() => _used.DoubtAll();

    /// <summary>The path is gone from the engine, which will not use its wire identifier again.</summary>
    public void Retire(EngineRouteKey key, HeldPath path) => _used.Add(key, path.WireIdentifier, isLast: !_paths.ContainsKey(key));

    /// <summary>
    /// The order in which an empty engine must get the paths of a prefix, so that each gets its old wire identifier again; null stands for
    /// a path that is added and withdrawn at once, to use up a number. Paths without a number get the free ones. <paramref name="mayRenumber"/>:
    /// the routers keep nothing, and the paths are numbered anew.
    /// </summary>
    public IEnumerable<(EngineRouteKey Key, IReadOnlyList<HeldPath?> Order)> Arrange(bool mayRenumber)
    {
        _used.Clear();
        foreach (var (key, paths) in _paths)
        {
            var order = new List<HeldPath?>(paths.Length);
            var placed = mayRenumber ? [] : paths.Where(p => p.WireIdentifier > 0).DistinctBy(p => p.WireIdentifier).ToDictionary(p => p.WireIdentifier);
            var unplaced = new Queue<HeldPath>(paths.Where(p => !placed.TryGetValue(p.WireIdentifier, out var one) || one != p));
            for (uint number = 1; placed.Count + unplaced.Count > 0; number++)
            {
                HeldPath? path = placed.Remove(number, out var old) ? old : unplaced.TryDequeue(out var other) ? other : null;
                order.Add(path);
                if (path is { } one) paths[Array.FindIndex(paths, p => p.NextHop.Address.Equals(one.NextHop.Address))] = one with { WireIdentifier = number };
            }
            yield return (key, order);
        }
    }

    /// <summary>How many numbers <see cref="Arrange"/> would have to use up; <see cref="long.MaxValue"/> when a router may have a path by an unknown number.</summary>
    public long UnusedNumbers()
    {
        var unused = 0L;
        foreach (var paths in _paths.Values)
        {
            if (paths is [{ WireIdentifier: 1, Leaving: false }]) continue;
            if (Array.Exists(paths, p => p is { Leaving: true, WireIdentifier: 0 })) return long.MaxValue;
            unused += Math.Max(0, paths.Max(p => p.WireIdentifier) - (long)paths.Length);
        }
        return unused;
    }

    public bool Contains(EngineRouteKey key, System.Net.IPAddress nextHop) => TryFind(key, nextHop, out _, out _);

    private bool TryFind(EngineRouteKey key, System.Net.IPAddress nextHop, [NotNullWhen(true)] out HeldPath[]? paths, out int index)
    {
        index = -1;
        if (!_paths.TryGetValue(key, out paths)) return false;
        // A loop, because a delegate would be allocated for each path that is looked at.
        for (var i = 0; i < paths.Length && index < 0; i++)
            if (paths[i].NextHop.Address.Equals(nextHop)) index = i;
        return index >= 0;
    }

    private void Tally(EngineRouteKey key, int paths, int prefixes, PathAttributes attributes)
    {
        Version = Interlocked.Increment(ref _versions);
        ref var count = ref _counts[(int)key.Family];
        count = new(count.Paths + paths, count.Prefixes + prefixes);
        if (attributes.IsRestricted) Restricted += paths;
        TallyVpn(key.Family, attributes, paths);
        TallyWithheld(key.Family, attributes, paths, prefixes);
    }

    private void TallyWithheld(RouteFamily family, PathAttributes attributes, int paths, int prefixes)
    {
        if (family.IsVpn()) return;
        foreach (var marker in attributes.Markers)
        {
            var count = _withheld.GetValueOrDefault((marker, family));
            _withheld[(marker, family)] = new(count.Paths + paths, count.Prefixes + prefixes);
        }
    }

    private void TallyVpn(RouteFamily family, PathAttributes attributes, int paths)
    {
        if (attributes.Vpn is null) return;
        var count = _vpn.GetValueOrDefault((family, attributes)) + paths;
        if (count == 0) _vpn.Remove((family, attributes));
        else _vpn[(family, attributes)] = count;
    }
}
