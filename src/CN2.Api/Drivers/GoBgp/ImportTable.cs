using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The VPN routes that were learned from peers and carry an import route target; they stay beside the table that is announced. Routes of a
/// peer that is away are kept for its restart time (RFC 4724). Thread-safe; the cost of a change depends only on what it changes. What a
/// peer can fill is bounded (<see cref="Limits"/>), and what is beyond costs that peer alone.
/// </summary>
internal sealed class ImportTable(TimeProvider time, int routesPerPeer)
{
    /// <summary>So many of the ASes that ask for one target through one peer are told apart.</summary>
    public const int MostOrigins = 64;

    private static readonly TimeSpan SendAgain = TimeSpan.FromSeconds(Limits.SendAgainSeconds);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ImportPeer> _peers = [];
    private readonly HashSet<string> _established = [];
    private readonly HashSet<RouteTarget> _targets = [];

    /// <summary>All next hops, with the number of peers that have routes by them.</summary>
    private readonly Dictionary<IPAddress, int> _nextHops = [];

    /// <summary>What is to be taken, and whether its taker knows a route of that key: one that came and went meanwhile leaves nothing.</summary>
    private Dictionary<ImportedRouteKey, (ImportedRoute? Route, bool IsKnown)> _changes = [];

    /// <summary>Changes whenever the memberships of a peer change.</summary>
    public int MembershipVersion { get; private set; }

    public bool HasChanges
    {
        get
        {
            lock (_lock) return _changes.Count > 0;
        }
    }

    public IReadOnlyCollection<ImportedRouteChange> Take()
    {
        lock (_lock)
        {
            if (_changes.Count == 0) return [];
            var taken = _changes;
            _changes = [];
            return [.. taken.Select(c => new ImportedRouteChange(c.Key, c.Value.Route))];
        }
    }

    /// <summary>Replaces the wanted peers, by address. The routes of a peer that is gone, renamed or shut down are dropped.</summary>
    public void SetPeers(IReadOnlyDictionary<string, BgpPeer> peers)
    {
        lock (_lock)
        {
            foreach (var (address, known) in _peers.ToList())
            {
                if (peers.TryGetValue(address, out var peer) && peer.Name == known.Peer.Name && !peer.AdminDown) continue;
                foreach (var key in known.Routes.Keys.ToList()) Drop(known, key);
                _peers.Remove(address);
            }
            foreach (var (address, peer) in peers)
            {
                if (_peers.TryGetValue(address, out var known)) known.Peer = peer;
                else if (!peer.AdminDown) _peers[address] = new(peer) { MustList = _established.Contains(address) };
            }
        }
    }

    /// <summary>Replaces the import route targets. Routes that no longer match are dropped; peers that may have sent matching ones are read again.</summary>
    public void SetTargets(IReadOnlyCollection<RouteTarget> targets)
    {
        lock (_lock)
        {
            var added = targets.Where(t => !_targets.Contains(t)).ToList();
            var removed = _targets.Except(targets).ToHashSet();
            _targets.Clear();
            _targets.UnionWith(targets);
            foreach (var peer in _peers.Values)
            {
                if (removed.Count > 0)
                    foreach (var (key, route) in peer.Routes.Where(r => !IsImported(r.Value)).ToList())
                    {
                        Skip(peer, route);
                        Drop(peer, key);
                    }
                if (added.Count > 0 && (peer.SkippedMore || added.Any(peer.SkippedTargets.Contains))) peer.MustList = true;
            }
        }
    }

    public void Up(string address, bool mustList)
    {
        lock (_lock)
        {
            _established.Add(address);
            if (!_peers.TryGetValue(address, out var peer)) return;
            peer.MustList |= mustList;
            peer.LastHeard = peer.UpSince = time.GetTimestamp();
        }
    }

    public void Down(string address)
    {
        lock (_lock)
        {
            if (_established.Remove(address) && _peers.TryGetValue(address, out var peer)) GoAway(peer);
        }
    }

    /// <summary>The engine, or the connection with it, is lost, and every session may be lost with it.</summary>
    public void AllDown()
    {
        lock (_lock)
        {
            _established.Clear();
            foreach (var peer in _peers.Values) GoAway(peer);
        }
    }

    /// <summary>Drops routes that have been stale for longer than their peer's restart time.</summary>
    public void Expire()
    {
        lock (_lock)
        {
            foreach (var peer in _peers.Values)
                if (peer.Stale.Count > 0 && time.GetElapsedTime(peer.StaleSince) >= TimeSpan.FromSeconds(peer.Peer.RestartTime))
                    foreach (var key in peer.Stale.ToList()) Drop(peer, key);
        }
    }

    public void Apply(string address, LearnedRoute learned)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            peer.LastHeard = time.GetTimestamp();
            Apply(peer, learned);
        }
    }

    public void ApplyMembership(string address, RouteTargetMembership? membership, bool withdrawn)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            Want(peer, membership, withdrawn);
        }
    }

    /// <summary>Peers in session that have asked for more, and for how long the session has been up. One that was sent everything lately waits.</summary>
    public IReadOnlyList<(BgpPeer Peer, TimeSpan Up)> WithNewMemberships()
    {
        lock (_lock)
            return [.. _peers.Where(p => p.Value.WantsMore && _established.Contains(p.Key) && !(p.Value.SentAt is { } at && time.GetElapsedTime(at) < SendAgain))
                .Select(p => (p.Value.Peer, time.GetElapsedTime(p.Value.UpSince)))];
    }

    /// <summary>The engine is about to send the peer all routes that it asked for.</summary>
    public void MarkSent(string address)
    {
        lock (_lock)
            if (_peers.TryGetValue(address, out var peer)) (peer.WantsMore, peer.SentAt) = (false, time.GetTimestamp());
    }

    public Memberships MembershipsOf(string address)
    {
        lock (_lock) return _peers.TryGetValue(address, out var peer) ? new(peer.WantsEverything, peer.Wants.Keys.ToHashSet()) : Memberships.None;
    }

    /// <summary>Peers in session whose routes must be read from the engine.</summary>
    public IReadOnlyList<BgpPeer> ToBeListed()
    {
        lock (_lock) return [.. _peers.Where(p => p.Value.MustList && _established.Contains(p.Key)).Select(p => p.Value.Peer)];
    }

    /// <summary>Peers in session that have not yet sent again all routes of their earlier session, and for how long they have sent nothing.</summary>
    public IReadOnlyList<(BgpPeer Peer, TimeSpan Silence)> WithStaleRoutes()
    {
        lock (_lock)
            return [.. _peers.Where(p => p.Value.Stale.Count > 0 && _established.Contains(p.Key))
                .Select(p => (p.Value.Peer, time.GetElapsedTime(p.Value.LastHeard)))];
    }

    /// <summary>Peers whose routes had no room, where there may be room now, are to be read again.</summary>
    public void RecheckOverflowing()
    {
        lock (_lock)
            foreach (var peer in _peers.Values)
                if (peer is { LacksRoom: true, ShrunkSinceOverflow: true }) peer.MustList = true;
    }

    /// <summary>Time alone will change something, without an event.</summary>
    public bool NeedsTime
    {
        get
        {
            lock (_lock) return _peers.Values.Any(p => p.Stale.Count > 0 || p.WantsMore || p is { LacksRoom: true, ShrunkSinceOverflow: true });
        }
    }

    /// <summary>Why not everything that a peer sends is used, by the peer's name.</summary>
    public IReadOnlyDictionary<string, string> Faults()
    {
        lock (_lock) return _peers.Values.Select(p => (p.Peer.Name, Fault: string.Join(' ', FaultsOf(p)))).Where(p => p.Fault.Length > 0).ToDictionary(p => p.Name, p => p.Fault);
    }

    /// <summary>Takes over all routes that the engine has from a peer. <paramref name="sweep"/>: stale routes that are not among them are dropped too.</summary>
    public void ApplyListing(string address, IReadOnlyCollection<LearnedRoute> routes, IReadOnlyCollection<RouteTargetMembership?> memberships, bool sweep)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            (peer.MustList, peer.Overflowing, peer.OverNextHops, peer.ShrunkSinceOverflow) = (false, false, false, false);
            (peer.SkippedMore, peer.OverWants) = (false, false);
            peer.SkippedTargets.Clear();
            // Routes that are gone are dropped first: that makes room under the limit.
            var listed = routes.Where(r => r.Route is not null).Select(r => (r.RouteDistinguisher, r.Prefix)).ToHashSet();
            foreach (var key in peer.Routes.Keys.Where(k => !listed.Contains(k) && (sweep || !peer.Stale.Contains(k))).ToList()) Drop(peer, key);
            foreach (var route in routes) Apply(peer, route);
            peer.ShrunkSinceOverflow = false;
            var wanted = memberships.OfType<RouteTargetMembership>().ToHashSet();
            if (!memberships.Contains(null)) Want(peer, null, withdrawn: true);
            var before = peer.Wants.SelectMany(w => w.Value, (w, origin) => new RouteTargetMembership(origin, w.Key));
            foreach (var gone in before.Where(m => !wanted.Contains(m)).ToList()) Want(peer, gone, withdrawn: true);
            foreach (var membership in memberships) Want(peer, membership, withdrawn: false);
        }
    }

    private void Want(ImportPeer peer, RouteTargetMembership? membership, bool withdrawn)
    {
        var before = (peer.WantsEverything, peer.Wants.Count);
        if (membership is not { OriginAS: var origin, Target: var target })
        {
            peer.WantsEverything = !withdrawn;
        }
        else if (peer.Wants.TryGetValue(target, out var origins))
        {
            if (withdrawn) origins.Remove(origin);
            else if (origins.Count < MostOrigins) origins.Add(origin);
            if (origins.Count == 0) peer.Wants.Remove(target);
        }
        else if (!withdrawn)
        {
            if (peer.Wants.Count < Limits.Memberships) peer.Wants[target] = [origin];
            else peer.OverWants = true;
        }

        if (before == (peer.WantsEverything, peer.Wants.Count)) return;
        MembershipVersion++;
        peer.WantsMore |= !withdrawn;
    }

    private void Apply(ImportPeer peer, LearnedRoute learned)
    {
        var key = (learned.RouteDistinguisher, learned.Prefix);
        if (learned.Route is not { } route)
        {
            peer.ShrunkSinceOverflow = true;
            Drop(peer, key);
            return;
        }
        if (!IsImported(route))
        {
            peer.ShrunkSinceOverflow = true;
            Skip(peer, route);
            Drop(peer, key);
            return;
        }
        if (!peer.Routes.TryGetValue(key, out var before) && peer.Routes.Count >= routesPerPeer)
        {
            peer.Overflowing = true;
            return;
        }
        if (!HasRoom(peer, route.NextHop))
        {
            peer.OverNextHops = true;
            Drop(peer, key);
            return;
        }
        peer.Stale.Remove(key);
        route = route with { Key = route.Key with { Peer = peer.Peer.Name } };
        if (route.Equals(before)) return;
        if (before is not null) Uncount(peer, key, before);
        peer.Routes[key] = route;
        Count(peer, key, route);
        _changes[route.Key] = (route, _changes.TryGetValue(route.Key, out var change) ? change.IsKnown : before is not null);
    }

    private void Drop(ImportPeer peer, (string Distinguisher, IPNetwork Prefix) key)
    {
        peer.Stale.Remove(key);
        if (!peer.Routes.Remove(key, out var route)) return;
        Uncount(peer, key, route);
        if (_changes.TryGetValue(route.Key, out var change) && !change.IsKnown) _changes.Remove(route.Key);
        else _changes[route.Key] = (null, IsKnown: true);
    }

    private static void Skip(ImportPeer peer, ImportedRoute route)
    {
        if (peer.SkippedTargets.Count < Limits.Memberships) peer.SkippedTargets.UnionWith(route.RouteTargets);
        else peer.SkippedMore |= !route.RouteTargets.All(peer.SkippedTargets.Contains);
    }

    /// <summary>
    /// Whether a route by this next hop can be taken. At the limit, the peer with the most next hops pays: it gets no new one, and it loses
    /// one that no other peer has to a peer with fewer.
    /// </summary>
    private bool HasRoom(ImportPeer peer, IPAddress nextHop)
    {
        if (_nextHops.Count < Limits.ImportedNextHops || _nextHops.ContainsKey(nextHop)) return true;
        var largest = _peers.Values.MaxBy(p => p.NextHops.Count)!;
        if (largest.NextHops.Count <= peer.NextHops.Count + 1) return false;
        if (largest.NextHops.FirstOrDefault(h => _nextHops[h.Key] == 1).Value is not { } lost) return false;
        foreach (var key in lost.ToList()) Drop(largest, key);
        (largest.OverNextHops, largest.ShrunkSinceOverflow) = (true, false);
        return true;
    }

    private void Count(ImportPeer peer, (string, IPNetwork Prefix) key, ImportedRoute route)
    {
        if (!peer.NextHops.TryGetValue(route.NextHop, out var keys))
        {
            peer.NextHops[route.NextHop] = keys = [];
            _nextHops[route.NextHop] = _nextHops.GetValueOrDefault(route.NextHop) + 1;
        }
        keys.Add(key);
        foreach (var target in route.RouteTargets)
        {
            var count = peer.Paths[(key.Prefix, target)] = peer.Paths.GetValueOrDefault((key.Prefix, target)) + 1;
            if (count == Limits.ImportedPaths + 1) peer.OverPaths++;
        }
    }

    private void Uncount(ImportPeer peer, (string, IPNetwork Prefix) key, ImportedRoute route)
    {
        foreach (var target in route.RouteTargets)
        {
            var count = peer.Paths[(key.Prefix, target)] - 1;
            if (count == Limits.ImportedPaths) peer.OverPaths--;
            if (count > 0) peer.Paths[(key.Prefix, target)] = count;
            else peer.Paths.Remove((key.Prefix, target));
        }
        var keys = peer.NextHops[route.NextHop];
        keys.Remove(key);
        if (keys.Count > 0) return;
        peer.NextHops.Remove(route.NextHop);
        var users = _nextHops[route.NextHop] - 1;
        if (users > 0)
        {
            _nextHops[route.NextHop] = users;
            return;
        }
        _nextHops.Remove(route.NextHop);
        foreach (var other in _peers.Values)
            if (other.OverNextHops) other.ShrunkSinceOverflow = true;
    }

    private IEnumerable<string> FaultsOf(ImportPeer peer)
    {
        if (peer.Overflowing)
            yield return $"More than {routesPerPeer} VPN routes of this router carry an import route target; the others are not imported. Let it export fewer to this control node, import fewer route targets, or raise Bgp__ImportedRoutesPerPeer.";
        if (peer.OverNextHops)
            yield return $"The imported routes have more than {Limits.ImportedNextHops} next hops, most of them from this router; routes by the others are not imported. Let it export fewer to this control node, or import fewer route targets.";
        if (peer.OverPaths > 0)
            yield return $"This router sends more than {Limits.ImportedPaths} routes to one prefix with one route target; the best {Limits.ImportedPaths} paths are used.";
        if (peer.OverWants)
            yield return $"This router asks for more than {Limits.Memberships} route targets (RFC 4684); its advertised count leaves the others out.";
    }

    private void GoAway(ImportPeer peer)
    {
        (peer.MustList, peer.WantsMore) = (false, false);
        peer.Wants.Clear();
        (peer.WantsEverything, peer.OverWants) = (false, false);
        MembershipVersion++;
        if (peer.Peer is { GracefulRestart: true, RestartTime: > 0 })
        {
            // If the peer is lost again before it has sent everything, the first loss counts.
            if (peer.Stale.Count == 0) peer.StaleSince = time.GetTimestamp();
            peer.Stale.UnionWith(peer.Routes.Keys);
            return;
        }
        foreach (var key in peer.Routes.Keys.ToList()) Drop(peer, key);
    }

    private bool IsImported(ImportedRoute route)
    {
        foreach (var target in route.RouteTargets)
            if (_targets.Contains(target)) return true;
        return false;
    }
}
