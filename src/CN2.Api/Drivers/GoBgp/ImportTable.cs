using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The VPN routes that were learned from peers and carry an import route target; they stay beside the table that is announced. Routes of a
/// peer that is away are kept for its restart time (RFC 4724). Thread-safe; the cost of a change depends only on what it changes.
/// </summary>
internal sealed class ImportTable(TimeProvider time, int routesPerPeer)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ImportPeer> _peers = [];
    private readonly HashSet<string> _established = [];
    private readonly HashSet<RouteTarget> _targets = [];
    private Dictionary<ImportedRouteKey, ImportedRoute?> _changes = [];

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
            return [.. taken.Select(c => new ImportedRouteChange(c.Key, c.Value))];
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
                        peer.SkippedTargets.UnionWith(route.RouteTargets);
                        Drop(peer, key);
                    }
                if (added.Any(peer.SkippedTargets.Contains)) peer.MustList = true;
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

    public void ApplyMembership(string address, RouteTarget? target, bool withdrawn)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            Want(peer, target, withdrawn);
        }
    }

    /// <summary>Peers in session that have asked for more, and for how long the session has been up.</summary>
    public IReadOnlyList<(BgpPeer Peer, TimeSpan Up)> WithNewMemberships()
    {
        lock (_lock)
            return [.. _peers.Where(p => p.Value.WantsMore && _established.Contains(p.Key)).Select(p => (p.Value.Peer, time.GetElapsedTime(p.Value.UpSince)))];
    }

    /// <summary>The engine is about to send the peer all routes that it asked for.</summary>
    public void MarkSent(string address)
    {
        lock (_lock)
            if (_peers.TryGetValue(address, out var peer)) peer.WantsMore = false;
    }

    public Memberships MembershipsOf(string address)
    {
        lock (_lock) return _peers.TryGetValue(address, out var peer) ? new(peer.WantsEverything, peer.Wants.ToHashSet()) : Memberships.None;
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

    /// <summary>Peers over the import limit that have withdrawn a route are to be read again.</summary>
    public void RecheckOverflowing()
    {
        lock (_lock)
            foreach (var peer in _peers.Values)
                if (peer is { Overflowing: true, ShrunkSinceOverflow: true }) peer.MustList = true;
    }

    /// <summary>Time alone will change something, without an event.</summary>
    public bool NeedsTime
    {
        get
        {
            lock (_lock) return _peers.Values.Any(p => p.Stale.Count > 0 || p.WantsMore || p is { Overflowing: true, ShrunkSinceOverflow: true });
        }
    }

    public IReadOnlyList<string> Overflowing()
    {
        lock (_lock) return [.. _peers.Values.Where(p => p.Overflowing).Select(p => p.Peer.Name)];
    }

    /// <summary>Takes over all routes that the engine has from a peer. <paramref name="sweep"/>: stale routes that are not among them are dropped too.</summary>
    public void ApplyListing(string address, IReadOnlyCollection<LearnedRoute> routes, IReadOnlyCollection<RouteTarget?> memberships, bool sweep)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            (peer.MustList, peer.Overflowing, peer.ShrunkSinceOverflow) = (false, false, false);
            peer.SkippedTargets.Clear();
            // Routes that are gone are dropped first: that makes room under the limit.
            var listed = routes.Where(r => r.Route is not null).Select(r => (r.RouteDistinguisher, r.Prefix)).ToHashSet();
            foreach (var key in peer.Routes.Keys.Where(k => !listed.Contains(k) && (sweep || !peer.Stale.Contains(k))).ToList()) Drop(peer, key);
            foreach (var route in routes) Apply(peer, route);
            peer.ShrunkSinceOverflow = false;
            if (!memberships.Contains(null)) Want(peer, null, withdrawn: true);
            foreach (var gone in peer.Wants.Where(t => !memberships.Contains(t)).ToList()) Want(peer, gone, withdrawn: true);
            foreach (var target in memberships) Want(peer, target, withdrawn: false);
        }
    }

    private void Want(ImportPeer peer, RouteTarget? target, bool withdrawn)
    {
        var before = (peer.WantsEverything, peer.Wants.Count);
        if (target is not { } one) peer.WantsEverything = !withdrawn;
        else if (withdrawn) peer.Wants.Remove(one);
        else peer.Wants.Add(one);
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
            peer.SkippedTargets.UnionWith(route.RouteTargets);
            Drop(peer, key);
            return;
        }
        if (!peer.Routes.TryGetValue(key, out var before) && peer.Routes.Count >= routesPerPeer)
        {
            peer.Overflowing = true;
            return;
        }
        peer.Stale.Remove(key);
        route = route with { Key = route.Key with { Peer = peer.Peer.Name } };
        if (route.Equals(before)) return;
        peer.Routes[key] = route;
        _changes[route.Key] = route;
    }

    private void Drop(ImportPeer peer, (string Distinguisher, IPNetwork Prefix) key)
    {
        peer.Stale.Remove(key);
        if (!peer.Routes.Remove(key, out var route)) return;
        _changes[route.Key] = null;
    }

    private void GoAway(ImportPeer peer)
    {
        (peer.MustList, peer.WantsMore) = (false, false);
        peer.Wants.Clear();
        peer.WantsEverything = false;
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
