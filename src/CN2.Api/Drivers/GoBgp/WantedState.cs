using System.Net;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>What <see cref="WantedPaths"/> and the classes that answer about them share. It is written under the turn and the lock, and read under either.</summary>
internal sealed class WantedState
{
    public Lock Lock { get; } = new();

    public PathTable Table { get; set; } = new();

    /// <summary>Paths that reach other peers than before, or have other numbers.</summary>
    public HashSet<(EngineRouteKey Key, IPAddress NextHop)> Moved { get; } = [];

    /// <summary>Prefixes of which the engine was sent a path whose number is not known yet.</summary>
    public HashSet<EngineRouteKey> Unnumbered { get; } = [];

    /// <summary>A path of this prefix in the table has no number yet.</summary>
    public bool HasUnnumbered(EngineRouteKey key)
    {
        foreach (var path in Table[key])
            if (path.WireIdentifier == 0) return true;
        return false;
    }

    /// <summary>
    /// Paths that some routers must lose and may have by an earlier version, which only a withdrawal takes from them. They are withdrawn and announced anew as soon as that reaches every
    /// router. True: only where another path of the prefix is leaving, because a router that is sent none of them drops what it kept when it is sent everything else.
    /// </summary>
    public Dictionary<(EngineRouteKey Key, System.Net.IPAddress NextHop), bool> Narrowed { get; } = [];

    /// <summary>A router may have the path, which is in the table: the engine was sent it, and may not have said yet by which number.</summary>
    public bool MayBeAtRouters(EngineRouteKey key, HeldPath path) => path.WireIdentifier > 0 || path.Leaving || Unnumbered.Contains(key);

    /// <summary>The number of a new path. While the engine is away, nobody knows it.</summary>
    public uint NewWireIdentifier(EngineTurn turn, EngineRouteKey key, PathTable? table = null)
    {
        if (!turn.IsConnected) return 0;
        var next = Table.NextWireIdentifier(key);
        return table is null || next == 0 ? next : Math.Max(next, table.NextWireIdentifier(key));
    }
}
