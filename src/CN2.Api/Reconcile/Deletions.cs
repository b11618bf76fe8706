using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Services and FloatingIPs that are being deleted, until the database no longer has them.</summary>
internal sealed class Deletions(LoopState state)
{
    private const int MaxBatch = 200;

    private readonly Turns _services = new();
    private readonly Turns _floatingIPTurns = new();
    private readonly Dictionary<Guid, FloatingIP> _floatingIPs = [];

    /// <summary>What a task tries to remove at the moment.</summary>
    private readonly HashSet<Guid> _inFlight = [];

    /// <summary>What is being deleted, as owners of a status.</summary>
    public IEnumerable<Guid> Owners => _services.InTurn.Concat(_floatingIPs.Values.Where(f => f.Service is null).Select(f => f.Uid));

    public void Put(Service service)
    {
        if (service.Deleting) _services.Add(service.Uid);
    }

    public void Put(FloatingIP floatingIP)
    {
        if (!floatingIP.Deleting)
        {
            RemoveFloatingIP(floatingIP.Uid);
            return;
        }

        _floatingIPs[floatingIP.Uid] = floatingIP;
        _floatingIPTurns.Add(floatingIP.Uid);
    }

    public void RemoveService(Guid uid) => _services.Remove(uid);

    public void RemoveFloatingIP(Guid uid)
    {
        _floatingIPs.Remove(uid);
        _floatingIPTurns.Remove(uid);
    }

    /// <summary>What nothing announces, holds or awaits any more, so that its addresses may be freed; null: nothing.</summary>
    public DeletionBatch? TakeFinished()
    {
        var services = _services.InTurn.Where(s => !_inFlight.Contains(s) && IsFinished(s, state.Resources.FloatingIPsOf(s))).Take(MaxBatch).ToList();
        var floatingIPs = _floatingIPTurns.InTurn.Select(f => _floatingIPs[f])
            .Where(f => !_inFlight.Contains(f.Uid) && IsFinished(f.Service ?? f.Uid, [f])).Select(f => f.Uid).Take(MaxBatch).ToList();
        if (services.Count + floatingIPs.Count == 0) return null;
        _inFlight.UnionWith(services);
        _inFlight.UnionWith(floatingIPs);
        return new DeletionBatch(services, floatingIPs);
    }

    /// <summary>
    /// The batch was tried. What is still there is taken again after all others, so that what the database refuses holds up nobody; what is gone
    /// leaves by the change feed.
    /// </summary>
    public void WereTried(DeletionBatch batch)
    {
        foreach (var service in batch.Services) _services.WasTried(service);
        foreach (var floatingIP in batch.FloatingIPs) _floatingIPTurns.WasTried(floatingIP);
        _inFlight.ExceptWith(batch.Services);
        _inFlight.ExceptWith(batch.FloatingIPs);
    }

    private bool IsFinished(Guid owner, IEnumerable<FloatingIP> floatingIPs) =>
        floatingIPs.All(f => state.Sequencer.IsQuiet(f.Uid) && !state.Others.Holds(f.Uid))
        && !state.Ledger.AwaitedBy(owner).Any() && state.Ledger.Accounts.All(a => !a.Counts || a.HasAnswered);

    /// <summary>Each at most once; what was tried goes to the end.</summary>
    private sealed class Turns
    {
        private readonly LinkedList<Guid> _order = [];
        private readonly Dictionary<Guid, LinkedListNode<Guid>> _nodes = [];

        public IEnumerable<Guid> InTurn => _order;

        public void Add(Guid uid)
        {
            if (!_nodes.ContainsKey(uid)) _nodes[uid] = _order.AddLast(uid);
        }

        public void Remove(Guid uid)
        {
            if (_nodes.Remove(uid, out var node)) _order.Remove(node);
        }

        public void WasTried(Guid uid)
        {
            if (!_nodes.TryGetValue(uid, out var node)) return;
            _order.Remove(node);
            _order.AddLast(node);
        }
    }
}
