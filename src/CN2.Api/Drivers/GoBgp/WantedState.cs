using System.Net;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>What <see cref="WantedPaths"/> and the classes that answer about them share. It is written under the turn and the lock, and read under either.</summary>
internal sealed class WantedState
{
    public Lock Lock { get; } = new();

    public PathTable Table { get; set; } = new();

    /// <summary>Paths that reach other peers than before, or have other numbers.</summary>
    public HashSet<(EngineRouteKey Key, IPAddress NextHop)> Moved { get; } = [];

    /// <summary>Prefixes of which the engine was given a path whose number is not known yet.</summary>
    public HashSet<EngineRouteKey> Unnumbered { get; } = [];

    /// <summary>The number of a new path. While the engine is away, nobody knows it.</summary>
    public uint NewWireIdentifier(EngineTurn turn, EngineRouteKey key, PathTable? table = null)
    {
        if (!turn.IsConnected) return 0;
        var next = Table.NextWireIdentifier(key);
        return table is null || next == 0 ? next : Math.Max(next, table.NextWireIdentifier(key));
    }
}
