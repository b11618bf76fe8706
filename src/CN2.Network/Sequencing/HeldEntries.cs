using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>The routes that hold entries which the resources no longer ask for, by key and by vRouter.</summary>
internal sealed class HeldEntries
{
    /// <summary>One route a vRouter at most.</summary>
    private readonly Dictionary<NatEntryKey, List<SequencedRoute>> _byKey = [];
    private readonly Dictionary<string, HashSet<SequencedRoute>> _byVirtualRouter = [];

    /// <summary>The routes through this vRouter that hold something.</summary>
    public IReadOnlyCollection<SequencedRoute> On(string virtualRouter) => _byVirtualRouter.GetValueOrDefault(virtualRouter) ?? [];

    /// <summary>The routes that hold an entry of this key.</summary>
    public IReadOnlyList<SequencedRoute> Of(NatEntryKey key) => _byKey.GetValueOrDefault(key) ?? [];

    /// <summary>The route holds these entries, and none besides.</summary>
    public void Set(SequencedRoute route, IEnumerable<VirtualRouterNatEntry> entries)
    {
        foreach (var held in route.HeldEntries)
        {
            if (!_byKey.TryGetValue(held.Key, out var holders)) continue;
            holders.Remove(route);
            if (holders.Count == 0) _byKey.Remove(held.Key);
        }

        route.HeldEntries = entries.ToEquatableList();
        foreach (var held in route.HeldEntries)
        {
            if (!_byKey.TryGetValue(held.Key, out var holders)) _byKey[held.Key] = holders = new List<SequencedRoute>(1);
            holders.RemoveAll(h => h.VirtualRouter == route.VirtualRouter);
            holders.Add(route);
        }

        if (route.HeldEntries.Count > 0)
        {
            if (!_byVirtualRouter.TryGetValue(route.VirtualRouter, out var holding)) _byVirtualRouter[route.VirtualRouter] = holding = [];
            holding.Add(route);
        }
        else if (_byVirtualRouter.TryGetValue(route.VirtualRouter, out var holding) && holding.Remove(route) && holding.Count == 0)
        {
            _byVirtualRouter.Remove(route.VirtualRouter);
        }
    }
}
