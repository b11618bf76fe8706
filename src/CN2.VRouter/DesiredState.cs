using System.Net;
using CN2.Network.Collections;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Probes;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// The desired state of this node, built from the messages of the stream: a Snapshot replaces everything, a Delta changes what it names. A bad
/// entry never stops the others: it is left out and reported.
/// </summary>
/// <param name="own">The addresses of the <see cref="NodeFence"/> at first. As guarded FloatingIPs they would cut the node off from the network.</param>
public sealed partial class DesiredState(params IReadOnlyCollection<IPAddress> own)
{
    private readonly List<Items> _chunks = [];
    private readonly List<Delta> _parts = [];
    private readonly Dictionary<ItemKey, string> _faults = [];
    private readonly Dictionary<Guid, ProbeTarget> _probes = [];

    /// <summary>What is left out because of the fence, and how to judge it again when the fence changes.</summary>
    private readonly Dictionary<ItemKey, Action> _fenced = [];
    private IReadOnlySet<IPAddress> _own = own.ToHashSet();

    public DataplaneConfig Dataplane { get; } = new();

    public IReadOnlyDictionary<Guid, ProbeTarget> Probes => _probes;

    /// <summary>The revision of the last complete message; 0: none has arrived yet.</summary>
    public ulong Revision { get; private set; }

    /// <summary>What may differ from the state that was applied; null: anything.</summary>
    public DataplaneChange? Change { get; private set; } = new();

    public bool ProbesChanged { get; private set; }

    /// <summary>
    /// The items that are left out, and why. Each stays here until it is corrected or removed: a missing entry must not count as
    /// acknowledged because a later revision is good.
    /// </summary>
    public IReadOnlyDictionary<ItemKey, string> Faults => _faults;

    /// <summary>One sentence about <see cref="Faults"/>; null: there are none.</summary>
    public string? Fault => AppliedMessages.Summary(_faults, []);

    /// <summary>A new stream begins: forget an incomplete snapshot or delta.</summary>
    public void Reconnected()
    {
        _chunks.Clear();
        _parts.Clear();
    }

    /// <summary>Takes a message; false: there is nothing to apply yet.</summary>
    public bool Take(ServerMessage message)
    {
        switch (message.BodyCase)
        {
            case ServerMessage.BodyOneofCase.Snapshot:
                if (message.Snapshot.Items is { } chunk) _chunks.Add(chunk);
                if (!message.Snapshot.Last) return false;
                _parts.Clear();
                Replace();
                Revision = message.Snapshot.Revision;
                return true;
            case ServerMessage.BodyOneofCase.Delta:
                _parts.Add(message.Delta);
                if (message.Delta.More) return false;
                foreach (var part in _parts) Take(part);
                _parts.Clear();
                Revision = message.Delta.Revision;
                return true;
            default:
                return false;
        }
    }

    /// <summary>The whole state has been applied.</summary>
    public void MarkApplied() => Change = new DataplaneChange();

    /// <summary>What the data plane has refused is to be tried again.</summary>
    public void Retry(IEnumerable<VirtualRouterItem> refused)
    {
        if (Change is not { } change) return;
        foreach (var item in refused)
        {
            switch (item)
            {
                case VirtualRouterItem.NatEntry entry: change.NatEntries.Add(entry.Key); break;
                case VirtualRouterItem.FloatingIP floatingIP: change.FloatingIPs.Add(floatingIP.Address); break;
                case VirtualRouterItem.RoutingInstance instance: change.Overlay.RoutingInstances.Add(instance.Number); break;
                case VirtualRouterItem.VpnRoute route: change.Overlay.Routes.Add(route.Key); break;
            }
        }
    }

    /// <summary>A call has failed, so anything may differ from the kernel's state.</summary>
    public void Invalidate() => Change = null;

    public void ProbesTaken() => ProbesChanged = false;

    /// <summary>
    /// The addresses of the fence are others now: what collides with a new one is left out, and what collides with none any more is taken.
    /// </summary>
    public void Fence(IReadOnlySet<IPAddress> addresses)
    {
        var added = addresses.Except(_own).ToHashSet();
        _own = addresses;
        foreach (var (item, judge) in _fenced.ToList()) Try(item, judge);
        foreach (var entry in Dataplane.NatEntries.Values.Where(e => Collision(e, added) is not null).ToList())
        {
            var item = WireMapping.Item(new VirtualRouterItem.NatEntry(entry.Key));
            Try(item, () => Admit(item, entry));
        }

        foreach (var address in added.Where(Dataplane.FloatingIPs.Remove))
        {
            Change?.FloatingIPs.Add(address);
            var item = WireMapping.Item(new VirtualRouterItem.FloatingIP(address));
            Try(item, () => Admit(item, address, () => Put(address)));
        }
    }

    private void Replace()
    {
        Change = null;
        _fenced.Clear();
        ProbesChanged = true;
        _faults.Clear();
        Dataplane.NatEntries.Clear();
        Dataplane.FloatingIPs.Clear();
        Dataplane.Attachments.Clear();
        Dataplane.EndpointHolders.Clear();
        Dataplane.Carriers.Clear();
        Dataplane.Inside.Clear();
        Dataplane.Overlay.RoutingInstances.Clear();
        Dataplane.Overlay.Routes.Clear();
        _probes.Clear();
        var named = new HashSet<object>();
        foreach (var items in _chunks) Put(items, named);
        _chunks.Clear();
    }

    private void Take(Delta delta)
    {
        foreach (var key in delta.RemovedNatEntries)
        {
            TakeBack(new ItemKey { NatEntry = key }, () =>
            {
                var parsed = WireMapping.Key(key);
                Dataplane.NatEntries.Remove(parsed);
                Change?.NatEntries.Add(parsed);
            });
        }

        foreach (var bytes in delta.RemovedFloatingIps)
        {
            TakeBack(new ItemKey { FloatingIp = bytes }, () =>
            {
                var address = WireMapping.Address(bytes);
                Dataplane.FloatingIPs.Remove(address);
                Change?.FloatingIPs.Add(address);
            });
        }

        foreach (var uid in delta.RemovedProbes)
        {
            ProbesChanged = true;
            TakeBack(new ItemKey { Probe = uid }, () => _probes.Remove(WireMapping.Uid(uid)));
        }

        foreach (var key in delta.RemovedVpnRoutes) TakeBack(new ItemKey { VpnRoute = key }, () => RemoveRoute(WireMapping.RouteKey(key)));
        foreach (var number in delta.RemovedRoutingInstances) TakeBack(new ItemKey { RoutingInstance = number }, () => RemoveInstance(number));
        RemoveFlowOwners(delta);
        RemoveCarriers(delta);
        RemoveInside(delta);
        if (delta.Put is { } put) Put(put, []);
    }

    /// <param name="named">The keys that the same message has named already: a key that comes twice counts once.</param>
    private void Put(Items items, HashSet<object> named)
    {
        foreach (var message in items.NatEntries)
        {
            var item = new ItemKey { NatEntry = message.Key ?? new NatEntryKey() };
            Try(item, () =>
            {
                var natEntry = WireMapping.NatEntry(message);
                if (!named.Add(natEntry.Key)) throw new FormatException($"the entry {natEntry.Key} is given twice; the first counts");
                Admit(item, natEntry);
            });
        }

        foreach (var bytes in items.FloatingIps)
        {
            var item = new ItemKey { FloatingIp = bytes };
            Try(item, () =>
            {
                var address = WireMapping.HostAddress(bytes);
                Admit(item, address, () => Put(address));
            });
        }

        PutFlowOwners(items);
        PutCarriers(items);
        PutInside(items);
        PutOverlay(items, named);
        foreach (var message in items.Probes)
        {
            ProbesChanged = true;
            Try(new ItemKey { Probe = message.Uid }, () =>
            {
                var probe = WireMapping.Probe(message);
                if (!named.Add(probe.Uid)) throw new FormatException($"the probe of {probe.Uid} is given twice; the first counts");
                _probes[probe.Uid] = probe;
            });
        }
    }

    private void PutOverlay(Items items, HashSet<object> named)
    {
        var overlay = Dataplane.Overlay;
        foreach (var message in items.RoutingInstances)
        {
            Try(new ItemKey { RoutingInstance = message.Number }, () =>
            {
                var instance = WireMapping.Instance(message);
                if (!named.Add(instance.Number)) throw new FormatException($"RoutingInstance {instance.Number} is given twice; the first counts");
                foreach (var (number, label) in overlay.RoutingInstances)
                {
                    // With equal labels the RoutingInstance of an arriving packet would be unknown.
                    if (label == instance.Label && number != instance.Number)
                        throw new FormatException($"the label {label} of RoutingInstance {instance.Number} is that of RoutingInstance {number} too");
                }

                overlay.RoutingInstances[instance.Number] = instance.Label;
                Change?.Overlay.RoutingInstances.Add(instance.Number);
            });
        }

        foreach (var message in items.VpnRoutes)
        {
            Try(new ItemKey { VpnRoute = message.Key ?? new VpnRouteKey() }, () =>
            {
                var route = WireMapping.Route(message);
                if (!named.Add(route.Key)) throw new FormatException($"the route to {route.Key.Prefix} in RoutingInstance {route.Key.RoutingInstance} is given twice; the first counts");
                overlay.Routes[route.Key] = route.Paths;
                Change?.Overlay.Routes.Add(route.Key);
            });
        }
    }

    private void RemoveInstance(uint message)
    {
        foreach (var fault in _faults.Keys.Where(k => k.VpnRoute?.RoutingInstance == message).ToList()) _faults.Remove(fault);
        var number = WireMapping.InstanceNumber(message);
        Dataplane.Overlay.RoutingInstances.Remove(number);
        Change?.Overlay.RoutingInstances.Add(number);
        foreach (var key in Dataplane.Overlay.Routes.Keys.Where(k => k.RoutingInstance == number).ToList()) RemoveRoute(key);
    }

    private void RemoveRoute(Network.Overlay.VpnRouteKey key)
    {
        Dataplane.Overlay.Routes.Remove(key);
        Change?.Overlay.Routes.Add(key);
    }

    private void Put(DataplaneNatEntry entry)
    {
        Dataplane.NatEntries[entry.Key] = entry;
        Change?.NatEntries.Add(entry.Key);
    }

    private void Put(IPAddress floatingIP)
    {
        Dataplane.FloatingIPs.Add(floatingIP);
        Change?.FloatingIPs.Add(floatingIP);
    }

    private void Admit(ItemKey item, DataplaneNatEntry entry)
    {
        if (Collision(entry, _own) is not { } fault)
        {
            Put(entry);
            return;
        }

        // The entry that was in force before it must not stay: its endpoints are not those that are wanted now.
        if (Dataplane.NatEntries.Remove(entry.Key)) Change?.NatEntries.Add(entry.Key);
        _fenced[item] = () => Admit(item, entry);
        throw new FormatException(fault);
    }

    /// <summary>
    /// Why the entry cannot be in force while the node has these addresses; null: it can. An endpoint here with an address of the node would publish
    /// the node's own services.
    /// </summary>
    private static string? Collision(DataplaneNatEntry entry, IReadOnlySet<IPAddress> addresses)
    {
        if (entry.Key is { Address: { } address, RoutingInstance: 0 } && addresses.Contains(address)) return $"{address} is an address of this node or of its server and no FloatingIP";
        foreach (var backends in (EquatableList<DataplaneBackend>[])[entry.Backends, entry.Draining])
        {
            foreach (var backend in backends)
                if (backend.Local && addresses.Contains(backend.Address)) return NodeFence.NoEndpoint(backend.Address);
        }

        return null;
    }

    private void Admit(ItemKey item, IPAddress address, Action take)
    {
        if (!_own.Contains(address))
        {
            take();
            return;
        }

        _fenced[item] = () => Admit(item, address, take);
        throw new FormatException($"{address} is an address of this node or of its server and no FloatingIP");
    }

    private void Try(ItemKey what, Action take)
    {
        try
        {
            _faults.Remove(what);
            _fenced.Remove(what);
            take();
        }
        catch (FormatException e)
        {
            _faults[what] = e.Message;
        }
    }

    /// <summary>An invalid entry was left out when it arrived, so only its fault must be removed.</summary>
    private void TakeBack(ItemKey what, Action remove)
    {
        Try(what, remove);
        _faults.Remove(what);
        _fenced.Remove(what);
    }
}
