using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The paths that the engine must hold. Any thread may read; only the holder of the turn writes, so what it reads does not change under
/// it. The answers to a write are the changes to send.
/// </summary>
/// <param name="anyWithoutAddPath">Whether a session gets only the best path of each prefix. It takes the lock of the sessions, so it is asked before that of the paths.</param>
/// <param name="state">New.</param>
internal sealed class WantedPaths(PathMapper mapper, Func<bool> anyWithoutAddPath, WantedState state)
{
    private readonly WantedState _state = state;

    public PathNumbers Numbers { get; } = new(state);

    public LimitedPaths Limited { get; } = new(state);

    public BestPaths Best { get; } = new(state);

    public PathCounts Counts { get; } = new(state);

    public const string LeavingReason =
        "A router that may have kept this path over the restart of the BGP engine has not been sent everything yet; the path is withdrawn from it after that.";

    /// <summary>There are paths that nobody asks for any more, or that some routers must lose, and that are not withdrawn yet.</summary>
    public bool HasLeaving
    {
        get
        {
            lock (_state.Lock) return _state.Table.Leaving.Count + _state.Narrowed.Count > 0;
        }
    }

    /// <summary>Changes whenever the number of paths that a peer gets may have changed.</summary>
    public int Version
    {
        get
        {
            lock (_state.Lock) return _state.Table.Version;
        }
    }

    public int Count
    {
        get
        {
            lock (_state.Lock) return _state.Table.Count;
        }
    }

    public List<BgpPath> List()
    {
        lock (_state.Lock) return [.. _state.Table.All.SelectMany(p => p.Value.Where(h => !h.Leaving), (p, path) => PathMapper.ToBgpPath(p.Key, path))];
    }

    /// <summary>An event says what is wanted: the path is there with these attributes, or no path of this key is left.</summary>
    public bool Matches(EngineRouteKey key, FoundPath found)
    {
        lock (_state.Lock)
        {
            var held = _state.Table[key];
            if (found.Path.IsWithdraw) return held.Length == 0;
            foreach (var path in held)
                if (path.Identifier == found.Identifier && path.NextHop.Address.Equals(found.NextHop) && path.Attributes.Equals(found.Attributes))
                    return true;
            return false;
        }
    }

    /// <summary>Replaces the whole set.</summary>
    /// <param name="mayWithdraw">False: a withdrawal would not reach every router that may have the path, so unwanted paths stay as leaving ones.</param>
    /// <param name="isUnseen">No router has been sent anything by this engine, so that a path may become another one and keep the number by which the routers know it.</param>
    public WantedChange Replace(EngineTurn turn, IReadOnlyCollection<BgpPath> paths, bool mayWithdraw, bool isUnseen)
    {
        turn.Require();
        var wanted = new PathTable(_state.Table);
        wanted.EnsureCapacity(paths.Count);
        var (accepted, refused) = Split(paths);
        wanted.Quotas = Limited.QuotasFor(accepted, mayWithdraw);
        var changes = new ChangeOrder();
        foreach (var (key, nextHop, attributes, floatingIP) in accepted)
        {
            var (identifier, wireIdentifier) = ((uint?)null, _state.NewWireIdentifier(turn, key, wanted));
            PathAttributes? before = null;
            if (_state.Table.Find(key, nextHop.Address) is { } held) (identifier, before, wireIdentifier) = (held.Identifier, held.Attributes, held.WireIdentifier);
            wanted.Set(key, nextHop, attributes, identifier, out _, out var after, wireIdentifier, floatingIP);
            if (isUnseen && before is not null && identifier == after.Identifier)
            {
                if (!after.Attributes.Equals(before)) AddUnseen(changes.Kept, key, before, after);
                continue;
            }
            if (before is not null && LimitedPaths.IsWithheldAnew(before, after.Attributes))
            {
                after = wanted.Remark(key, nextHop.Address, anew: true, _state.NewWireIdentifier(turn, key, wanted));
                changes.AddWithheld(key, new(nextHop, before, identifier!.Value), after, wanted.Quotas!);
                continue;
            }
            if (identifier is { } had && had != after.Identifier)
                changes.Kept.Add(new(key, new(nextHop, before!, had), IsWithdraw: true));
            if (before is not null && before.Markers.Count > after.Attributes.Markers.Count) changes.SentAgain.Add(new(key, after, IsWithdraw: false));
            else if (!after.Attributes.Equals(before) || identifier != after.Identifier)
                AddChange(before is null && _state.Table[key].IsEmpty ? changes.New : changes.Kept, mayWithdraw ? wanted : null, key, before, after);
        }
        foreach (var (key, held) in _state.Table.All)
        {
            foreach (var path in held)
            {
                if (wanted.Contains(key, path.NextHop.Address)) continue;
                if (mayWithdraw)
                {
                    wanted.Retire(key, path);
                    changes.Withdrawn.Add(new(key, path, IsWithdraw: true));
                }
                else if (_state.MayBeAtRouters(key, path))
                {
                    wanted.Set(key, path.NextHop, path.Attributes, path.Identifier, out _, out _, path.WireIdentifier, path.FloatingIP);
                    if (wanted.Leave(key, path.NextHop.Address) is { } leaving && !path.Leaving) changes.Kept.Add(new(key, leaving, IsWithdraw: false));
                }
            }
        }

        lock (_state.Lock) _state.Table = wanted;
        return new(changes.ToList(wanted.Quotas), [.. refused, .. wanted.Leaving.Select(l => Unconfirmed(l.Key, wanted.Find(l.Key, l.NextHop)!.Value))]);
    }

    /// <summary>Adds and removes; a path that is added and removed at once stays.</summary>
    /// <param name="mayWithdraw">As with <see cref="Replace"/>.</param>
    /// <param name="isUnseen">As with <see cref="Replace"/>.</param>
    public WantedChange Change(EngineTurn turn, IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, bool mayWithdraw, bool isUnseen)
    {
        turn.Require();
        var (accepted, refused) = Split(add);
        var added = remove.Count + refused.Count == 0 || accepted.Count == 0 ? null : accepted.Select(a => (a.Key, a.NextHop.Address)).ToHashSet();
        var changes = new ChangeOrder();
        var answers = new List<RefusedPath>(refused);
        var bestCounts = anyWithoutAddPath();
        lock (_state.Lock)
        {
            // Additions first: where a path replaces another, the routers always have one.
            foreach (var (key, nextHop, attributes, floatingIP) in accepted)
            {
                var isNew = _state.Table.Quotas is not null && _state.Table[key].IsEmpty;
                if (isNew) changes.NewKeys.Add(key);
                if (!_state.Table.Set(key, nextHop, attributes, null, out var before, out var after, _state.NewWireIdentifier(turn, key), floatingIP)) continue;
                if (isUnseen && before.NextHop is not null) AddUnseen(changes.Kept, key, before.Attributes, after);
                else if (!changes.NewKeys.Contains(key)) AddChange(changes.Kept, mayWithdraw ? _state.Table : null, key, before.Attributes, after);
            }
            foreach (var named in remove.Concat(refused.Select(r => r.Key)))
            {
                if (EngineRouteKey.From(named) is not { } key || added?.Contains((key, named.Path.NextHop)) == true) continue;
                if (RemoveOrLeave(key, named.Path.NextHop, mayWithdraw, bestCounts, changes.Withdrawn)) answers.Add(new(named, LeavingReason, IsWithdrawal: true));
            }
            Limited.Settle(turn, changes);
        }
        return new(changes.ToList(_state.Table.Quotas), answers);
    }

    /// <summary>With what the path is announced; null: it is not.</summary>
    public PathAttributes? AttributesOf(BgpPathKey path)
    {
        lock (_state.Lock) return EngineRouteKey.From(path) is { } key ? _state.Table.Find(key, path.Path.NextHop)?.Attributes : null;
    }

    /// <summary>The paths that limited routers began or ceased to get since the last call, so far as they were announced before.</summary>
    public IReadOnlyCollection<BgpPath> TakeMoved()
    {
        lock (_state.Lock)
        {
            if (_state.Moved.Count == 0) return [];
            var moved = _state.Moved.Where(m => _state.Table.Contains(m.Key, m.NextHop)).Select(m => PathMapper.ToBgpPath(m.Key, _state.Table.Find(m.Key, m.NextHop)!.Value)).ToList();
            _state.Moved.Clear();
            return moved;
        }
    }

    /// <summary>The paths that are leaving go; answers the withdrawals to send.</summary>
    public IReadOnlyList<PathChange> RemoveLeaving(EngineTurn turn)
    {
        turn.Require();
        var changes = new List<PathChange>();
        var bestCounts = anyWithoutAddPath();
        lock (_state.Lock)
        {
            foreach (var (key, nextHop) in _state.Table.Leaving.ToList()) RemoveOrLeave(key, nextHop, mayWithdraw: true, bestCounts, changes);
            if (_state.Table.Quotas is not { HasMoved: true } quotas) return changes;
            var order = new ChangeOrder();
            order.Withdrawn.AddRange(changes);
            Limited.Settle(turn, order);
            return order.ToList(quotas);
        }
    }

    /// <summary>
    /// Withdrawals reach every router that may have a path: what some of them must lose is withdrawn, and announced anew by another number.
    /// </summary>
    public IReadOnlyList<PathChange> Narrow(EngineTurn turn)
    {
        turn.Require();
        var changes = new List<PathChange>();
        lock (_state.Lock)
        {
            foreach (var ((key, nextHop), onlyBesideLeaving) in _state.Narrowed)
            {
                if (_state.Table.Find(key, nextHop) is not { Leaving: false, Attributes.IsRestricted: true } path || (onlyBesideLeaving && !HasLeavingOf(key))) continue;
                changes.Add(new(key, path, IsWithdraw: true));
                changes.Add(new(key, _state.Table.Renew(key, path), IsWithdraw: false));
                _state.Moved.Add((key, nextHop)); // its row says another number
            }
            _state.Narrowed.Clear();
        }
        return changes;
    }

    private bool HasLeavingOf(EngineRouteKey key)
    {
        foreach (var path in _state.Table[key])
            if (path.Leaving) return true;
        return false;
    }

    /// <summary>The engine is numbered anew and has sent nobody anything, and the routers keep nothing: nothing has to be withdrawn.</summary>
    public void ForgetKept(EngineTurn turn)
    {
        RemoveLeaving(turn);
        lock (_state.Lock) _state.Narrowed.Clear();
    }

    /// <summary>The engine did not withdraw the path: it stays, as a leaving one.</summary>
    public RefusedPath PutBack(EngineTurn turn, EngineRouteKey key, HeldPath path, string reason)
    {
        turn.Require();
        lock (_state.Lock)
        {
            _state.Table.Set(key, path.NextHop, path.Attributes, path.Identifier, out _, out _, path.WireIdentifier, path.FloatingIP);
            _state.Table.Leave(key, path.NextHop.Address);
        }
        return new(PathMapper.ToBgpPath(key, path).Key, reason, IsWithdrawal: true);
    }

    /// <summary>Whether the engine has withdrawn the path is not known: it stays, as a leaving one, unless it is wanted.</summary>
    public void PutBackIfGone(EngineTurn turn, EngineRouteKey key, HeldPath path)
    {
        if (!_state.MayBeAtRouters(key, path)) return;
        if (!Contains(turn, key, path.NextHop.Address)) PutBack(turn, key, path, "");
        // It was to be announced anew: which of its numbers the routers have is not known.
        else
        {
            lock (_state.Lock) _state.Unnumbered.Add(key);
        }
    }

    /// <summary>
    /// The engine is empty, and an earlier run of this server may have announced these paths. Those that are not wanted are leaving.
    /// False: the number of one of them is not known.
    /// </summary>
    public bool Expect(EngineTurn turn, IReadOnlyCollection<AnnouncedPath> paths)
    {
        turn.Require();
        var known = true;
        lock (_state.Lock)
        {
            foreach (var path in paths)
            {
                if (EngineRouteKey.From(path.Path) is not { } key) continue;
                known &= path.Identifier > 0;
                if (_state.Table.Contains(key, path.Path.Path.NextHop))
                {
                    _state.Table.Learn(key, path.Path.Path.NextHop, path.Identifier);
                    continue;
                }
                var instance = path.Path.Path.RoutingInstance;
                PathAttributes attributes = new(0, uint.MaxValue, [], [], instance == 0 ? null : new(MplsLabel.Of(instance), []));
                _state.Table.Set(key, mapper.NextHopOf(path.Path.Path.NextHop), attributes, null, out _, out _, path.Identifier);
                _state.Table.Leave(key, path.Path.Path.NextHop);
            }
        }
        return known;
    }

    /// <summary>
    /// The engine refuses the path, and routers may have an earlier version of it that cannot be withdrawn from all of them yet. It stays as a leaving
    /// one, with attributes that no engine refuses. Null: it is not in the set.
    /// </summary>
    public PathChange? LeaveRefused(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        lock (_state.Lock)
        {
            if (_state.Table.Find(key, nextHop) is not { } held) return null;
            _state.Table.Set(key, held.NextHop, held.Attributes.AsPlain(), null, out _, out _, floatingIP: held.FloatingIP);
            return new(key, _state.Table.Leave(key, nextHop)!.Value, IsWithdraw: false);
        }
    }

    /// <summary>Takes one path out that the engine refuses; answers the withdrawal to send, or null when the path is not in the set.</summary>
    public PathChange? Remove(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        lock (_state.Lock) return _state.Table.Remove(key, nextHop, out var removed) ? new(key, removed, IsWithdraw: true) : null;
    }

    /// <summary>Takes over a path as it was found in the engine.</summary>
    /// <returns>False: it has other markers there than it must have now.</returns>
    public bool Adopt(EngineTurn turn, EngineRouteKey key, IPAddress nextHop, PathAttributes attributes, uint identifier, uint wireIdentifier)
    {
        turn.Require();
        lock (_state.Lock)
        {
            _state.Table.Set(key, mapper.NextHopOf(nextHop), attributes, identifier, out _, out var adopted, wireIdentifier);
            return adopted.Attributes.Equals(attributes);
        }
    }

    public bool Contains(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        return _state.Table.Contains(key, nextHop);
    }

    public HeldPath? Find(EngineTurn turn, EngineRouteKey key, uint identifier)
    {
        turn.Require();
        foreach (var path in _state.Table[key])
            if (path.Identifier == identifier) return path;
        return null;
    }

    /// <summary>The paths of one key.</summary>
    public ReadOnlySpan<HeldPath> Of(EngineTurn turn, EngineRouteKey key)
    {
        turn.Require();
        return _state.Table[key];
    }

    public IEnumerable<(EngineRouteKey Key, HeldPath Path)> Of(EngineTurn turn, RouteFamily family)
    {
        turn.Require();
        foreach (var (key, held) in _state.Table.All)
            if (key.Family == family)
                foreach (var path in held) yield return (key, path);
    }

    private (List<(EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes, Guid FloatingIP)> Accepted, List<RefusedPath> Refused) Split(IReadOnlyCollection<BgpPath> paths)
    {
        var accepted = new List<(EngineRouteKey, NextHop, PathAttributes, Guid)>(paths.Count);
        var refused = new List<RefusedPath>();
        foreach (var path in paths)
        {
            if (PathLimits.Fault(path) is { } fault) refused.Add(new(path.Key, fault));
            else
            {
                var (key, nextHop, attributes) = mapper.Map(path);
                accepted.Add((key, nextHop, attributes, path.FloatingIP));
            }
        }
        return (accepted, refused);
    }

    private static RefusedPath Unconfirmed(EngineRouteKey key, HeldPath path) => new(PathMapper.ToBgpPath(key, path).Key, LeavingReason, IsWithdrawal: true);

    /// <summary>True when the path stays as a leaving one.</summary>
    /// <param name="bestCounts">A router gets only the best path of each prefix: which one that is concerns it.</param>
    private bool RemoveOrLeave(EngineRouteKey key, IPAddress nextHop, bool mayWithdraw, bool bestCounts, List<PathChange> changes)
    {
        var was = _state.Table.Find(key, nextHop) ?? default;
        if (bestCounts && _state.Table.IsBest(key, nextHop)) Best.BestGoes(key, nextHop);
        // No router has a path that the engine never got.
        if (mayWithdraw || !_state.MayBeAtRouters(key, was))
        {
            if (_state.Table.Remove(key, nextHop, out var removed)) changes.Add(new(key, removed, IsWithdraw: true));
            return false;
        }
        if (_state.Table.Leave(key, nextHop) is not { } leaving) return false;
        if (!was.Leaving) changes.Add(new(key, leaving, IsWithdraw: false));
        return true;
    }

    /// <summary>A router may have the path from an earlier engine, with attributes that nobody knows.</summary>
    private void AddUnseen(List<PathChange> changes, EngineRouteKey key, PathAttributes before, HeldPath after)
    {
        if (after.Attributes.ReachesFewerThan(before))
        {
            lock (_state.Lock) _state.Narrowed[(key, after.NextHop.Address)] = true;
        }
        changes.Add(new(key, after, IsWithdraw: false));
    }

    /// <param name="table">Null: a withdrawal would not reach every router that may have the path.</param>
    private void AddChange(List<PathChange> changes, PathTable? table, EngineRouteKey key, PathAttributes? before, HeldPath after)
    {
        // A path that some peers may no longer have is withdrawn first: without it gobgpd leaves the old version with ADD-PATH peers.
        if (before is not null && after.Attributes.ReachesFewerThan(before))
        {
            if (table is null)
            {
                lock (_state.Lock) _state.Narrowed[(key, after.NextHop.Address)] = false;
            }
            else
            {
                changes.Add(new(key, after with { Attributes = before }, IsWithdraw: true));
                after = table.Renew(key, after);
            }
        }
        changes.Add(new(key, after, IsWithdraw: false) { IsNew = before is null });
    }

    public int CountOf(EngineTurn turn, RouteFamily family)
    {
        turn.Require();
        return _state.Table[family].Paths;
    }
}
