using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The paths that the engine must hold. Any thread may read; only the holder of the turn writes, so what it reads does not change under
/// it. The answers to a write are the changes to send.
/// </summary>
/// <param name="anyWithoutAddPath">Whether a session gets only the best path of each prefix. It takes the lock of the sessions, so it is asked before that of the paths.</param>
internal sealed class WantedPaths(PathMapper mapper, Func<bool> anyWithoutAddPath)
{
    /// <summary>Writes are made under the turn and this lock, reads under either.</summary>
    private readonly Lock _lock = new();

    public const string LeavingReason =
        "A router that may have kept this path over the restart of the BGP engine has not been sent everything yet; the path is withdrawn from it after that.";

    private PathTable _table = new();

    private readonly HashSet<(EngineRouteKey Key, IPAddress NextHop)> _moved = [];

    /// <summary>Prefixes of which the engine was given a path whose number is not known yet.</summary>
    private readonly HashSet<EngineRouteKey> _unnumbered = [];

    /// <summary>There are paths that nobody asks for any more and that are not withdrawn yet.</summary>
    public bool HasLeaving
    {
        get
        {
            lock (_lock) return _table.Leaving.Count > 0;
        }
    }

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
        lock (_lock) return [.. _table.All.SelectMany(p => p.Value.Where(h => !h.Leaving), (p, path) => PathMapper.ToBgpPath(p.Key, path))];
    }

    /// <inheritdoc cref="IBgpSpeaker.PathIdentifiersOf"/>
    /// <param name="isConnected">False: the engine is away, and nobody knows which numbers it will give.</param>
    public IReadOnlyList<uint> IdentifiersOf(IReadOnlyCollection<BgpPathKey> paths, bool isConnected)
    {
        var identifiers = new List<uint>(paths.Count);
        var given = new Dictionary<EngineRouteKey, uint>();
        lock (_lock)
        {
            foreach (var path in paths)
            {
                if (EngineRouteKey.From(path) is not { } key) identifiers.Add(0);
                else if (_table.Find(key, path.Path.NextHop) is { } held) identifiers.Add(held.WireIdentifier);
                else identifiers.Add(isConnected ? Next(key) : 0);
            }
        }
        return identifiers;

        uint Next(EngineRouteKey key)
        {
            var next = given.TryGetValue(key, out var last) ? last + 1 : _table.NextWireIdentifier(key);
            if (next > 0) given[key] = next;
            return next;
        }
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
    public HeldCounts CountsFor(IPAddress peer, bool external, Memberships? memberships)
    {
        lock (_lock)
        {
            var counts = new HeldCounts { Withheld = _table.Quotas?.WithheldFrom(peer) ?? 0 };
            var marker = LimitedPeer.MarkerOf(peer);
            if (memberships is null) CountUnicast(external, marker, counts);
            foreach (var ((family, attributes), paths) in _table.Vpn)
                if (!attributes.IsKeptFrom(external) && !attributes.Markers.Contains(marker) && memberships?.Want(attributes.Vpn!.RouteTargets) != false)
                    counts[family] = new(counts[family].Paths + paths, counts[family].Prefixes + paths);
            return counts;
        }
    }

    /// <summary>Replaces the whole set.</summary>
    /// <param name="mayWithdraw">False: a withdrawal would not reach every router that may have the path, so unwanted paths stay as leaving ones.</param>
    public WantedChange Replace(EngineTurn turn, IReadOnlyCollection<BgpPath> paths, bool mayWithdraw)
    {
        turn.Require();
        var wanted = new PathTable(_table);
        wanted.EnsureCapacity(paths.Count);
        var (accepted, refused) = Split(paths);
        wanted.Quotas = QuotasFor(accepted, mayWithdraw);
        var changes = new ChangeOrder();
        foreach (var (key, nextHop, attributes, floatingIP) in accepted)
        {
            var (identifier, wireIdentifier) = ((uint?)null, NewWireIdentifier(turn, key, wanted));
            PathAttributes? before = null;
            if (_table.Find(key, nextHop.Address) is { } held) (identifier, before, wireIdentifier) = (held.Identifier, held.Attributes, held.WireIdentifier);
            wanted.Set(key, nextHop, attributes, identifier, out _, out var after, wireIdentifier, floatingIP);
            if (before is not null && IsWithheldAnew(before, after.Attributes))
            {
                after = wanted.Remark(key, nextHop.Address, anew: true, NewWireIdentifier(turn, key, wanted));
                changes.AddWithheld(key, new(nextHop, before, identifier!.Value), after, wanted.Quotas!);
                continue;
            }
            if (identifier is { } had && had != after.Identifier)
                changes.Kept.Add(new(key, new(nextHop, before!, had), IsWithdraw: true));
            if (before is not null && before.Markers.Count > after.Attributes.Markers.Count) changes.SentAgain.Add(new(key, after, IsWithdraw: false));
            else if (!after.Attributes.Equals(before) || identifier != after.Identifier)
                AddChange(before is null && _table[key].IsEmpty ? changes.New : changes.Kept, turn.IsConnected ? wanted : null, key, before, after);
        }
        foreach (var (key, held) in _table.All)
        {
            foreach (var path in held)
            {
                if (wanted.Contains(key, path.NextHop.Address)) continue;
                if (mayWithdraw)
                {
                    wanted.Retire(key, path);
                    changes.Withdrawn.Add(new(key, path, IsWithdraw: true));
                }
                else if (path.WireIdentifier > 0 || path.Leaving)
                {
                    wanted.Set(key, path.NextHop, path.Attributes, path.Identifier, out _, out _, path.WireIdentifier, path.FloatingIP);
                    if (wanted.Leave(key, path.NextHop.Address) is { } leaving && !path.Leaving) changes.Kept.Add(new(key, leaving, IsWithdraw: false));
                }
            }
        }

        lock (_lock) _table = wanted;
        return new(changes.ToList(wanted.Quotas), [.. refused, .. wanted.Leaving.Select(l => Unconfirmed(l.Key, wanted.Find(l.Key, l.NextHop)!.Value))]);
    }

    /// <summary>Adds and removes; a path that is added and removed at once stays.</summary>
    /// <param name="mayWithdraw">As with <see cref="Replace"/>.</param>
    public WantedChange Change(EngineTurn turn, IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, bool mayWithdraw)
    {
        turn.Require();
        var (accepted, refused) = Split(add);
        var added = remove.Count + refused.Count == 0 || accepted.Count == 0 ? null : accepted.Select(a => (a.Key, a.NextHop.Address)).ToHashSet();
        var changes = new ChangeOrder();
        var answers = new List<RefusedPath>(refused);
        var bestCounts = anyWithoutAddPath();
        lock (_lock)
        {
            // Additions first: where a path replaces another, the routers always have one.
            foreach (var (key, nextHop, attributes, floatingIP) in accepted)
            {
                var isNew = _table.Quotas is not null && _table[key].IsEmpty;
                if (isNew) changes.NewKeys.Add(key);
                if (!_table.Set(key, nextHop, attributes, null, out var before, out var after, NewWireIdentifier(turn, key), floatingIP)) continue;
                if (!changes.NewKeys.Contains(key)) AddChange(changes.Kept, turn.IsConnected ? _table : null, key, before.Attributes, after);
            }
            foreach (var named in remove.Concat(refused.Select(r => r.Key)))
            {
                if (EngineRouteKey.From(named) is not { } key || added?.Contains((key, named.Path.NextHop)) == true) continue;
                if (RemoveOrLeave(key, named.Path.NextHop, mayWithdraw, bestCounts, changes.Withdrawn)) answers.Add(new(named, LeavingReason, IsWithdrawal: true));
            }
            Settle(turn, changes);
        }
        return new(changes.ToList(_table.Quotas), answers);
    }

    /// <summary>Prefixes moved into or out of what limited routers get, by something else than a change of the caller; answers what to send.</summary>
    public IReadOnlyList<PathChange> Settle(EngineTurn turn)
    {
        turn.Require();
        lock (_lock)
        {
            if (_table.Quotas is not { HasMoved: true } quotas) return [];
            var changes = new ChangeOrder();
            Settle(turn, changes);
            return changes.ToList(quotas);
        }
    }

    /// <summary>Sets the limited routers; answers what to send so that each gets what it takes. All paths are looked at.</summary>
    public IReadOnlyList<PathChange> SetLimits(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        turn.Require();
        if (limits.SequenceEqual(Limits)) return [];
        lock (_lock)
        {
            Limits = limits;
            var quotas = new PrefixQuotas(limits);
            foreach (var (key, held) in _table.All)
                foreach (var path in held) quotas.Put(key, path.FloatingIP, path.Attributes);
            quotas.TakeMoved();
            _table.Quotas = quotas;
            var changes = new ChangeOrder();
            foreach (var (key, held) in _table.All.ToList())
                foreach (var path in held.ToArray()) Remark(turn, key, path, changes);
            if (limits.Count == 0) _table.Quotas = null;
            return changes.ToList(quotas);
        }
    }

    /// <summary>Sets the limited routers; the paths that are there keep the markers that they have until they are set.</summary>
    public void ExpectLimits(EngineTurn turn, IReadOnlyList<LimitedPeer> limits)
    {
        turn.Require();
        Limits = limits;
    }

    /// <summary>The routers that take a limited number of prefixes.</summary>
    public IReadOnlyList<LimitedPeer> Limits { get; private set; } = [];

    /// <summary>The names of the routers from which a path is withheld because they take a limited number of prefixes.</summary>
    public IReadOnlyList<string> WithheldFrom(BgpPathKey path)
    {
        lock (_lock) return _table.Quotas is { } quotas && EngineRouteKey.From(path) is { } key ? quotas.WithheldFrom(key) : [];
    }

    /// <summary>With what the path is announced; null: it is not.</summary>
    public PathAttributes? AttributesOf(BgpPathKey path)
    {
        lock (_lock) return EngineRouteKey.From(path) is { } key ? _table.Find(key, path.Path.NextHop)?.Attributes : null;
    }

    /// <inheritdoc cref="PathTable.IsBest"/>
    public bool IsBest(BgpPathKey path)
    {
        lock (_lock) return EngineRouteKey.From(path) is { } key && _table.IsBest(key, path.Path.NextHop);
    }

    /// <inheritdoc cref="PathTable.LearnBest"/>
    public void LearnBest(EngineRouteKey key, IPAddress nextHop)
    {
        lock (_lock)
        {
            if (!_table.LearnBest(key, nextHop)) return;
            foreach (var path in _table[key]) _moved.Add((key, path.NextHop.Address));
        }
    }

    /// <inheritdoc cref="PathTable.ToAskBest"/>
    public List<EngineRouteKey> ToAskBest(EngineTurn turn)
    {
        turn.Require();
        lock (_lock) return [.. _table.ToAskBest];
    }

    /// <summary>The paths that limited routers began or ceased to get since the last call, so far as they were announced before.</summary>
    public IReadOnlyCollection<BgpPath> TakeMoved()
    {
        lock (_lock)
        {
            if (_moved.Count == 0) return [];
            var moved = _moved.Where(m => _table.Contains(m.Key, m.NextHop)).Select(m => PathMapper.ToBgpPath(m.Key, _table.Find(m.Key, m.NextHop)!.Value)).ToList();
            _moved.Clear();
            return moved;
        }
    }

    /// <summary>The paths that are leaving go; answers the withdrawals to send.</summary>
    public IReadOnlyList<PathChange> RemoveLeaving(EngineTurn turn)
    {
        turn.Require();
        var changes = new List<PathChange>();
        var bestCounts = anyWithoutAddPath();
        lock (_lock)
        {
            foreach (var (key, nextHop) in _table.Leaving.ToList()) RemoveOrLeave(key, nextHop, mayWithdraw: true, bestCounts, changes);
            if (_table.Quotas is not { HasMoved: true } quotas) return changes;
            var order = new ChangeOrder();
            order.Withdrawn.AddRange(changes);
            Settle(turn, order);
            return order.ToList(quotas);
        }
    }

    /// <summary>The engine did not withdraw the path: it stays, as a leaving one.</summary>
    public RefusedPath PutBack(EngineTurn turn, EngineRouteKey key, HeldPath path, string reason)
    {
        turn.Require();
        lock (_lock)
        {
            _table.Set(key, path.NextHop, path.Attributes, path.Identifier, out _, out _, path.WireIdentifier, path.FloatingIP);
            _table.Leave(key, path.NextHop.Address);
        }
        return new(PathMapper.ToBgpPath(key, path).Key, reason, IsWithdrawal: true);
    }

    /// <summary>Whether the engine has withdrawn the path is not known: it stays, as a leaving one, unless it is wanted again.</summary>
    public void PutBackIfGone(EngineTurn turn, EngineRouteKey key, HeldPath path)
    {
        if (path.WireIdentifier > 0 && !Contains(turn, key, path.NextHop.Address)) PutBack(turn, key, path, "");
    }

    /// <summary>
    /// The engine is empty, and an earlier run of this server may have announced these paths. Those that are not wanted are leaving.
    /// False: the number of one of them is not known.
    /// </summary>
    public bool Expect(EngineTurn turn, IReadOnlyCollection<AnnouncedPath> paths)
    {
        turn.Require();
        var known = true;
        lock (_lock)
        {
            foreach (var path in paths)
            {
                if (EngineRouteKey.From(path.Path) is not { } key) continue;
                known &= path.Identifier > 0;
                if (_table.Contains(key, path.Path.Path.NextHop))
                {
                    _table.Learn(key, path.Path.Path.NextHop, path.Identifier);
                    continue;
                }
                var instance = path.Path.Path.RoutingInstance;
                PathAttributes attributes = new(0, uint.MaxValue, [], [], instance == 0 ? null : new(MplsLabel.Of(instance), []));
                _table.Set(key, mapper.NextHopOf(path.Path.Path.NextHop), attributes, null, out _, out _, path.Identifier);
                _table.Leave(key, path.Path.Path.NextHop);
            }
        }
        return known;
    }

    /// <summary>The engine has given the path this number.</summary>
    public void Learn(EngineRouteKey key, IPAddress nextHop, uint wireIdentifier)
    {
        if (wireIdentifier == 0) return;
        lock (_lock)
        {
            if (_table.Find(key, nextHop) is not { } held || held.WireIdentifier == wireIdentifier) return;
            _table.Learn(key, nextHop, wireIdentifier);
            _moved.Add((key, nextHop)); // its row says another number
        }
    }

    /// <summary>The engine lacks the path and gets it again: it will have another number.</summary>
    public HeldPath Renew(EngineTurn turn, EngineRouteKey key, HeldPath path)
    {
        turn.Require();
        lock (_lock)
        {
            // Whether the engine has used the number up is not known: it may never have got the path.
            _table.DoubtNumbers(key);
            return _table.Renew(key, path);
        }
    }

    /// <summary>These changes were sent.</summary>
    public void NoteSent(EngineTurn turn, IEnumerable<PathChange> changes)
    {
        turn.Require();
        lock (_lock)
        {
            foreach (var change in changes)
                if (!change.IsWithdraw && _table.Find(change.Key, change.Path.NextHop.Address) is { WireIdentifier: 0 }) _unnumbered.Add(change.Key);
        }
    }

    /// <summary>The engine refused some of these changes, and others were sent more than once.</summary>
    public void DoubtNumbers(EngineTurn turn, IReadOnlyList<PathChange> changes, IEnumerable<EngineRouteKey> refused)
    {
        turn.Require();
        var withdrawn = changes.Where(c => c.IsWithdraw).Select(c => c.Key).ToHashSet();
        var doubtful = changes.Where(c => !c.IsWithdraw && withdrawn.Contains(c.Key)).Select(c => c.Key).Concat(refused);
        lock (_lock)
        {
            foreach (var key in doubtful)
            {
                _table.DoubtNumbers(key);
                _unnumbered.Add(key);
            }
        }
    }

    /// <summary>The prefixes of which the engine must be asked for the numbers of paths.</summary>
    public List<EngineRouteKey> ToAskNumber(EngineTurn turn)
    {
        turn.Require();
        lock (_lock)
        {
            _unnumbered.RemoveWhere(k => _table[k].IsEmpty);
            return [.. _unnumbered];
        }
    }

    /// <summary>The engine was asked.</summary>
    public void Numbered(EngineTurn turn, IEnumerable<EngineRouteKey> keys)
    {
        turn.Require();
        lock (_lock) _unnumbered.ExceptWith(keys);
    }

    /// <summary>The engine was in use before this server knew it, so which numbers it has used up is not known.</summary>
    public void DoubtNumbers(EngineTurn turn)
    {
        turn.Require();
        lock (_lock) _table.DoubtNumbers();
    }

    /// <summary>
    /// The engine refuses the path, and routers may have an earlier version of it that cannot be withdrawn from all of them yet. It stays as a leaving
    /// one, with attributes that no engine refuses. Null: it is not in the set.
    /// </summary>
    public PathChange? LeaveRefused(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        lock (_lock)
        {
            if (_table.Find(key, nextHop) is not { } held) return null;
            _table.Set(key, held.NextHop, held.Attributes.AsPlain(), null, out _, out _, floatingIP: held.FloatingIP);
            return new(key, _table.Leave(key, nextHop)!.Value, IsWithdraw: false);
        }
    }

    /// <summary>Takes one path out that the engine refuses; answers the withdrawal to send, or null when the path is not in the set.</summary>
    public PathChange? Remove(EngineTurn turn, EngineRouteKey key, IPAddress nextHop)
    {
        turn.Require();
        lock (_lock) return _table.Remove(key, nextHop, out var removed) ? new(key, removed, IsWithdraw: true) : null;
    }

    /// <summary>How many paths the engine would have to be given only to use up their numbers; see <see cref="PathTable.UnusedNumbers"/>.</summary>
    public long UnusedNumbers(EngineTurn turn)
    {
        turn.Require();
        return _table.UnusedNumbers();
    }

    /// <summary>Takes over a path as it was found in the engine.</summary>
    /// <returns>False: it has other markers there than it must have now.</returns>
    public bool Adopt(EngineTurn turn, EngineRouteKey key, IPAddress nextHop, PathAttributes attributes, uint identifier, uint wireIdentifier)
    {
        turn.Require();
        lock (_lock)
        {
            _table.Set(key, mapper.NextHopOf(nextHop), attributes, identifier, out _, out var adopted, wireIdentifier);
            return adopted.Attributes.Equals(attributes);
        }
    }

    /// <summary>
    /// All paths, in the order in which an empty engine must get them, with paths between them that only use up numbers and are withdrawn at
    /// once; see <see cref="PathTable.Arrange"/>.
    /// </summary>
    public IReadOnlyList<PathChange> AllForEmptyEngine(EngineTurn turn, bool mayRenumber)
    {
        turn.Require();
        var changes = new List<PathChange>();
        lock (_lock)
        {
            _unnumbered.Clear();
            foreach (var (key, order) in _table.Arrange(mayRenumber))
            {
                var any = order.First(p => p is not null)!.Value;
                var identifier = uint.MaxValue;
                foreach (var path in order)
                {
                    if (path is { } one)
                    {
                        changes.Add(new(key, one, IsWithdraw: false));
                        continue;
                    }
                    while (order.Any(p => p?.Identifier == identifier)) identifier--;
                    var filler = any with { Identifier = identifier--, Attributes = any.Attributes.AsPlain() };
                    changes.Add(new(key, filler, IsWithdraw: false));
                    changes.Add(new(key, filler, IsWithdraw: true));
                }
            }
        }
        return changes;
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

    /// <summary>The number of a new path. While the engine is away, nobody knows it.</summary>
    private uint NewWireIdentifier(EngineTurn turn, EngineRouteKey key, PathTable? table = null)
    {
        if (!turn.IsConnected) return 0;
        var next = _table.NextWireIdentifier(key);
        return table is null || next == 0 ? next : Math.Max(next, table.NextWireIdentifier(key));
    }

    /// <summary>The quotas of the limited routers over a new set of paths.</summary>
    private PrefixQuotas? QuotasFor(List<(EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes, Guid FloatingIP)> accepted, bool mayWithdraw)
    {
        if (Limits.Count == 0) return null;
        var quotas = new PrefixQuotas(Limits);
        foreach (var (key, _, attributes, floatingIP) in accepted) quotas.Put(key, floatingIP, attributes);
        if (!mayWithdraw)
        {
            // What a router may have kept counts too until it is withdrawn.
            var keys = accepted.Select(a => a.Key).ToHashSet();
            foreach (var (key, held) in _table.All)
                if (!keys.Contains(key) && Array.Exists(held, p => p.WireIdentifier > 0 || p.Leaving)) quotas.Put(key, held[0].FloatingIP, held[0].Attributes);
        }
        quotas.TakeMoved();
        return quotas;
    }

    private static bool IsWithheldAnew(PathAttributes before, PathAttributes after) =>
        after.Markers.Count > 0 && after.Markers.Any(m => !before.Markers.Contains(m));

    /// <summary>Gives the paths of all prefixes that moved their present markers. Those of a new prefix are sent for the first time.</summary>
    private void Settle(EngineTurn turn, ChangeOrder changes)
    {
        if (_table.Quotas is not { } quotas) return;
        foreach (var key in quotas.TakeMoved())
        {
            foreach (var path in _table[key].ToArray())
            {
                if (!changes.NewKeys.Contains(key)) Remark(turn, key, path, changes);
                else if (!quotas.Mark(key, path.Attributes).Equals(path.Attributes)) _table.Remark(key, path.NextHop.Address, anew: false, 0);
            }
        }
        foreach (var key in changes.NewKeys)
            foreach (var path in _table[key]) changes.New.Add(new(key, path, IsWithdraw: false) { IsNew = true });
    }

    /// <summary>
    /// gobgpd 3.10 takes nothing back from a peer with ADD-PATH when a new version of a path is rejected for it. So a path that is withheld from one more
    /// router is announced as a second path, which that router does not get, and then the first one is withdrawn: all others always have one.
    /// </summary>
    private void Remark(EngineTurn turn, EngineRouteKey key, HeldPath path, ChangeOrder changes)
    {
        var quotas = _table.Quotas!;
        var marked = quotas.Mark(key, path.Attributes);
        if (marked.Equals(path.Attributes)) return;
        _moved.Add((key, path.NextHop.Address));
        var anew = IsWithheldAnew(path.Attributes, marked);
        var after = _table.Remark(key, path.NextHop.Address, anew, NewWireIdentifier(turn, key));
        if (anew) changes.AddWithheld(key, path, after, quotas);
        else changes.SentAgain.Add(new(key, after, IsWithdraw: false));
    }

    private static RefusedPath Unconfirmed(EngineRouteKey key, HeldPath path) => new(PathMapper.ToBgpPath(key, path).Key, LeavingReason, IsWithdrawal: true);

    /// <summary>True when the path stays as a leaving one.</summary>
    /// <param name="bestCounts">A router gets only the best path of each prefix: which one that is concerns it.</param>
    private bool RemoveOrLeave(EngineRouteKey key, IPAddress nextHop, bool mayWithdraw, bool bestCounts, List<PathChange> changes)
    {
        var was = _table.Find(key, nextHop) ?? default;
        if (bestCounts && _table.IsBest(key, nextHop)) BestGoes(key, nextHop);
        // No router has a path that the engine never got.
        if (mayWithdraw || was is { WireIdentifier: 0, Leaving: false })
        {
            if (_table.Remove(key, nextHop, out var removed)) changes.Add(new(key, removed, IsWithdraw: true));
            return false;
        }
        if (_table.Leave(key, nextHop) is not { } leaving) return false;
        if (!was.Leaving) changes.Add(new(key, leaving, IsWithdraw: false));
        return true;
    }

    /// <summary>Another path of the prefix becomes the one that routers without ADD-PATH get.</summary>
    private void BestGoes(EngineRouteKey key, IPAddress nextHop)
    {
        foreach (var path in _table[key])
            if (!path.NextHop.Address.Equals(nextHop)) _moved.Add((key, path.NextHop.Address));
    }

    private static void AddChange(List<PathChange> changes, PathTable? table, EngineRouteKey key, PathAttributes? before, HeldPath after)
    {
        // A path that some peers may no longer have is withdrawn first: without it gobgpd leaves the old version with ADD-PATH peers.
        if (before is not null && after.Attributes.ReachesFewerThan(before))
        {
            changes.Add(new(key, after with { Attributes = before }, IsWithdraw: true));
            after = table?.Renew(key, after) ?? after;
        }
        changes.Add(new(key, after, IsWithdraw: false) { IsNew = before is null });
    }

    private void CountUnicast(bool external, LargeCommunity marker, HeldCounts counts)
    {
        if (_table.Restricted == 0)
        {
            foreach (var family in (RouteFamily[])[RouteFamily.Inet, RouteFamily.Inet6])
            {
                var (all, withheld) = (_table[family], _table.Withheld(marker, family));
                counts[family] = new(all.Paths - withheld.Paths, all.Prefixes - withheld.Prefixes);
            }
            return;
        }
        foreach (var (key, held) in _table.All)
        {
            if (key.Family.IsVpn()) continue;
            var sent = held.Count(p => !p.Attributes.IsKeptFrom(external) && !p.Attributes.Markers.Contains(marker));
            counts[key.Family] = new(counts[key.Family].Paths + sent, counts[key.Family].Prefixes + Math.Min(sent, 1));
        }
    }
}
