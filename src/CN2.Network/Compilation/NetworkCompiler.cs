using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// Compiles resources to NAT entries and BGP routes (docs/contract.md §3 to §5). Pure: the same resources in any order give an equal result.
/// A part that cannot be served becomes a <see cref="CompilationProblem"/>; the rest is still compiled.
/// </summary>
public static class NetworkCompiler
{
    /// <summary>
    /// A Service with the FloatingIPs that it holds and the endpoints that its selector chose. A Service or FloatingIP that is being deleted
    /// asks for nothing; the <see cref="Sequencing.RouteSequencer"/> keeps the old entries until the routes are withdrawn.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="floatingIPs">Its FloatingIPs, cluster IPs included.</param>
    /// <param name="endpoints">Its endpoints.</param>
    /// <param name="network">The ExternalNetwork of a uid; null when it is not known.</param>
    /// <param name="clusterIPsOn">The vRouters that get the cluster IPs (<see cref="NatEntry.OnlyOn"/>); null: all.</param>
    /// <param name="parts">What the results of one caller share; null: nothing.</param>
    public static CompiledOwner CompileService(
        Service service,
        IReadOnlyCollection<FloatingIP> floatingIPs,
        IReadOnlyCollection<ChosenEndpoint> endpoints,
        Func<Guid, ExternalNetwork?> network,
        EquatableList<string>? clusterIPsOn = null,
        SharedParts? parts = null)
    {
        var compilation = new Compilation(endpoints, service.Ports.Count, parts);
        if (!service.Deleting)
        {
            var affinity = service.SessionAffinity == SessionAffinity.ClientIP;
            bool v4 = false, v6 = false;
            foreach (var floatingIP in floatingIPs)
            {
                if (floatingIP.Deleting) continue;
                var family = floatingIP.Address.FamilyOf();
                v4 |= family == IPFamily.IPv4;
                v6 |= family == IPFamily.IPv6;
                AddServiceFloatingIP(compilation, service, floatingIP, family, affinity, network, clusterIPsOn);
            }

            if (v4) AddNodePorts(compilation, service, IPFamily.IPv4, affinity);
            if (v6) AddNodePorts(compilation, service, IPFamily.IPv6, affinity);
        }

        return compilation.Result(service.Uid);
    }

    /// <summary>A FloatingIP attached directly to endpoints; <paramref name="endpoints"/> are the interfaces of it that exist.</summary>
    public static CompiledOwner CompileFloatingIP(
        FloatingIP floatingIP,
        IReadOnlyCollection<ChosenEndpoint> endpoints,
        Func<Guid, ExternalNetwork?> network,
        SharedParts? parts = null)
    {
        var compilation = new Compilation(endpoints, floatingIP.PortMappings.Count, parts);
        foreach (var name in floatingIP.Interfaces)
        {
            if (endpoints.Any(e => string.Equals(e.Interface.Id.Name, name, StringComparison.Ordinal))) continue;
            compilation.Report(
                ConditionReason.InterfaceNotFound,
                $"VirtualMachineInterface {floatingIP.Id.Namespace}/{name} does not exist; create it, or take it out of interfaces.");
        }

        if (!floatingIP.Deleting && !IsWithheld(compilation, floatingIP) && RoutingInstanceOf(floatingIP, network) is { } instance)
        {
            var family = floatingIP.Address.FamilyOf();
            var answers = AddRoutes(compilation, floatingIP, family, NatEntryScope.LocalBackends, network);
            if (floatingIP.PortMappings.Count == 0)
            {
                // The endpoint answers for itself.
                compilation.Add(new NatEntryKey(family, floatingIP.Address, null, 0, instance), floatingIP.Uid, NatEntryScope.LocalBackends, 0, false, [], FloatingIPAnswers.None);
            }

            foreach (var mapping in floatingIP.PortMappings)
            {
                compilation.Add(
                    new NatEntryKey(family, floatingIP.Address, mapping.Protocol, mapping.Port, instance),
                    floatingIP.Uid,
                    NatEntryScope.LocalBackends,
                    mapping.TargetPort,
                    false,
                    [],
                    answers);
            }
        }

        return compilation.Result(floatingIP.Uid);
    }

    private static void AddServiceFloatingIP(
        Compilation compilation, Service service, FloatingIP floatingIP, IPFamily family, bool affinity, Func<Guid, ExternalNetwork?> network, EquatableList<string>? clusterIPsOn)
    {
        var external = floatingIP.Kind == FloatingIPKind.External;
        if (IsWithheld(compilation, floatingIP) || RoutingInstanceOf(floatingIP, network) is not { } instance) return;
        EquatableList<IPNetwork> ranges = [];
        var admitsNobody = false;
        if (external && service.LoadBalancerSourceRanges.Count > 0)
        {
            ranges = Ordered(service.LoadBalancerSourceRanges.Where(r => r.FamilyOf() == family));
            if (ranges.Count == 0)
            {
                // The user allows ranges, but none of this family. Entries that have only ranges of the other one admit no client, and flows that were admitted before end.
                admitsNobody = true;
                ranges = Ordered(service.LoadBalancerSourceRanges);
                compilation.Report(
                    ConditionReason.SourceRangesExcludeFamily,
                    $"loadBalancerSourceRanges holds no {family} range, so nobody may reach {floatingIP.Address}; add one, or take {family} out of ipFamilies.",
                    withholdsAddress: true);
            }
        }

        var scope = external && service.ExternalTrafficPolicy == ExternalTrafficPolicy.Local
            ? NatEntryScope.LocalBackends
            : NatEntryScope.EveryVirtualRouter;
        var answers = external && !admitsNobody ? AddRoutes(compilation, floatingIP, family, scope, network) : FloatingIPAnswers.None;
        foreach (var port in service.Ports)
        {
            var key = new NatEntryKey(family, floatingIP.Address, port.Protocol, port.Port, instance);
            compilation.Add(key, floatingIP.Uid, scope, port.TargetPort, affinity, ranges, answers, external ? null : clusterIPsOn);
        }
    }

    /// <summary>An address of the infrastructure gets no entry and no route, whatever its network.</summary>
    private static bool IsWithheld(Compilation compilation, FloatingIP floatingIP)
    {
        if (!floatingIP.HasInfrastructureAddress) return false;
        compilation.Report(
            ConditionReason.InfrastructureAddress,
            $"{floatingIP.Address} of FloatingIP {floatingIP.Id} has become an address of the infrastructure, so it gets no traffic and is not announced; use another FloatingIP and delete this one, or give the control node or database server another address.",
            withholdsAddress: true);
        return true;
    }

    private static void AddNodePorts(Compilation compilation, Service service, IPFamily family, bool affinity)
    {
        if (service.Type == ServiceType.ClusterIP) return;
        foreach (var port in service.Ports)
        {
            if (port.NodePort == 0) continue;
            var key = new NatEntryKey(family, null, port.Protocol, port.NodePort);
            compilation.Add(key, null, NatEntryScope.EveryVirtualRouter, port.TargetPort, affinity, [], FloatingIPAnswers.None);
        }
    }

    /// <summary>Once each, in an order that does not depend on the user's.</summary>
    private static EquatableList<IPNetwork> Ordered(IEnumerable<IPNetwork> ranges)
    {
        var ordered = ranges.Distinct().ToArray();
        Array.Sort(ordered, AddressArithmetic.Compare);
        return EquatableList.Create<IPNetwork>(ordered);
    }

    /// <summary>
    /// The RoutingInstance of the entries. Null while the network is not known, because in the underlay the entries could take the traffic of
    /// another address holder.
    /// </summary>
    private static int? RoutingInstanceOf(FloatingIP floatingIP, Func<Guid, ExternalNetwork?> networks) =>
        floatingIP.ExternalNetwork is { } uid ? networks(uid)?.RoutingInstance : 0;

    /// <summary>One route for each vRouter with a usable local endpoint, unless the vRouter is lost or in maintenance. Answers what the vRouters of the routes answer.</summary>
    private static FloatingIPAnswers AddRoutes(
        Compilation compilation, FloatingIP floatingIP, IPFamily family, NatEntryScope scope, Func<Guid, ExternalNetwork?> networks)
    {
        if (floatingIP.Kind != FloatingIPKind.External || floatingIP.ExternalNetwork is not { } uid || networks(uid) is not { } network) return FloatingIPAnswers.None;
        if (compilation.HasUsableEndpointsButNoneOf(family))
        {
            compilation.Report(
                ConditionReason.NoEndpointOfFamily,
                $"No ready endpoint has an {family} address, so {floatingIP.Address} gets no traffic; give the endpoints one.");
        }

        if (network.AdvertisementFault is { } fault)
        {
            compilation.Report(
                ConditionReason.AdvertisementUnreadable,
                $"The stored advertisement of ExternalNetwork {network.Id} cannot be read, so {floatingIP.Address} is not announced: {fault} Write the network's advertisement again.",
                withholdsAddress: true);
            return FloatingIPAnswers.None;
        }

        if (network is { FabricForwarding: false, ExportRouteTargets.Count: 0 })
        {
            compilation.Report(
                ConditionReason.NoRouteTarget,
                $"ExternalNetwork {network.Id} exports no route target, so no router would take its routes; give it routeTargets.",
                withholdsAddress: true);
            return FloatingIPAnswers.None;
        }

        // The overlay's outer header is IPv4, and its route distinguisher is made of that address (RFC 4364 §4.2, type 1).
        var outer = network.FabricForwarding ? family : IPFamily.IPv4;
        // Where each vRouter reaches all endpoints, all are worth the same.
        var isWeighted = network is { FabricForwarding: true, Advertisement.Weighted: true } && scope == NatEntryScope.LocalBackends;
        var routesBefore = compilation.RouteCount;
        var routedBy = new List<string>();
        List<VirtualRouter>? withoutNextHop = null;
        foreach (var (virtualRouter, weight) in compilation.VirtualRoutersWithBackends(family))
        {
            if (virtualRouter.AdminDown || virtualRouter.Lost) continue;
            if (NextHopOf(virtualRouter, outer) is { } nextHop)
            {
                compilation.Add(new FloatingIPRoute(floatingIP.Uid, floatingIP.Address, virtualRouter.Name, nextHop, network) { Weight = isWeighted ? weight : 0 });
                routedBy.Add(virtualRouter.Name);
            }
            else
            {
                (withoutNextHop ??= []).Add(virtualRouter);
            }
        }

        foreach (var virtualRouter in withoutNextHop ?? [])
        {
            var member = outer == IPFamily.IPv6 ? "address6" : "address";
            compilation.Report(
                ConditionReason.NextHopMissing,
                $"VirtualRouter {virtualRouter.Name} has no {outer} address, so {floatingIP.Address} cannot be routed to it; set its {member}.",
                withholdsAddress: compilation.RouteCount == routesBefore);
        }

        if (routedBy.Count == 0) return FloatingIPAnswers.None;
        routedBy.Sort(StringComparer.Ordinal);
        return compilation.Share(new FloatingIPAnswers(routedBy.ToEquatableList(), network.AnswerPing));
    }

    private static IPAddress? NextHopOf(VirtualRouter virtualRouter, IPFamily family) =>
        family == IPFamily.IPv6 ? virtualRouter.Address6 : virtualRouter.Address;

    /// <summary>The result for one owner while it is built. Entries of one family and target port share their backends.</summary>
    private sealed class Compilation
    {
        private readonly IReadOnlyCollection<ChosenEndpoint> _endpoints;
        private readonly List<NatEntry> _natEntries = [];
        private readonly List<FloatingIPRoute> _routes = [];
        private readonly List<(IPFamily Family, ushort Port, EquatableList<Backend> Backends, EquatableList<Backend> Draining)> _backends = [];
        private readonly SharedParts? _parts;
        private readonly int _total;
        private SortedSet<CompilationProblem>? _problems;
        private readonly int _ready;

        /// <summary>NAT entries, also those that have no backend at the moment: health must not change how many slots the others have.</summary>
        private int _asked;

        public Compilation(IReadOnlyCollection<ChosenEndpoint> endpoints, int ports, SharedParts? parts)
        {
            _parts = parts;
            _total = endpoints.Count;
            var most = Math.Clamp(Limits.EntriesOfService / Math.Max(1, ports), 1, Limits.EndpointsOfService);
            _endpoints = endpoints.Count <= most ? endpoints : Oldest(endpoints, most, ports);
            _ready = _endpoints.Count(static e => e.TakesNewFlows);
            foreach (var endpoint in endpoints)
            {
                if (endpoint.VirtualRouter is null)
                {
                    Report(
                        ConditionReason.VirtualRouterNotFound,
                        $"VirtualRouter {endpoint.Interface.VirtualRouter} does not exist, so endpoints on it get no traffic; start its agent or create it.");
                }

                if (endpoint.VirtualRouter is { Lost: true } lost)
                    Report(ConditionReason.VirtualRoutersDown, $"VirtualRouter {lost.Name} is Lost, so endpoints on it get no traffic; start its agent, or mend the network to it.");

                if (endpoint.Interface.HasInfrastructureAddress)
                {
                    Report(
                        ConditionReason.InfrastructureAddress,
                        $"VirtualMachineInterface {endpoint.Interface.Id} has an address of the infrastructure, so it gets no traffic; give it another address.");
                }

                if (endpoint is { Interface.HealthCheck: { } check, HealthCheckExists: false })
                {
                    Report(
                        ConditionReason.HealthCheckNotFound,
                        $"ServiceHealthCheck {endpoint.Interface.Id.Namespace}/{check} does not exist, so endpoints that name it get no traffic; create it or set their healthCheck to null.");
                }

                // Without a name, so that many of them are one sentence.
                if (endpoint is { Interface: { HealthCheck: not null, HeldBack: true } })
                    Report(ConditionReason.Flapping, "Endpoints whose health check goes up and down too often are held back; the condition Ready of each says until when.");
            }
        }

        public int RouteCount => _routes.Count;

        public void Report(string reason, string message, bool withholdsAddress = false) =>
            (_problems ??= []).Add(new CompilationProblem(reason, message, withholdsAddress));

        public FloatingIPAnswers Share(FloatingIPAnswers answers) => _parts?.Of(answers) ?? answers;

        public void Add(FloatingIPRoute route) => _routes.Add(route);

        public void Add(
            NatEntryKey key, Guid? floatingIP, NatEntryScope scope, ushort targetPort, bool affinity, EquatableList<IPNetwork> ranges, FloatingIPAnswers answers,
            EquatableList<string>? onlyOn = null)
        {
            _asked++;
            var (backends, draining) = BackendsOf(key.Family, targetPort);
            if (backends.Count + draining.Count == 0) return;
            _natEntries.Add(new NatEntry
            {
                Key = key,
                FloatingIP = floatingIP,
                Scope = scope,
                Backends = backends,
                Draining = draining,
                ClientIPAffinity = affinity,
                SourceRanges = ranges,
                Answers = answers,
                OnlyOn = onlyOn,
            });
        }

        public bool HasUsableEndpointsButNoneOf(IPFamily family)
        {
            var any = false;
            foreach (var endpoint in _endpoints)
            {
                if (!endpoint.IsUsable) continue;
                if (endpoint.AddressOf(family) is not null) return false;
                any = true;
            }

            return any;
        }

        /// <summary>Each with the sum of the weights of its usable endpoints.</summary>
        public Dictionary<VirtualRouter, int> VirtualRoutersWithBackends(IPFamily family)
        {
            var result = new Dictionary<VirtualRouter, int>();
            foreach (var endpoint in _endpoints)
            {
                if (!endpoint.IsUsable || endpoint.AddressOf(family) is null) continue;
                result[endpoint.VirtualRouter!] = result.GetValueOrDefault(endpoint.VirtualRouter!) + endpoint.Interface.Weight;
            }

            return result;
        }

        public CompiledOwner Result(Guid owner)
        {
            var slots = SlotBudget.OfEach(_asked);
            if (slots < SlotBudget.Most)
            {
                for (var i = 0; i < _natEntries.Count; i++) _natEntries[i] = _natEntries[i] with { MostSlots = slots };
            }

            _natEntries.Sort(static (a, b) =>
            {
                var order = a.Key.CompareTo(b.Key);
                return order != 0 ? order : Nullable.Compare(a.FloatingIP, b.FloatingIP);
            });
            _routes.Sort(static (a, b) =>
            {
                var order = AddressArithmetic.Compare(a.Address, b.Address);
                if (order == 0) order = string.CompareOrdinal(a.VirtualRouter, b.VirtualRouter);
                return order != 0 ? order : a.FloatingIP.CompareTo(b.FloatingIP);
            });

            // Validation lets no key in twice. If it happens all the same, the first in canonical order counts.
            for (var i = _natEntries.Count - 1; i > 0; i--)
                if (_natEntries[i].Key == _natEntries[i - 1].Key) _natEntries.RemoveAt(i);
            return new CompiledOwner
            {
                Owner = owner,
                NatEntries = _natEntries.ToEquatableList(),
                Routes = _routes.ToEquatableList(),
                EndpointsTotal = _total,
                EndpointsReady = _ready,
                Problems = _problems?.ToEquatableList() ?? [],
            };
        }

        /// <summary>
        /// Of more endpoints than <paramref name="most"/>, those that take or finish flows, the oldest first (a uid begins with its time). One entry
        /// is one message to the agents, and each endpoint is an element of nftables for each port; too many keep the agents from everything else.
        /// </summary>
        private List<ChosenEndpoint> Oldest(IReadOnlyCollection<ChosenEndpoint> endpoints, int most, int ports)
        {
            var used = endpoints.Where(e => e.IsUsable || e.IsDraining).ToList();
            if (used.Count <= most) return used;
            var (why, remedy) = most < Limits.EndpointsOfService
                ? ($", because endpoints × ports are at most {Limits.EntriesOfService} and it has {ports} ports", "use fewer ports, or several Services or FloatingIPs")
                : ("", "spread them over several Services");
            Report(ConditionReason.TooManyEndpoints, $"{used.Count} endpoints could take traffic and {most} do, the oldest{why}; {remedy}.");
            used.Sort(static (a, b) => a.Interface.Uid.CompareTo(b.Interface.Uid));
            used.RemoveRange(most, used.Count - most);
            return used;
        }

        private (EquatableList<Backend> Backends, EquatableList<Backend> Draining) BackendsOf(IPFamily family, ushort port)
        {
            foreach (var made in _backends)
                if (made.Family == family && made.Port == port) return (made.Backends, made.Draining);

            var backends = Collect(family, port, static e => e.IsUsable, static e => e.Interface.Weight);
            // They take no new flows, so they have no share.
            var draining = Collect(family, port, static e => e.IsDraining, static _ => VirtualMachineInterface.LowestWeight);
            _backends.Add((family, port, backends, draining));
            return (backends, draining);
        }

        private EquatableList<Backend> Collect(IPFamily family, ushort port, Func<ChosenEndpoint, bool> which, Func<ChosenEndpoint, int> weightOf)
        {
            var list = new List<Backend>();
            foreach (var endpoint in _endpoints)
            {
                if (which(endpoint) && endpoint.AddressOf(family) is { } address)
                    list.Add(new Backend(address, port, endpoint.VirtualRouter!.Name, endpoint.VirtualRouter.Lost, weightOf(endpoint)));
            }

            list.Sort(static (a, b) =>
            {
                var order = AddressArithmetic.Compare(a.Address, b.Address);
                if (order == 0) order = string.CompareOrdinal(a.VirtualRouter, b.VirtualRouter);
                return order != 0 ? order : a.Weight.CompareTo(b.Weight);
            });
            for (var i = list.Count - 1; i > 0; i--)
                if (list[i] == list[i - 1] with { Weight = list[i].Weight }) list.RemoveAt(i);
            var backends = list.ToEquatableList();
            return _parts?.Of(backends) ?? backends;
        }
    }
}
