using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>What the other replicas announce, and the peers that they reach.</summary>
internal sealed class OtherControlNodes
{
    private readonly Dictionary<Guid, Dictionary<string, RouteKey[]>> _announced = [];
    private IReadOnlyDictionary<string, IReadOnlyList<BgpSession>> _sessions = new Dictionary<string, IReadOnlyList<BgpSession>>();

    /// <summary>The sessions that control nodes had when they were last seen, also of those that are gone.</summary>
    private readonly Dictionary<string, IReadOnlyList<BgpSession>> _lastSessions = [];

    private bool _knowsAlive;

    private HashSet<Guid> _changed = [];

    /// <summary>Another replica is alive.</summary>
    public bool Any { get; private set; }

    /// <summary>A replica is gone, and may not have told of its last rows: all must be read.</summary>
    public bool RowsDue { get; set; }

    /// <summary>The BGP sessions of the others.</summary>
    public IEnumerable<BgpSession> Sessions => _sessions.Values.SelectMany(s => s);

    /// <summary>Takes what the last heartbeat found; true when routes reach other peers than before.</summary>
    public bool Take(ReplicaView view)
    {
        Any = view.HasOthers;
        var isSame = view.Sessions.Count == _sessions.Count
            && view.Sessions.All(s => _sessions.TryGetValue(s.Key, out var known) && ReachOf(known).SequenceEqual(ReachOf(s.Value)));
        isSame &= _knowsAlive || _announced.Count == 0;
        RowsDue |= _sessions.Keys.Except(view.Sessions.Keys).Any();
        _knowsAlive = true;
        _sessions = view.Sessions;
        foreach (var (controlNode, sessions) in view.Sessions.Concat(view.Gone)) _lastSessions[controlNode] = sessions;
        return !isSame;
    }

    public void Set(Guid floatingIP, string controlNode, RouteKey[] paths)
    {
        if (!_announced.TryGetValue(floatingIP, out var nodes)) _announced[floatingIP] = nodes = [];
        nodes[controlNode] = paths;
        _changed.Add(floatingIP);
    }

    /// <summary>FloatingIPs whose rows were set since the last call.</summary>
    public IReadOnlyCollection<Guid> TakeChanged()
    {
        if (_changed.Count == 0) return [];
        var changed = _changed;
        _changed = [];
        return changed;
    }

    /// <summary>No other replica has a row of this FloatingIP.</summary>
    public void Clear(Guid floatingIP) => _announced.Remove(floatingIP);

    /// <summary>No other replica has a row.</summary>
    public void Clear() => _announced.Clear();

    /// <summary>Another replica may announce the FloatingIP, or a vRouter of it may still have the entries.</summary>
    public bool Holds(Guid floatingIP) => _announced.ContainsKey(floatingIP);

    /// <summary>The rows of the others.</summary>
    public IEnumerable<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> Rows => _announced.SelectMany(a => a.Value, (a, n) => (a.Key, n.Key, n.Value));

    /// <summary>FloatingIPs of which another replica has a row.</summary>
    public IEnumerable<Guid> Held => _announced.Keys;

    /// <summary>Control nodes that are alive and may announce the FloatingIP.</summary>
    public IEnumerable<string> AnnouncersOf(Guid floatingIP) =>
        _announced.TryGetValue(floatingIP, out var nodes) ? nodes.Where(n => n.Value.Length > 0 && _sessions.ContainsKey(n.Key)).Select(n => n.Key) : [];

    /// <summary>Control nodes that are not alive and whose engine may still announce the FloatingIP. Empty before the first heartbeat.</summary>
    public IEnumerable<string> GoneAnnouncersOf(Guid floatingIP) =>
        _knowsAlive && _announced.TryGetValue(floatingIP, out var nodes)
            ? nodes.Where(n => n.Value.Length > 0 && !_sessions.ContainsKey(n.Key)).Select(n => n.Key)
            : [];

    /// <summary>Another replica may announce the FloatingIP through this vRouter; of one that is not known (null): through any.</summary>
    public bool MayAnnounce(Guid floatingIP, VirtualRouter? virtualRouter) =>
        _announced.TryGetValue(floatingIP, out var nodes) && nodes.Values.Any(paths => paths.Any(p => virtualRouter is null || virtualRouter.Has(p.NextHop)));

    /// <summary>The paths by which control nodes that are alive may announce it; before the first heartbeat, all.</summary>
    public IEnumerable<RouteKey> PathsOfAlive(Guid floatingIP) =>
        _announced.TryGetValue(floatingIP, out var nodes) ? nodes.Where(n => !IsGone(n.Key)).SelectMany(n => n.Value).Distinct() : [];

    /// <summary>The paths by which their engines may still announce it.</summary>
    public IEnumerable<RouteKey> PathsOfGone(Guid floatingIP) => GoneAnnouncersOf(floatingIP).SelectMany(n => _announced[floatingIP][n]).Distinct();

    /// <summary>Control nodes that announce the FloatingIP by this path, with their sessions; of those that are gone, as they were last seen.</summary>
    public IEnumerable<(string ControlNode, IReadOnlyList<BgpSession> Sessions)> Through(Guid floatingIP, RouteKey path) =>
        _announced.TryGetValue(floatingIP, out var nodes)
            ? nodes.Where(n => n.Value.Contains(path)).Select(n => (n.Key, (_sessions.TryGetValue(n.Key, out var now) ? now : _lastSessions.GetValueOrDefault(n.Key)) ?? []))
            : [];

    /// <summary>The control node is not alive. False before the first heartbeat.</summary>
    public bool IsGone(string controlNode) => _knowsAlive && !_sessions.ContainsKey(controlNode);

    /// <summary>What decides which peers get a route. The counters of a session change with every route, and are no part of it.</summary>
    private static IEnumerable<(string, bool, string)> ReachOf(IEnumerable<BgpSession> sessions) =>
        sessions.Where(s => s.IsEstablished).Select(s => (s.Peer, s.AddPath, string.Join(',', s.Families))).Order();
}
