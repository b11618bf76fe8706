namespace CN2.Api.Drivers.GoBgp;

/// <summary>What limited routers get of the wanted paths. Threads as with <see cref="WantedPaths"/>; what takes a <see cref="ChangeOrder"/> is called under its lock.</summary>
internal sealed class LimitedPaths(WantedState state)
{
    /// <summary>The routers that take a limited number of prefixes.</summary>
    public IReadOnlyList<LimitedPeer> Limits { get; private set; } = [];

    /// <summary>Sets the limited routers; the paths that are there keep the markers that they have until they are set.</summary>
    public void ExpectLimits(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        turn.Require();
        Limits = limits;
    }

    /// <summary>Sets the limited routers; answers what to send so that each gets what it takes. All paths are looked at.</summary>
    public IReadOnlyList<PathChange> SetLimits(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        turn.Require();
        if (limits.SequenceEqual(Limits)) return [];
        lock (state.Lock)
        {
            Limits = limits;
            var quotas = new PrefixQuotas(limits);
            foreach (var (key, held) in state.Table.All)
                foreach (var path in held) quotas.Put(key, path.FloatingIP, path.Attributes);
            quotas.TakeMoved();
            state.Table.Quotas = quotas;
            var changes = new ChangeOrder();
            foreach (var (key, held) in state.Table.All.ToList())
                foreach (var path in held.ToArray()) Remark(turn, key, path, changes);
            if (limits.Count == 0) state.Table.Quotas = null;
            return changes.ToList(quotas);
        }
    }

    /// <summary>The names of the routers from which a path is withheld because they take a limited number of prefixes.</summary>
    public IReadOnlyList<string> WithheldFrom(BgpPathKey path)
    {
        lock (state.Lock) return state.Table.Quotas is { } quotas && EngineRouteKey.From(path) is { } key ? quotas.WithheldFrom(key) : [];
    }

    /// <summary>Prefixes moved into or out of what limited routers get, by something else than a change of the caller; answers what to send.</summary>
    public IReadOnlyList<PathChange> Settle(EngineTurn turn)
    {
        turn.Require();
        lock (state.Lock)
        {
            if (state.Table.Quotas is not { HasMoved: true } quotas) return [];
            var changes = new ChangeOrder();
            Settle(turn, changes);
            return changes.ToList(quotas);
        }
    }

    /// <summary>The quotas of the limited routers over a new set of paths.</summary>
    public PrefixQuotas? QuotasFor(List<(EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes, Guid FloatingIP)> accepted, bool mayWithdraw)
    {
        if (Limits.Count == 0) return null;
        var quotas = new PrefixQuotas(Limits);
        foreach (var (key, _, attributes, floatingIP) in accepted) quotas.Put(key, floatingIP, attributes);
        if (!mayWithdraw)
        {
            // What a router may have kept counts too until it is withdrawn.
            var keys = accepted.Select(a => a.Key).ToHashSet();
            foreach (var (key, held) in state.Table.All)
                if (!keys.Contains(key) && Array.Exists(held, p => state.MayBeAtRouters(key, p))) quotas.Put(key, held[0].FloatingIP, held[0].Attributes);
        }
        quotas.TakeMoved();
        return quotas;
    }

    public static bool IsWithheldAnew(PathAttributes before, PathAttributes after) =>
        after.Markers.Count > 0 && after.Markers.Any(m => !before.Markers.Contains(m));

    /// <summary>Gives the paths of all prefixes that moved their present markers. Those of a new prefix are sent for the first time.</summary>
    public void Settle(EngineTurn turn, ChangeOrder changes)
    {
        if (state.Table.Quotas is not { } quotas) return;
        foreach (var key in quotas.TakeMoved())
        {
            foreach (var path in state.Table[key].ToArray())
            {
                if (!changes.NewKeys.Contains(key)) Remark(turn, key, path, changes);
                else if (!quotas.Mark(key, path.Attributes).Equals(path.Attributes)) state.Table.Remark(key, path.NextHop.Address, anew: false, 0);
            }
        }
        foreach (var key in changes.NewKeys)
            foreach (var path in state.Table[key]) changes.New.Add(new(key, path, IsWithdraw: false) { IsNew = true });
    }

    /// <summary>
    /// gobgpd 3.10 takes nothing back from a peer with ADD-PATH when a new version of a path is rejected for it. So a path that is withheld from one more
    /// router is announced as a second path, which that router does not get, and then the first one is withdrawn: all others always have one.
    /// </summary>
    private void Remark(EngineTurn turn, EngineRouteKey key, HeldPath path, ChangeOrder changes)
    {
        var quotas = state.Table.Quotas!;
        var marked = quotas.Mark(key, path.Attributes);
        if (marked.Equals(path.Attributes)) return;
        state.Moved.Add((key, path.NextHop.Address));
        var anew = IsWithheldAnew(path.Attributes, marked);
        var after = state.Table.Remark(key, path.NextHop.Address, anew, state.NewWireIdentifier(turn, key));
        if (anew) changes.AddWithheld(key, path, after, quotas);
        else changes.SentAgain.Add(new(key, after, IsWithdraw: false));
    }
}
