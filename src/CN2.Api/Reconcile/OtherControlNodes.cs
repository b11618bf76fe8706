using CN2.Api.Drivers;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>What the other replicas announce and whom they reach, as their rows say.</summary>
public sealed class OtherControlNodes
{
    private readonly Dictionary<Guid, Dictionary<string, RouteKey[]>> _announced = [];
    private volatile bool _any;
    private Dictionary<string, IReadOnlyList<BgpSession>> _sessions = [];

    /// <summary>Another replica is alive.</summary>
    public bool Any
    {
        get => _any;
        set => _any = value;
    }

    /// <summary>Their BGP sessions.</summary>
    public IEnumerable<BgpSession> Sessions => _sessions.Values.SelectMany(s => s);

    public void Set(Guid floatingIP, string controlNode, RouteKey[] paths)
    {
        if (!_announced.TryGetValue(floatingIP, out var nodes)) _announced[floatingIP] = nodes = [];
        nodes[controlNode] = paths;
    }

    /// <summary>Nothing is known of this FloatingIP (any more).</summary>
    public void Clear(Guid floatingIP) => _announced.Remove(floatingIP);

    /// <summary>Nothing is known of any.</summary>
    public void Clear() => _announced.Clear();

    /// <summary>Takes the sessions of the replicas that are alive; true when routes reach other peers than before.</summary>
    public bool SetSessions(IReadOnlyDictionary<string, string> documents, string self)
    {
        var sessions = documents.Where(d => d.Key != self).ToDictionary(d => d.Key, d => SessionDocument.Read(d.Value));
        var same = sessions.Count == _sessions.Count && sessions.All(s => _sessions.TryGetValue(s.Key, out var known) && Reach(known).SequenceEqual(Reach(s.Value)));
        _sessions = sessions;
        return !same;
    }

    /// <summary>Another replica may announce the FloatingIP, or one of its vRouters may still have the entries.</summary>
    public bool Holds(Guid floatingIP) => _announced.ContainsKey(floatingIP);

    /// <summary>Another replica may announce the FloatingIP; through which vRouter is not told apart: the entries stay for all.</summary>
    public bool MayAnnounce(Guid floatingIP, string virtualRouter) =>
        _announced.TryGetValue(floatingIP, out var nodes) && nodes.Values.Any(paths => paths.Length > 0);

    /// <summary>Control nodes that announce the FloatingIP by this path, with their sessions.</summary>
    public IEnumerable<(string ControlNode, IReadOnlyList<BgpSession> Sessions)> Through(Guid floatingIP, RouteKey path) =>
        _announced.TryGetValue(floatingIP, out var nodes)
            ? nodes.Where(n => n.Value.Contains(path)).Select(n => (n.Key, _sessions.GetValueOrDefault(n.Key) ?? []))
            : [];

    /// <summary>Whom routes reach; counters of a session move with every route and say nothing about that.</summary>
    private static IEnumerable<(string, bool, string)> Reach(IEnumerable<BgpSession> sessions) =>
        sessions.Where(s => s.IsEstablished).Select(s => (s.Peer, s.AddPath, string.Join(',', s.Families))).Order();
}
