using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The VPN routes learned from peers whose route targets somebody imports, beside the table that is announced. Routes of a peer that is
/// away are kept for its restart time (RFC 4724). Thread-safe; a change costs what it touches.
/// </summary>
internal sealed class ImportTable(TimeProvider time, int routesPerPeer)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ImportPeer> _peers = [];
    private readonly HashSet<string> _established = [];
    private readonly HashSet<RouteTarget> _targets = [];
    private Dictionary<ImportedRouteKey, ImportedRoute?> _changes = [];

    /// <summary>Moves when somebody's memberships do.</summary>
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

    /// <summary>The wanted peers by address. One that is gone, renamed or shut down has no routes any more.</summary>
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

    /// <summary>Whose routes are taken from now on. What no longer matches goes; who may have sent what matches now must be read again.</summary>
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
                        peer.Elsewhere.UnionWith(route.RouteTargets);
                        Drop(peer, key);
                    }
                if (added.Any(peer.Elsewhere.Contains)) peer.MustList = true;
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

    /// <summary>The engine, or the connection with it, is lost: every session may be.</summary>
    public void AllDown()
    {
        lock (_lock)
        {
            _established.Clear();
            foreach (var peer in _peers.Values) GoAway(peer);
        }
    }

    /// <summary>Drops what is stale for longer than its peer's restart time.</summary>
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

    /// <summary>Peers in session that asked for more, and since when the session is up.</summary>
    public IReadOnlyList<(BgpPeer Peer, TimeSpan Up)> WantingMore()
    {
        lock (_lock)
            return [.. _peers.Where(p => p.Value.WantsMore && _established.Contains(p.Key)).Select(p => (p.Value.Peer, time.GetElapsedTime(p.Value.UpSince)))];
    }

    /// <summary>The engine is about to send the peer what it wants.</summary>
    public void Sent(string address)
    {
        lock (_lock)
            if (_peers.TryGetValue(address, out var peer)) peer.WantsMore = false;
    }

    public Memberships MembershipsOf(string address)
    {
        lock (_lock) return _peers.TryGetValue(address, out var peer) ? new(peer.WantsEverything, peer.Wants.ToHashSet()) : Memberships.None;
    }

    /// <summary>Peers in session whose routes must be read from the engine.</summary>
    public IReadOnlyList<BgpPeer> MustList()
    {
        lock (_lock) return [.. _peers.Where(p => p.Value.MustList && _established.Contains(p.Key)).Select(p => p.Value.Peer)];
    }

    /// <summary>Peers in session that have not told everything again which they told in the session before, and since when they say nothing.</summary>
    public IReadOnlyList<(BgpPeer Peer, TimeSpan Silence)> Unswept()
    {
        lock (_lock)
            return [.. _peers.Where(p => p.Value.Stale.Count > 0 && _established.Contains(p.Key))
                .Select(p => (p.Value.Peer, time.GetElapsedTime(p.Value.LastHeard)))];
    }

    /// <summary>Peers that sent too much and have taken something back: read again.</summary>
    public void RecheckOverflowing()
    {
        lock (_lock)
            foreach (var peer in _peers.Values)
                if (peer is { Overflowing: true, Fewer: true }) peer.MustList = true;
    }

    /// <summary>There is something that time alone changes.</summary>
    public bool NeedsTime
    {
        get
        {
            lock (_lock) return _peers.Values.Any(p => p.Stale.Count > 0 || p.WantsMore || p is { Overflowing: true, Fewer: true });
        }
    }

    public IReadOnlyList<string> Overflowing()
    {
        lock (_lock) return [.. _peers.Values.Where(p => p.Overflowing).Select(p => p.Peer.Name)];
    }

    /// <summary>Takes over everything the engine has of a peer. <paramref name="sweep"/>: and drops what is not there any more.</summary>
    public void ApplyListing(string address, IReadOnlyCollection<LearnedRoute> routes, IReadOnlyCollection<RouteTarget?> memberships, bool sweep)
    {
        lock (_lock)
        {
            if (!_peers.TryGetValue(address, out var peer)) return;
            (peer.MustList, peer.Overflowing, peer.Fewer) = (false, false, false);
            peer.Elsewhere.Clear();
            // What went first: it makes room.
            var listed = routes.Where(r => r.Route is not null).Select(r => (r.RouteDistinguisher, r.Prefix)).ToHashSet();
            foreach (var key in peer.Routes.Keys.Where(k => !listed.Contains(k) && (sweep || !peer.Stale.Contains(k))).ToList()) Drop(peer, key);
            foreach (var route in routes) Apply(peer, route);
            (peer.Overflowing, peer.Fewer) = (peer.Overflowing, false);
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
            peer.Fewer = true;
            Drop(peer, key);
            return;
        }
        if (!IsImported(route))
        {
            peer.Fewer = true;
            peer.Elsewhere.UnionWith(route.RouteTargets);
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
            // Of a peer that went again before it had told everything, the first time counts.
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
