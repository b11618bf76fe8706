using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// The nodes of each FloatingIP that has routes through several: their agents pass ICMP errors on to each other (docs/contract.md §5). A change costs
/// as much as the FloatingIP has nodes.
/// </summary>
internal sealed class CarrierLists(LoopState state)
{
    private readonly Dictionary<VRouterAttachmentKey, CarrierList> _lists = [];
    private readonly Dictionary<Guid, List<VRouterAttachmentKey>> _ofOwner = [];
    private readonly Dictionary<string, HashSet<VRouterAttachmentKey>> _ofRouter = [];
    private Dictionary<string, HashSet<VRouterAttachmentKey>> _changed = [];

    /// <summary>Takes the routes that an owner asks for now; null: it asks for none any more.</summary>
    public void Set(Guid owner, CompiledOwner? compiled)
    {
        if ((compiled is null || compiled.Routes.Count < 2) && !_ofOwner.ContainsKey(owner)) return; // most have one route
        var lists = new Dictionary<VRouterAttachmentKey, CarrierList>();
        foreach (var routes in (compiled?.Routes ?? []).GroupBy(r => new VRouterAttachmentKey(r.RoutingInstance, r.Address)))
        {
            if (ListOf(owner, routes.Key, routes) is { } list) lists[routes.Key] = list;
        }

        foreach (var key in _ofOwner.GetValueOrDefault(owner) ?? [])
        {
            // Another owner may have taken over its address a moment ago.
            if (!lists.ContainsKey(key) && _lists.TryGetValue(key, out var had) && had.Owner == owner) Replace(key, had, null);
        }

        foreach (var (key, list) in lists) Replace(key, _lists.GetValueOrDefault(key), list);
        if (lists.Count > 0) _ofOwner[owner] = [.. lists.Keys];
        else _ofOwner.Remove(owner);
    }

    /// <summary>All lists of the FloatingIPs with a route through this vRouter.</summary>
    public IReadOnlyCollection<VRouterCarriers> Of(string virtualRouter) => _ofRouter.TryGetValue(virtualRouter, out var keys) ? [.. keys.Select(k => _lists[k].Carriers)] : [];

    /// <summary>The lists that one vRouter gets since the last <see cref="TakeChanged"/>, and the keys of those that it has no more.</summary>
    public (IReadOnlyCollection<VRouterCarriers> Put, IReadOnlyCollection<VRouterAttachmentKey> Removed) Changed(string virtualRouter, IReadOnlyDictionary<string, HashSet<VRouterAttachmentKey>> changed)
    {
        if (!changed.TryGetValue(virtualRouter, out var keys)) return ([], []);
        var has = _ofRouter.GetValueOrDefault(virtualRouter) ?? [];
        return ([.. keys.Where(has.Contains).Select(k => _lists[k].Carriers)], [.. keys.Where(k => !has.Contains(k))]);
    }

    /// <summary>The vRouters whose lists have changed since the last call, and the keys.</summary>
    public IReadOnlyDictionary<string, HashSet<VRouterAttachmentKey>> TakeChanged()
    {
        var changed = _changed;
        _changed = [];
        return changed;
    }

    /// <summary>Null: the FloatingIP has one node, or none.</summary>
    private CarrierList? ListOf(Guid owner, VRouterAttachmentKey key, IEnumerable<FloatingIPRoute> routes)
    {
        var nodes = new List<(IPAddress Address, string VirtualRouter)>();
        foreach (var route in routes)
        {
            if (state.Resources.VirtualRouter(route.VirtualRouter)?.Address is { } address) nodes.Add((address, route.VirtualRouter));
        }

        if (nodes.Count < 2) return null;
        nodes.Sort(static (a, b) => AddressArithmetic.Compare(a.Address, b.Address));
        if (nodes.Count > Limits.CarriersOfFloatingIP) nodes.RemoveRange(Limits.CarriersOfFloatingIP, nodes.Count - Limits.CarriersOfFloatingIP);
        return new CarrierList(owner, [.. nodes.Select(n => n.VirtualRouter)], new VRouterCarriers(key, nodes.Select(n => n.Address).ToEquatableList()));
    }

    private void Replace(VRouterAttachmentKey key, CarrierList? before, CarrierList? after)
    {
        if (after is null) _lists.Remove(key);
        else _lists[key] = after;
        var same = before is not null && after is not null && before.Carriers == after.Carriers;
        foreach (var name in (before?.VirtualRouters ?? []).Except(after?.VirtualRouters ?? []))
        {
            _ofRouter[name].Remove(key);
            if (_ofRouter[name].Count == 0) _ofRouter.Remove(name);
            Note(_changed, name, key);
        }

        foreach (var name in after?.VirtualRouters ?? [])
        {
            if (!Note(_ofRouter, name, key) && same) continue;
            Note(_changed, name, key);
        }
    }

    private static bool Note(Dictionary<string, HashSet<VRouterAttachmentKey>> keys, string name, VRouterAttachmentKey key)
    {
        if (!keys.TryGetValue(name, out var ofName)) keys[name] = ofName = [];
        return ofName.Add(key);
    }

    private sealed record CarrierList(Guid Owner, IReadOnlyList<string> VirtualRouters, VRouterCarriers Carriers);
}
