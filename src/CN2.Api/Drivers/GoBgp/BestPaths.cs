using System.Net;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Which path of a prefix the engine holds to be the best: a router without ADD-PATH gets it alone. Threads as with <see cref="WantedPaths"/>.</summary>
internal sealed class BestPaths(WantedState state)
{
    /// <inheritdoc cref="PathTable.IsBest"/>
    public bool IsBest(BgpPathKey path)
    {
        lock (state.Lock) return EngineRouteKey.From(path) is { } key && state.Table.IsBest(key, path.Path.NextHop);
    }

    /// <inheritdoc cref="PathTable.LearnBest"/>
    public void LearnBest(EngineRouteKey key, IPAddress nextHop)
    {
        lock (state.Lock)
        {
            if (!state.Table.LearnBest(key, nextHop)) return;
            foreach (var path in state.Table[key]) state.Moved.Add((key, path.NextHop.Address));
        }
    }

    /// <inheritdoc cref="PathTable.ToAskBest"/>
    public List<EngineRouteKey> ToAskBest(EngineTurn turn)
    {
        turn.Require();
        lock (state.Lock) return [.. state.Table.ToAskBest];
    }

    /// <summary>Another path of the prefix becomes the one that routers without ADD-PATH get.</summary>
    public void BestGoes(EngineRouteKey key, IPAddress nextHop)
    {
        foreach (var path in state.Table[key])
            if (!path.NextHop.Address.Equals(nextHop)) state.Moved.Add((key, path.NextHop.Address));
    }
}
