using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// All resources that shape packets or routes, in memory. Indices keep the cost of a change in proportion to what it touches: a change marks
/// the owners whose result may differ, and only these are compiled again. An owner is a Service, or a FloatingIP attached directly to
/// endpoints. Mutable and for one thread. A reference may name a resource that does not exist; resources may arrive in any order and any
/// number of times.
/// </summary>
public sealed class NetworkState(ServiceDistribution distribution = ServiceDistribution.All)
{
    private readonly SharedParts _parts = new();

    private readonly Dictionary<Guid, ServiceEntry> _services = [];
    private readonly Dictionary<Guid, FloatingIP> _floatingIPs = [];
    private readonly Dictionary<Guid, ExternalNetwork> _networks = [];
    private readonly Dictionary<Guid, VirtualMachineInterface> _interfaces = [];
    private readonly Dictionary<Guid, VirtualRouter> _virtualRouters = [];
    private readonly Dictionary<Guid, ServiceHealthCheck> _healthChecks = [];

    // A Service is indexed under one pair of its selector, an endpoint under each of its labels.
    private readonly MultiMap<LabelPair, ServiceEntry> _servicesByPair = new();
    private readonly MultiMap<NodePort, ServiceEntry> _servicesByNodePort = new();
    private readonly MultiMap<LabelPair, VirtualMachineInterface> _interfacesByPair = new();
    private readonly MultiMap<NamespacedName, VirtualMachineInterface> _interfacesByName = new();
    private readonly MultiMap<string, VirtualMachineInterface> _interfacesByVirtualRouter = new(StringComparer.Ordinal);
    private readonly MultiMap<NamespacedName, VirtualMachineInterface> _interfacesByHealthCheck = new();
    private readonly MultiMap<Guid, FloatingIP> _floatingIPsByService = new();
    private readonly MultiMap<Guid, FloatingIP> _floatingIPsByNetwork = new();
    private readonly MultiMap<IPAddress, FloatingIP> _floatingIPsByAddress = new();
    private readonly MultiMap<NamespacedName, FloatingIP> _floatingIPsByInterface = new();
    private readonly MultiMap<string, VirtualRouter> _virtualRoutersByName = new(StringComparer.Ordinal);
    private readonly MultiMap<NamespacedName, ServiceHealthCheck> _healthChecksByName = new();

    /// <summary>Null: Services are distributed to all vRouters.</summary>
    private readonly NamespacePlaces? _places = distribution == ServiceDistribution.Namespace ? new NamespacePlaces() : null;

    /// <summary>Only with <see cref="_places"/>.</summary>
    private readonly MultiMap<string, ServiceEntry> _servicesByNamespace = new(StringComparer.Ordinal);

    private HashSet<Guid> _dirtyOwners = [];
    private HashSet<Guid> _dirtyInterfaces = [];

    public IEnumerable<Service> Services => _services.Values.Select(s => s.Service);

    public int ServiceCount => _services.Count;

    public IReadOnlyCollection<FloatingIP> FloatingIPs => _floatingIPs.Values;

    public IReadOnlyCollection<ExternalNetwork> ExternalNetworks => _networks.Values;

    public IReadOnlyCollection<VirtualMachineInterface> VirtualMachineInterfaces => _interfaces.Values;

    public IReadOnlyCollection<VirtualRouter> VirtualRouters => _virtualRouters.Values;

    public IReadOnlyCollection<ServiceHealthCheck> ServiceHealthChecks => _healthChecks.Values;

    public Service? TryGetService(Guid uid) => _services.TryGetValue(uid, out var entry) ? entry.Service : null;

    public FloatingIP? TryGetFloatingIP(Guid uid) => _floatingIPs.GetValueOrDefault(uid);

    public ExternalNetwork? ExternalNetwork(Guid uid) => _networks.GetValueOrDefault(uid);

    public VirtualMachineInterface? TryGetVirtualMachineInterface(Guid uid) => _interfaces.GetValueOrDefault(uid);

    public VirtualRouter? TryGetVirtualRouter(Guid uid) => _virtualRouters.GetValueOrDefault(uid);

    public VirtualRouter? VirtualRouter(string name)
    {
        // Two resources have one name only while a replacement arrives before the removal. The younger one (UUIDv7) counts, in any order.
        VirtualRouter? found = null;
        foreach (var candidate in _virtualRoutersByName[name])
            if (found is null || candidate.Uid.CompareTo(found.Uid) > 0) found = candidate;
        return found;
    }

    /// <summary>The FloatingIPs that a Service holds, by name. FloatingIPs that are being deleted are included.</summary>
    public IReadOnlyList<FloatingIP> FloatingIPsOf(Guid service) => Sorted(_floatingIPsByService[service], static f => f.Id);

    /// <summary>The FloatingIPs with this address, in no particular order: several networks in the overlay may have the same one.</summary>
    public IReadOnlyList<FloatingIP> FloatingIPsAt(IPAddress address) => Listed(_floatingIPsByAddress[address]);

    /// <summary>The FloatingIPs of the networks with this RoutingInstance, in no particular order.</summary>
    public IEnumerable<FloatingIP> FloatingIPsInRoutingInstance(int routingInstance) =>
        _networks.Values.Where(n => n.RoutingInstance == routingInstance).SelectMany(n => FloatingIPsOfNetwork(n.Uid));

    /// <summary>The Services with this node port, in no particular order. There are two only while it passes from one to the other.</summary>
    public IReadOnlyList<Service> ServicesAt(TransportProtocol protocol, ushort nodePort) =>
        Listed(_servicesByNodePort[new NodePort(protocol, nodePort)]).ConvertAll(static e => e.Service);

    /// <summary>The FloatingIPs allocated from a network, in no particular order.</summary>
    public IReadOnlyList<FloatingIP> FloatingIPsOfNetwork(Guid network) => Listed(_floatingIPsByNetwork[network]);

    /// <summary>So many Services and FloatingIPs will be put: tables that grew with them, by doubling, would leave as much garbage as they take.</summary>
    public void MakeRoomFor(int services, int floatingIPs)
    {
        _services.EnsureCapacity(services);
        _floatingIPs.EnsureCapacity(floatingIPs);
        _floatingIPsByService.MakeRoomFor(services);
        _floatingIPsByAddress.MakeRoomFor(floatingIPs);
        _dirtyOwners.EnsureCapacity(services);
    }

    public void Put(Service service)
    {
        if (service.Selector is not LabelSet) service = service with { Selector = LabelSet.Of(service.Selector) };
        if (_services.TryGetValue(service.Uid, out var entry))
        {
            if (entry.Service == service) return;
            var sameSelector = entry.Service.Selector.Equals(service.Selector)
                && string.Equals(entry.Service.Id.Namespace, service.Id.Namespace, StringComparison.Ordinal);
            var samePorts = entry.Service.Ports.SequenceEqual(service.Ports);
            if (!sameSelector) Unindex(entry);
            if (!samePorts) UnindexPorts(entry);
            entry.Service = service;
            if (!sameSelector) Index(entry);
            if (!samePorts) IndexPorts(entry);
        }
        else
        {
            entry = new ServiceEntry(service);
            _services.Add(service.Uid, entry);
            Index(entry);
            IndexPorts(entry);
        }

        _dirtyOwners.Add(service.Uid);
    }

    public void RemoveService(Guid uid)
    {
        if (!_services.Remove(uid, out var entry)) return;
        Unindex(entry);
        UnindexPorts(entry);
        _dirtyOwners.Add(uid);
    }

    public void Put(FloatingIP floatingIP)
    {
        if (_floatingIPs.TryGetValue(floatingIP.Uid, out var old))
        {
            if (old == floatingIP) return;
            Unindex(old);
            MarkOwner(old);
        }

        _floatingIPs[floatingIP.Uid] = floatingIP;
        if (floatingIP.Service is { } service) _floatingIPsByService.Add(service, floatingIP);
        if (floatingIP.ExternalNetwork is { } network) _floatingIPsByNetwork.Add(network, floatingIP);
        _floatingIPsByAddress.Add(floatingIP.Address, floatingIP);
        foreach (var name in floatingIP.Interfaces) _floatingIPsByInterface.Add(new(floatingIP.Id.Namespace, name), floatingIP);
        MarkOwner(floatingIP);
    }

    public void RemoveFloatingIP(Guid uid)
    {
        if (!_floatingIPs.Remove(uid, out var old)) return;
        Unindex(old);
        MarkOwner(old);
    }

    public void Put(ExternalNetwork network)
    {
        if (_networks.TryGetValue(network.Uid, out var old) && old == network) return;
        _networks[network.Uid] = network;
        MarkOwnersOfNetwork(network.Uid);
    }

    public void RemoveExternalNetwork(Guid uid)
    {
        if (_networks.Remove(uid)) MarkOwnersOfNetwork(uid);
    }

    public void Put(VirtualMachineInterface endpoint)
    {
        if (endpoint.Labels is not LabelSet) endpoint = endpoint with { Labels = LabelSet.Of(endpoint.Labels) };
        if (_interfaces.TryGetValue(endpoint.Uid, out var old))
        {
            if (old.HealthCheck is not null || endpoint.HealthCheck is not null) _dirtyInterfaces.Add(endpoint.Uid);
            if (old == endpoint) return;
            var before = OwnersOf(old);
            Unindex(old);
            Index(endpoint);
            var after = OwnersOf(endpoint);

            // Only the labels changed: an owner that chose the endpoint before and still does sees no difference.
            if (old with { Labels = endpoint.Labels } == endpoint) before.SymmetricExceptWith(after);
            else before.UnionWith(after);
            _dirtyOwners.UnionWith(before);
            return;
        }

        Index(endpoint);
        if (endpoint.HealthCheck is not null) _dirtyInterfaces.Add(endpoint.Uid);
        _dirtyOwners.UnionWith(OwnersOf(endpoint));
    }

    public void RemoveVirtualMachineInterface(Guid uid)
    {
        if (!_interfaces.TryGetValue(uid, out var old)) return;
        _dirtyOwners.UnionWith(OwnersOf(old));
        if (old.HealthCheck is not null) _dirtyInterfaces.Add(uid);
        Unindex(old);
    }

    public void Put(VirtualRouter virtualRouter)
    {
        if (_virtualRouters.TryGetValue(virtualRouter.Uid, out var old))
        {
            if (old == virtualRouter) return;
            _virtualRoutersByName.Remove(old.Name, old);
            MarkOwnersOnVirtualRouter(old.Name);
        }

        _virtualRouters[virtualRouter.Uid] = virtualRouter;
        _virtualRoutersByName.Add(virtualRouter.Name, virtualRouter);
        MarkOwnersOnVirtualRouter(virtualRouter.Name);
    }

    public void RemoveVirtualRouter(Guid uid)
    {
        if (!_virtualRouters.Remove(uid, out var old)) return;
        _virtualRoutersByName.Remove(old.Name, old);
        MarkOwnersOnVirtualRouter(old.Name);
    }

    public void Put(ServiceHealthCheck check)
    {
        if (_healthChecks.TryGetValue(check.Uid, out var old))
        {
            if (old == check) return;
            if (old.Id != check.Id) RemoveServiceHealthCheck(check.Uid);
            else _healthChecksByName.Remove(old.Id, old);
        }

        // Owners only depend on the existence of the check. Its parameters concern the probes of its endpoints alone.
        var appears = old?.Id != check.Id && _healthChecksByName.CountOf(check.Id) == 0;
        _healthChecks[check.Uid] = check;
        _healthChecksByName.Add(check.Id, check);
        MarkHealthCheck(check.Id, owners: appears);
    }

    public void RemoveServiceHealthCheck(Guid uid)
    {
        if (!_healthChecks.Remove(uid, out var old)) return;
        _healthChecksByName.Remove(old.Id, old);
        MarkHealthCheck(old.Id, owners: _healthChecksByName.CountOf(old.Id) == 0);
    }

    /// <summary>Owners whose result may have changed since the last call, removed ones included.</summary>
    public IReadOnlyCollection<Guid> TakeDirtyOwners()
    {
        foreach (var ns in _places?.TakeChanged() ?? []) MarkOwnersOfClusterIPs(ns);
        if (_dirtyOwners.Count == 0) return [];
        var taken = _dirtyOwners;
        _dirtyOwners = [];
        return taken;
    }

    /// <summary>
    /// Endpoints whose <see cref="ProbeOf"/> may have changed since the last call, removed ones included. An endpoint that is put unchanged
    /// counts too: a probe result cannot be saved while the endpoint is on another vRouter, so the probe has to report it again.
    /// </summary>
    public IReadOnlyCollection<Guid> TakeDirtyInterfaces()
    {
        if (_dirtyInterfaces.Count == 0) return [];
        var taken = _dirtyInterfaces;
        _dirtyInterfaces = [];
        return taken;
    }

    /// <summary>
    /// The result for one owner; null when the owner does not exist (any more), or is a FloatingIP that is not attached directly.
    /// A Service always has a result, because its endpoints are counted.
    /// </summary>
    public CompiledOwner? Compile(Guid owner)
    {
        if (_services.TryGetValue(owner, out var entry))
            return NetworkCompiler.CompileService(entry.Service, FloatingIPsOf(owner), EndpointsOf(entry), _networks.GetValueOrDefault, _places?.Of(entry.Service.Id.Namespace), _parts);
        if (_floatingIPs.TryGetValue(owner, out var floatingIP) && IsOwner(floatingIP))
            return NetworkCompiler.CompileFloatingIP(floatingIP, EndpointsOf(floatingIP), _networks.GetValueOrDefault, _parts);
        return null;
    }

    /// <summary>
    /// The endpoints of an owner by name, for statuses: with their address of <paramref name="family"/> (endpoints without such an address
    /// are left out), or without a family with their IPv4 address, else their IPv6 address.
    /// </summary>
    public IReadOnlyList<Attachment> AttachmentsOf(Guid owner, IPFamily? family = null)
    {
        List<ChosenEndpoint> endpoints;
        if (_services.TryGetValue(owner, out var entry)) endpoints = EndpointsOf(entry);
        else if (_floatingIPs.TryGetValue(owner, out var floatingIP) && IsOwner(floatingIP)) endpoints = EndpointsOf(floatingIP);
        else return [];

        var result = new List<Attachment>(endpoints.Count);
        foreach (var endpoint in endpoints)
        {
            var address = family is { } wanted
                ? endpoint.AddressOf(wanted)
                : endpoint.AddressOf(IPFamily.IPv4) ?? endpoint.AddressOf(IPFamily.IPv6);
            if (address is null) continue;
            var endpointInterface = endpoint.Interface;
            result.Add(new Attachment(
                endpointInterface.Uid, endpointInterface.Id.Name, endpointInterface.VirtualRouter, address, endpoint.TakesNewFlows));
        }

        result.Sort(static (a, b) =>
        {
            var order = string.CompareOrdinal(a.VirtualMachineInterface, b.VirtualMachineInterface);
            return order != 0 ? order : a.Uid.CompareTo(b.Uid);
        });
        return result;
    }

    /// <summary>
    /// The probe of an endpoint; null when the endpoint is gone, names no health check or names one that does not exist. The vRouter need not
    /// exist.
    /// </summary>
    public Probe? ProbeOf(Guid virtualMachineInterface)
    {
        if (!_interfaces.TryGetValue(virtualMachineInterface, out var endpoint) || endpoint is not { HealthCheck: { } name, HasInfrastructureAddress: false }) return null;
        if (HealthCheck(new NamespacedName(endpoint.Id.Namespace, name)) is not { } check) return null;
        var chosen = new ChosenEndpoint(endpoint, null, true);
        return (chosen.AddressOf(IPFamily.IPv4) ?? chosen.AddressOf(IPFamily.IPv6)) is { } address
            ? new Probe(endpoint.Uid, endpoint.VirtualRouter, address, check, endpoint.Health)
            : null;
    }

    private static bool IsOwner(FloatingIP floatingIP) => floatingIP is { Service: null, Interfaces.Count: > 0 };

    private static List<T> Sorted<T>(Bag<T> bag, Func<T, NamespacedName> id)
        where T : class
    {
        var result = Listed(bag);
        if (result.Count > 1) result.Sort((a, b) => id(a).CompareTo(id(b)));
        return result;
    }

    private static List<T> Listed<T>(Bag<T> bag)
        where T : class
    {
        var result = new List<T>(bag.Count);
        foreach (var item in bag) result.Add(item);
        return result;
    }

    private ServiceHealthCheck? HealthCheck(NamespacedName id)
    {
        ServiceHealthCheck? found = null;
        foreach (var candidate in _healthChecksByName[id])
            if (found is null || candidate.Uid.CompareTo(found.Uid) > 0) found = candidate;
        return found;
    }

    private VirtualMachineInterface? Interface(NamespacedName id)
    {
        VirtualMachineInterface? found = null;
        foreach (var candidate in _interfacesByName[id])
            if (found is null || candidate.Uid.CompareTo(found.Uid) > 0) found = candidate;
        return found;
    }

    private ChosenEndpoint Chosen(VirtualMachineInterface endpoint) => new(
        endpoint,
        VirtualRouter(endpoint.VirtualRouter),
        endpoint.HealthCheck is { } check && _healthChecksByName.CountOf(new NamespacedName(endpoint.Id.Namespace, check)) > 0);

    private List<ChosenEndpoint> EndpointsOf(ServiceEntry entry)
    {
        var selector = (LabelSet)entry.Service.Selector;
        if (selector.Count == 0) return [];

        // Start with the pair that the fewest endpoints have.
        var fewest = int.MaxValue;
        LabelPair rarest = default;
        foreach (var (key, value) in selector.Pairs)
        {
            var pair = new LabelPair(entry.Service.Id.Namespace, key, value);
            var count = _interfacesByPair.CountOf(pair);
            if (count >= fewest) continue;
            fewest = count;
            rarest = pair;
        }

        var result = new List<ChosenEndpoint>(fewest);
        foreach (var endpoint in _interfacesByPair[rarest])
            if (((LabelSet)endpoint.Labels).Contains(selector)) result.Add(Chosen(endpoint));
        return result;
    }

    private List<ChosenEndpoint> EndpointsOf(FloatingIP floatingIP)
    {
        var result = new List<ChosenEndpoint>(floatingIP.Interfaces.Count);
        foreach (var name in floatingIP.Interfaces.Distinct(StringComparer.Ordinal))
            if (Interface(new NamespacedName(floatingIP.Id.Namespace, name)) is { } endpoint) result.Add(Chosen(endpoint));
        return result;
    }

    private HashSet<Guid> OwnersOf(VirtualMachineInterface endpoint)
    {
        var owners = new HashSet<Guid>();
        var labels = (LabelSet)endpoint.Labels;
        foreach (var (key, value) in labels.Pairs)
        {
            foreach (var entry in _servicesByPair[new LabelPair(endpoint.Id.Namespace, key, value)])
                if (labels.Contains((LabelSet)entry.Service.Selector)) owners.Add(entry.Service.Uid);
        }

        foreach (var floatingIP in _floatingIPsByInterface[endpoint.Id])
            if (IsOwner(floatingIP)) owners.Add(floatingIP.Uid);
        return owners;
    }

    private void MarkOwner(FloatingIP floatingIP)
    {
        if (floatingIP.Service is { } service) _dirtyOwners.Add(service);
        else if (IsOwner(floatingIP)) _dirtyOwners.Add(floatingIP.Uid);
    }

    private void MarkOwnersOfNetwork(Guid network)
    {
        foreach (var floatingIP in _floatingIPsByNetwork[network]) MarkOwner(floatingIP);
    }

    private void MarkOwnersOnVirtualRouter(string name)
    {
        foreach (var endpoint in _interfacesByVirtualRouter[name]) _dirtyOwners.UnionWith(OwnersOf(endpoint));
    }

    private void MarkOwnersOfClusterIPs(string ns)
    {
        foreach (var entry in _servicesByNamespace[ns])
        {
            foreach (var floatingIP in _floatingIPsByService[entry.Service.Uid])
            {
                if (floatingIP.Kind == FloatingIPKind.ClusterIP) _dirtyOwners.Add(entry.Service.Uid);
            }
        }
    }

    private void MarkHealthCheck(NamespacedName id, bool owners)
    {
        foreach (var endpoint in _interfacesByHealthCheck[id])
        {
            _dirtyInterfaces.Add(endpoint.Uid);
            if (owners) _dirtyOwners.UnionWith(OwnersOf(endpoint));
        }
    }

    private void Index(ServiceEntry entry)
    {
        // Use the pair with the fewest Services, so that a pair common to thousands does not collect them all.
        var fewest = int.MaxValue;
        entry.IndexedUnder = null;
        foreach (var (key, value) in ((LabelSet)entry.Service.Selector).Pairs)
        {
            var pair = new LabelPair(entry.Service.Id.Namespace, key, value);
            var count = _servicesByPair.CountOf(pair);
            if (count >= fewest) continue;
            fewest = count;
            entry.IndexedUnder = pair;
        }

        if (entry.IndexedUnder is { } chosen) _servicesByPair.Add(chosen, entry);
        if (_places is not null) _servicesByNamespace.Add(entry.Service.Id.Namespace, entry);
    }

    private void Unindex(ServiceEntry entry)
    {
        if (entry.IndexedUnder is { } pair) _servicesByPair.Remove(pair, entry);
        _servicesByNamespace.Remove(entry.Service.Id.Namespace, entry);
    }

    private void IndexPorts(ServiceEntry entry)
    {
        foreach (var port in NodePort.Of(entry.Service)) _servicesByNodePort.Add(port, entry);
    }

    private void UnindexPorts(ServiceEntry entry)
    {
        foreach (var port in NodePort.Of(entry.Service)) _servicesByNodePort.Remove(port, entry);
    }

    private void Unindex(FloatingIP floatingIP)
    {
        if (floatingIP.Service is { } service) _floatingIPsByService.Remove(service, floatingIP);
        if (floatingIP.ExternalNetwork is { } network) _floatingIPsByNetwork.Remove(network, floatingIP);
        _floatingIPsByAddress.Remove(floatingIP.Address, floatingIP);
        foreach (var name in floatingIP.Interfaces) _floatingIPsByInterface.Remove(new(floatingIP.Id.Namespace, name), floatingIP);
    }

    private void Index(VirtualMachineInterface endpoint)
    {
        _interfaces[endpoint.Uid] = endpoint;
        _interfacesByName.Add(endpoint.Id, endpoint);
        _interfacesByVirtualRouter.Add(endpoint.VirtualRouter, endpoint);
        _places?.Add(endpoint.Id.Namespace, endpoint.VirtualRouter);
        if (endpoint.HealthCheck is { } check) _interfacesByHealthCheck.Add(new(endpoint.Id.Namespace, check), endpoint);
        foreach (var (key, value) in ((LabelSet)endpoint.Labels).Pairs)
            _interfacesByPair.Add(new LabelPair(endpoint.Id.Namespace, key, value), endpoint);
    }

    private void Unindex(VirtualMachineInterface endpoint)
    {
        _interfaces.Remove(endpoint.Uid);
        _interfacesByName.Remove(endpoint.Id, endpoint);
        _interfacesByVirtualRouter.Remove(endpoint.VirtualRouter, endpoint);
        _places?.Remove(endpoint.Id.Namespace, endpoint.VirtualRouter);
        if (endpoint.HealthCheck is { } check) _interfacesByHealthCheck.Remove(new(endpoint.Id.Namespace, check), endpoint);
        foreach (var (key, value) in ((LabelSet)endpoint.Labels).Pairs)
            _interfacesByPair.Remove(new LabelPair(endpoint.Id.Namespace, key, value), endpoint);
    }

    private readonly record struct NodePort(TransportProtocol Protocol, ushort Number)
    {
        /// <summary>Each once; a port without a node port has none.</summary>
        public static IEnumerable<NodePort> Of(Service service) =>
            service.Ports.Where(p => p.NodePort != 0).Select(p => new NodePort(p.Protocol, p.NodePort)).Distinct();
    }

    private readonly record struct LabelPair(string Namespace, string Key, string Value);

    private sealed class ServiceEntry(Service service)
    {
        public Service Service { get; set; } = service;

        public LabelPair? IndexedUnder { get; set; }
    }
}
