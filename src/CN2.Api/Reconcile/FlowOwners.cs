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

    /// <summary>Who has an address on a vRouter, or had it last. By name: one that is deleted and made anew is the same VirtualMachineInterface (docs/contract.md §2).</summary>
    private readonly Dictionary<(string VirtualRouter, IPAddress Address), Holder> _holders = [];

    /// <summary>Who had an address last, on whichever vRouter, and has left it.</summary>
    private readonly Dictionary<IPAddress, Holder> _former = [];

    private readonly AddressPlaces _places = new();

    /// <summary>Who has left an address on a vRouter while somebody else had it on another one, since the last <see cref="Settle"/>.</summary>
    private readonly List<((string VirtualRouter, IPAddress Address) Key, NamespacedName Id)> _leftToOthers = [];
    private readonly Queue<((string VirtualRouter, IPAddress Address) Key, Guid Uid)> _left = [];

    /// <summary>
    /// VirtualMachineInterfaces that were read and are not looked at yet. One reading may have those that come to an address before those that leave it.
    /// </summary>
    private readonly Dictionary<Guid, VirtualMachineInterface> _arrived = [];

    /// <summary>The FloatingIP, or an endpoint that it is attached to, may be another one than before.</summary>
    public void Changed(Guid floatingIP) => _due.Add(floatingIP);

    /// <summary>The network moves between underlay and overlay.</summary>
    public void ForwardingChanged(Guid network) => _due.UnionWith(state.Resources.FloatingIPsOfNetwork(network).Select(f => f.Uid));

    public void Put(VirtualMachineInterface endpoint) => _arrived[endpoint.Uid] = endpoint;

    /// <summary>It is gone, or has other addresses or another vRouter from now on.</summary>
    public void Removed(VirtualMachineInterface endpoint)
    {
        _arrived.Remove(endpoint.Uid);
        foreach (var address in endpoint.Addresses)
        {
            var key = (endpoint.VirtualRouter, address);
            if (_holders.GetValueOrDefault(key) is { IsPresent: true } holder && holder.Uid == endpoint.Uid)
            {
                _holders[key] = _former[address] = holder with { IsPresent = false };
                _places.Remove(address, endpoint.VirtualRouter);
                if (_places.IsElsewhere(address, endpoint.VirtualRouter)) _leftToOthers.Add((key, endpoint.Id));
            }

            _left.Enqueue((key, endpoint.Uid));
        }

        while (_left.Count > MostRemembered)
        {
            var (key, uid) = _left.Dequeue();
            if (_holders.GetValueOrDefault(key) is { IsPresent: false } holder && holder.Uid == uid) _holders.Remove(key);
            if (_former.GetValueOrDefault(key.Address) is { } former && former.Uid == uid) _former.Remove(key.Address);
        }
    }

    public void Settle()
    {
        foreach (var endpoint in _arrived.Values) Arrive(endpoint);
        _arrived.Clear();
        _arrived.GiveBackRoom();
        foreach (var (key, id) in _leftToOthers) LeaveTo(key, id);
        _leftToOthers.Clear();
        foreach (var uid in _due) dispatcher.SetAttachment(uid, Of(uid));
        _due.Clear();
        _due.GiveBackRoom();
    }

    private void Arrive(VirtualMachineInterface endpoint)
    {
        foreach (var address in endpoint.Addresses)
        {
            var key = (endpoint.VirtualRouter, address);
            var had = _holders.GetValueOrDefault(key);
            _holders[key] = new(endpoint.Id, endpoint.Uid, IsPresent: true);
            _places.Add(address, endpoint.VirtualRouter);
            // An address that several vRouters have at a time is a different one on each, and unknown to the others.
            var isLocal = _places.IsElsewhere(address, endpoint.VirtualRouter);
            var former = had is { IsPresent: true } || isLocal ? had : _former.GetValueOrDefault(address) ?? had;
            if (former is null || former.Id == endpoint.Id) continue;
            var holder = new VRouterEndpointHolder(address, endpoint.Uid);
            if (isLocal) dispatcher.Reassigned(endpoint.VirtualRouter, holder);
            else dispatcher.Reassigned(holder);
        }
    }

    /// <summary>
    /// Make before break: somebody else was given the address on another vRouter before this one left it. Only the vRouter that it left is told: whether the two addresses were ever the
    /// same one is not known, and the other vRouters may have flows to the one that stays.
    /// </summary>
    private void LeaveTo((string VirtualRouter, IPAddress Address) key, NamespacedName id)
    {
        if (_holders.GetValueOrDefault(key) is not { IsPresent: false } || _places.OnlyOf(key.Address) is not { } elsewhere) return;
        if (_holders.GetValueOrDefault((elsewhere, key.Address)) is not { } holder || holder.Id == id) return;
        // It counts as the last one here, so that the former one is another one when it is made anew.
        _holders[key] = holder with { IsPresent = false };
        _left.Enqueue((key, holder.Uid));
        dispatcher.Reassigned(key.VirtualRouter, new VRouterEndpointHolder(key.Address, holder.Uid));
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

    private sealed record Holder(NamespacedName Id, Guid Uid, bool IsPresent);
}
