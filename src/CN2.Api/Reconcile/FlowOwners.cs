using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// Tells the vRouters whose flows must end although NAT entries alone would let them go on (docs/contract.md §5): those through a reserved FloatingIP
/// that somebody else has now, or nobody, and those to an endpoint's address that another VirtualMachineInterface has now. A FloatingIP that a Service
/// made for itself goes with it, so its flows end with its address.
/// </summary>
internal sealed class FlowOwners(LoopState state, VRouterDispatcher dispatcher)
{
    /// <summary>So many addresses that no VirtualMachineInterface has any more are remembered, the last ones.</summary>
    private const int MostRemembered = 100_000;

    private readonly HashSet<Guid> _due = [];

    /// <summary>By name: one that is deleted and made anew is the same VirtualMachineInterface (docs/contract.md §2).</summary>
    private readonly Dictionary<(string VirtualRouter, IPAddress Address), (NamespacedName Id, Guid Uid)> _holders = [];
    private readonly Queue<((string VirtualRouter, IPAddress Address) Key, Guid Uid)> _left = [];

    /// <summary>The FloatingIP, or an endpoint that it is attached to, may be another one than before.</summary>
    public void Changed(Guid floatingIP) => _due.Add(floatingIP);

    /// <summary>The network moves between underlay and overlay.</summary>
    public void ForwardingChanged(Guid network) => _due.UnionWith(state.Resources.FloatingIPsOfNetwork(network).Select(f => f.Uid));

    public void Put(VirtualMachineInterface endpoint)
    {
        foreach (var address in endpoint.Addresses)
        {
            var key = (endpoint.VirtualRouter, address);
            if (_holders.TryGetValue(key, out var former) && former.Id != endpoint.Id) dispatcher.Reassigned(endpoint.VirtualRouter, new VRouterEndpointHolder(address, endpoint.Uid));
            _holders[key] = (endpoint.Id, endpoint.Uid);
        }
    }

    /// <summary>It is gone, or has other addresses or another vRouter from now on.</summary>
    public void Removed(VirtualMachineInterface endpoint)
    {
        foreach (var address in endpoint.Addresses) _left.Enqueue(((endpoint.VirtualRouter, address), endpoint.Uid));
        while (_left.Count > MostRemembered)
        {
            var (key, uid) = _left.Dequeue();
            if (_holders.TryGetValue(key, out var holder) && holder.Uid == uid) _holders.Remove(key);
        }
    }

    public void Settle()
    {
        foreach (var uid in _due) dispatcher.SetAttachment(uid, Of(uid));
        _due.Clear();
    }

    private VRouterAttachment? Of(Guid uid)
    {
        if (state.Resources.TryGetFloatingIP(uid) is not { Reserved: true, Kind: FloatingIPKind.External } floatingIP) return null;
        if (floatingIP.ExternalNetwork is not { } id || state.Resources.ExternalNetwork(id) is not { } network) return null;
        var key = new VRouterAttachmentKey(network.RoutingInstance, floatingIP.Address);
        if (floatingIP.Service is { } service) return new VRouterAttachment(key, service, []);
        if (floatingIP.Interfaces.Count == 0) return new VRouterAttachment(key, null, []);
        var endpoints = state.Resources.AttachmentsOf(uid, floatingIP.Address.FamilyOf());
        // An interface that it names is gone: established flows to it go on, as they do when an endpoint leaves a Service.
        return endpoints.Count < floatingIP.Interfaces.Distinct().Count() ? null : new VRouterAttachment(key, null, endpoints.Select(e => e.Address).ToEquatableList());
    }
}
