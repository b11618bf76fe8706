using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// FloatingIPs that a live Service is leaving for another network: each serves until its successor serves, then goes (docs/contract.md §3).
/// Until then the compiler does not see that they are being deleted.
/// </summary>
internal sealed class Retirements(LoopState state)
{
    /// <summary>FloatingIP → its row in the database, and whether it has been released.</summary>
    private readonly Dictionary<Guid, (FloatingIP FloatingIP, bool Released)> _retiring = [];
    private readonly Dictionary<Guid, HashSet<Guid>> _byService = [];

    /// <summary>The row as the compiler must see it.</summary>
    public FloatingIP Filter(FloatingIP floatingIP)
    {
        if (floatingIP is not { Deleting: true, Kind: FloatingIPKind.External, Service: { } service }
            || state.Resources.TryGetService(service) is not { Deleting: false })
        {
            Forget(floatingIP.Uid);
            return floatingIP;
        }

        if (!_retiring.TryGetValue(floatingIP.Uid, out var known))
        {
            _retiring[floatingIP.Uid] = known = (floatingIP, false);
            if (!_byService.TryGetValue(service, out var retiring)) _byService[service] = retiring = [];
            retiring.Add(floatingIP.Uid);
        }

        return floatingIP with { Deleting = known.Released };
    }

    /// <summary>The Service changed: the FloatingIPs that it is leaving read differently when the Service itself is deleted.</summary>
    public IReadOnlyList<FloatingIP> Reconsider(Guid service) =>
        _byService.TryGetValue(service, out var retiring) ? [.. retiring.ToList().Select(uid => Filter(_retiring[uid].FloatingIP))] : [];

    /// <summary>The FloatingIPs of the touched owners whose successor serves now.</summary>
    public IReadOnlyList<FloatingIP> Due(IEnumerable<Guid> touchedOwners)
    {
        if (_byService.Count == 0) return [];
        var due = new List<FloatingIP>();
        foreach (var service in touchedOwners.Where(_byService.ContainsKey))
        {
            foreach (var uid in _byService[service])
            {
                var (floatingIP, released) = _retiring[uid];
                if (released || !MayGo(floatingIP, service)) continue;
                _retiring[uid] = (floatingIP, true);
                due.Add(floatingIP);
            }
        }

        return due;
    }

    public void Forget(Guid floatingIP)
    {
        if (!_retiring.Remove(floatingIP, out var known) || known.FloatingIP.Service is not { } service) return;
        if (_byService.TryGetValue(service, out var retiring) && retiring.Remove(floatingIP) && retiring.Count == 0) _byService.Remove(service);
    }

    private bool MayGo(FloatingIP leaving, Guid service)
    {
        if (state.Sequencer.RoutesOf(leaving.Uid) is { Wanted: 0, Confirmed.Count: 0 }) return true; // it has no route
        var successors = state.Resources.FloatingIPsOf(service)
            .Where(f => f.Kind == FloatingIPKind.External && f.Uid != leaving.Uid && !_retiring.ContainsKey(f.Uid) && f.Address.AddressFamily == leaving.Address.AddressFamily)
            .ToList();
        // The write that marks a FloatingIP for retirement also allocates its successor: without one the Service wants no address of this family.
        return successors.Count == 0 || successors.Exists(s => state.Sequencer.RoutesOf(s.Uid) is var routes && (routes.Confirmed.Count > 0 || routes.Wanted == 0));
    }
}
