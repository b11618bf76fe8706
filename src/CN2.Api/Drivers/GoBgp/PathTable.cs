namespace CN2.Api.Drivers.GoBgp;

/// <summary>One path of a prefix: through which vRouter, with what, and under which identifier the engine knows it.</summary>
internal readonly record struct HeldPath(NextHop NextHop, PathAttributes Attributes, uint Identifier);

/// <summary>What must be told to the engine about one path.</summary>
internal readonly record struct PathChange(HostPrefix Prefix, HeldPath Path, bool IsWithdraw);

/// <summary>
/// The paths the engine must hold, by prefix: what was asked for, under identifiers that are distinct within a prefix. Not
/// thread-safe; cost of an operation does not depend on how many prefixes there are.
/// </summary>
internal sealed class PathTable
{
    private readonly Dictionary<HostPrefix, HeldPath[]> _paths = [];

    public int Paths4 { get; private set; }
    public int Paths6 { get; private set; }
    public int Prefixes4 { get; private set; }
    public int Prefixes6 { get; private set; }

    /// <summary>Paths that some peers must not get; 0 in most installations, which makes counting what a peer gets free.</summary>
    public int Restricted { get; private set; }

    public int Count => Paths4 + Paths6;

    public IEnumerable<KeyValuePair<HostPrefix, HeldPath[]>> All => _paths;

    public ReadOnlySpan<HeldPath> this[HostPrefix prefix] => _paths.TryGetValue(prefix, out var paths) ? paths : [];

    public void EnsureCapacity(int prefixes) => _paths.EnsureCapacity(prefixes);

    /// <summary>
    /// Adds the path or replaces its attributes, keeping the identifier it has. <paramref name="identifier"/> is the one found in the
    /// engine (adoption); null: the next hop's own, or the next free one where two next hops of the prefix would collide.
    /// </summary>
    public bool Set(HostPrefix prefix, NextHop nextHop, PathAttributes attributes, uint? identifier, out HeldPath before, out HeldPath after)
    {
        before = default;
        _paths.TryGetValue(prefix, out var paths);
        paths ??= [];
        for (var i = 0; i < paths.Length; i++)
        {
            if (!paths[i].NextHop.Address.Equals(nextHop.Address)) continue;
            before = paths[i];
            after = before with { Attributes = attributes };
            if (before.Attributes.Equals(attributes)) return false;
            Restricted += (attributes.IsRestricted ? 1 : 0) - (before.Attributes.IsRestricted ? 1 : 0);
            paths[i] = after;
            return true;
        }

        var id = identifier ?? nextHop.Identifier;
        while (id == 0 || Array.Exists(paths, p => p.Identifier == id)) id++;
        after = new(nextHop, attributes, id);
        _paths[prefix] = [.. paths, after];
        Tally(prefix, 1, paths.Length == 0 ? 1 : 0, attributes);
        return true;
    }

    public bool Remove(HostPrefix prefix, System.Net.IPAddress nextHop, out HeldPath removed)
    {
        removed = default;
        if (!_paths.TryGetValue(prefix, out var paths)) return false;
        var index = Array.FindIndex(paths, p => p.NextHop.Address.Equals(nextHop));
        if (index < 0) return false;
        removed = paths[index];
        if (paths.Length == 1) _paths.Remove(prefix);
        else _paths[prefix] = [.. paths[..index], .. paths[(index + 1)..]];
        Tally(prefix, -1, paths.Length == 1 ? -1 : 0, removed.Attributes);
        return true;
    }

    public bool Contains(HostPrefix prefix, System.Net.IPAddress nextHop)
    {
        foreach (var path in this[prefix])
            if (path.NextHop.Address.Equals(nextHop)) return true;
        return false;
    }

    private void Tally(HostPrefix prefix, int paths, int prefixes, PathAttributes attributes)
    {
        if (prefix.IsIPv4)
        {
            Paths4 += paths;
            Prefixes4 += prefixes;
        }
        else
        {
            Paths6 += paths;
            Prefixes6 += prefixes;
        }
        if (attributes.IsRestricted) Restricted += paths;
    }
}
