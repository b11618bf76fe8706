using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CsCheck;

namespace CN2.Network.Tests.Compilation;

/// <summary>
/// Random streams of puts and removes over a few resources, so that most of them refer to each other. Addresses and node ports are unique,
/// as the database guarantees.
/// </summary>
public sealed class NetworkStateProperties
{
    private const int MaxChanges = 40;
    private static readonly string[] Namespaces = ["ns1", "ns2"];
    private static readonly Gen<int> Few = Gen.Int[0, 3];

    private static readonly Gen<string> Pairs = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 2], (app, tier) =>
        string.Join(',', new[] { app == 0 ? "" : $"app={app}", tier == 0 ? "" : $"tier={tier}" }.Where(t => t.Length > 0)));

    private static readonly Gen<Change> Services = Gen.Select(Gen.Int[0, 5], Pairs, Gen.Int[0, 63]).Select((n, selector, bits) => new Change(
        Given.Uid("service", $"s{n}"),
        (bits & 32) != 0 && n % 2 == 0
            ? null
            : Given.Service($"{Namespaces[n % 2]}/s{n}", selector, Given.Port(80, 8080, (ushort)((bits & 1) == 0 ? 0 : 30000 + n)), Given.Port(53, 53, 0, TransportProtocol.UDP)) with
            {
                Uid = Given.Uid("service", $"s{n}"),
                ExternalTrafficPolicy = (ExternalTrafficPolicy)((bits >> 1) & 1),
                Type = (ServiceType)(((bits >> 2) & 3) % 3),
                Deleting = (bits & 16) != 0 && (bits & 4) != 0,
                LoadBalancerSourceRanges = (bits & 24) == 24 ? [IPNetwork.Parse("192.0.2.0/24")] : [],
            }));

    private static readonly Gen<Change> FloatingIPs = Gen.Select(Gen.Int[0, 9], Gen.Int[-2, 5], Gen.Int[0, 2], Gen.Int[0, 15], Gen.Int[0, 5]).Select((n, service, network, bits, pod) =>
    {
        var uid = Given.Uid("floating-ip", $"{n}");
        if (bits == 15) return new Change(uid, null, Kind: typeof(FloatingIP));
        var address = n % 3 == 0 ? $"2001:db8::{n:x}" : $"100.0.0.{n}";
        return new Change(uid, new FloatingIP
        {
            Uid = uid,
            Id = Given.Name($"{Namespaces[n % 2]}/f{n}"),
            Kind = n < 3 ? FloatingIPKind.ClusterIP : FloatingIPKind.External,
            Address = IPAddress.Parse(address),
            ExternalNetwork = n < 3 ? null : Given.Uid("network", $"{network}"),
            Service = service < 0 ? null : Given.Uid("service", $"s{service}"),
            Interfaces = (bits & 3) == 3 ? [$"p{pod}", $"p{(pod + 2) % 6}"] : [],
            PortMappings = (bits & 4) == 4 ? [new PortMapping(TransportProtocol.TCP, 80, 8080)] : [],
            Deleting = bits == 8,
        });
    });

    private static readonly Gen<Change> Endpoints = Gen.Select(Gen.Int[0, 5], Pairs, Few, Gen.Int[0, 63]).Select((n, labels, router, bits) =>
    {
        var uid = Given.Uid("interface", $"p{n}");
        if (bits >= 56) return new Change(uid, null, Kind: typeof(VirtualMachineInterface));
        return new Change(uid, Given.Endpoint($"{Namespaces[n % 2]}/p{n}", labels, $"c{router}", (bits & 1) == 0 ? [$"10.0.0.{n}"] : [$"10.0.0.{n}", $"fd00::{n:x}"]) with
        {
            Uid = uid,
            Ready = (bits & 6) != 6,
            Weight = 1 + (bits & 4),
            HealthCheck = (bits & 8) == 0 ? null : $"h{(bits >> 4) & 1}",
            Health = (EndpointHealth)((bits >> 4) % 3),
        });
    });

    private static readonly Gen<Change> Routers = Gen.Select(Few, Gen.Int[0, 15]).Select((n, bits) =>
    {
        var uid = Given.Uid("virtual-router", $"c{n}");
        if (bits == 15) return new Change(uid, null, Kind: typeof(VirtualRouter));
        return new Change(uid, Given.VirtualRouter($"c{n}", $"172.16.{(bits & 8) / 8}.{n}", (bits & 4) == 0 ? null : $"2001:db8:f::{n}") with
        {
            AdminDown = (bits & 3) == 3,
            Lost = (bits & 3) == 2,
        });
    });

    private static readonly Gen<Change> Networks = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 4]).Select((n, bits) => bits == 4
        ? new Change(Given.Uid("network", $"{n}"), null, Kind: typeof(ExternalNetwork))
        : new Change(Given.Uid("network", $"{n}"), Given.Network($"{n}", underlay: n != 2) with { Advertisement = Advertisement.Default with { Med = (uint)bits, Weighted = (bits & 1) == 1 } }));

    private static readonly Gen<Change> Checks = Gen.Select(Few, Gen.Int[0, 2]).Select((n, bits) => bits == 2
        ? new Change(Given.Uid("health-check", $"{n}"), null, Kind: typeof(ServiceHealthCheck))
        : new Change(Given.Uid("health-check", $"{n}"), Given.HealthCheck($"{Namespaces[n % 2]}/h{n / 2}") with { Uid = Given.Uid("health-check", $"{n}"), Delay = 1 + bits }));

    private static readonly Gen<Change> AnyChange = Gen.OneOf(Services, FloatingIPs, Endpoints, Endpoints, Routers, Networks, Checks);
    private static readonly Gen<List<Change>> Stream = AnyChange.List[1, MaxChanges];

    [Theory]
    [InlineData(ServiceDistribution.All)]
    [InlineData(ServiceDistribution.Namespace)]
    public void Incremental_compilation_equals_a_full_one_after_every_change(ServiceDistribution distribution) => Stream.Sample(
        stream =>
        {
            var world = new Dictionary<Guid, object>();
            var state = new NetworkState(distribution);
            var owners = new Dictionary<Guid, CompiledOwner>();
            var probes = new Dictionary<Guid, Probe>();
            foreach (var change in stream)
            {
                change.ApplyTo(world);
                change.ApplyTo(state);
                Merge(state, owners, probes);

                var (wantedOwners, wantedProbes) = Full(world.Values, distribution);
                AssertEqual(wantedOwners, owners);

                // A new state of health alone comes from the probe, so the probe need not change.
                AssertEqual(
                    wantedProbes.ToDictionary(p => p.Key, p => p.Value with { LastKnown = default }),
                    probes.ToDictionary(p => p.Key, p => p.Value with { LastKnown = default }));
            }
        },
        iter: 150);

    [Theory]
    [InlineData(ServiceDistribution.All)]
    [InlineData(ServiceDistribution.Namespace)]
    public void The_order_in_which_resources_arrive_never_matters(ServiceDistribution distribution) => Gen.Select(Stream, Gen.Int).Sample(
        (stream, seed) =>
        {
            var world = new Dictionary<Guid, object>();
            foreach (var change in stream) change.ApplyTo(world);
            var shuffled = world.Values.ToArray();
            new Random(seed).Shuffle(shuffled);
            var (owners, probes) = Full(world.Values, distribution);
            var (shuffledOwners, shuffledProbes) = Full(shuffled, distribution);
            AssertEqual(owners, shuffledOwners);
            AssertEqual(probes, shuffledProbes);
        },
        iter: 200);

    [Fact]
    public void Each_entry_is_found_by_its_address_its_node_port_and_its_RoutingInstance() => Worlds((owners, state) =>
    {
        foreach (var owner in owners.Values)
        {
            foreach (var entry in owner.NatEntries)
            {
                var found = entry.Key.Address is { } address
                    ? state.FloatingIPsAt(address).Select(f => f.Service ?? f.Uid)
                    : state.ServicesAt(entry.Key.Protocol!.Value, entry.Key.Port).Select(s => s.Uid);
                Assert.Contains(owner.Owner, found);
                if (entry.Key.RoutingInstance != 0) Assert.Contains(entry.FloatingIP, state.FloatingIPsInRoutingInstance(entry.Key.RoutingInstance).Select(f => (Guid?)f.Uid));
            }
        }

        Assert.All(state.FloatingIPs, f => Assert.Equal([f], state.FloatingIPsAt(f.Address)));
    });

    [Fact]
    public void Every_route_has_its_entry_with_a_local_backend_on_that_virtual_router() => Worlds((owners, state) =>
    {
        foreach (var owner in owners.Values)
        {
            foreach (var route in owner.Routes)
            {
                Assert.Contains(owner.NatEntries, f => f.FloatingIP == route.FloatingIP && f.Key.RoutingInstance == route.RoutingInstance && (f.On(route.VirtualRouter)?.Backends ?? []).Any(b => b.Local));
                var router = state.VirtualRouter(route.VirtualRouter)!;
                Assert.False(router.AdminDown || router.Lost);
                Assert.Equal(FloatingIPKind.External, state.TryGetFloatingIP(route.FloatingIP)!.Kind);
            }
        }
    });

    [Fact]
    public void No_virtual_router_gets_two_entries_of_one_key_or_an_entry_without_backends() => Worlds((owners, _) =>
    {
        for (var i = 0; i < 4; i++)
        {
            var keys = new HashSet<NatEntryKey>();
            foreach (var natEntry in owners.Values.SelectMany(o => o.NatEntries))
            {
                var backends = natEntry.On($"c{i}")?.Backends ?? [];
                if (backends.Count > 0) Assert.True(keys.Add(natEntry.Key), natEntry.Key.ToString());
                Assert.Equal(backends.Count, backends.Select(b => (b.Address, b.Port)).Distinct().Count());
                Assert.All(backends, b => Assert.True(b.Local || natEntry.Scope == NatEntryScope.EveryVirtualRouter));
            }
        }

        foreach (var natEntry in owners.Values.SelectMany(o => o.NatEntries)) Assert.NotEmpty(natEntry.Backends.Concat(natEntry.Draining));
    });

    private static void Worlds(Action<Dictionary<Guid, CompiledOwner>, NetworkState> check) => Stream.Sample(
        stream =>
        {
            var world = new Dictionary<Guid, object>();
            var state = new NetworkState();
            foreach (var change in stream)
            {
                change.ApplyTo(world);
                change.ApplyTo(state);
            }

            check(Full(world.Values).Owners, state);
        },
        iter: 200);

    private static (Dictionary<Guid, CompiledOwner> Owners, Dictionary<Guid, Probe> Probes) Full(
        IEnumerable<object> resources, ServiceDistribution distribution = ServiceDistribution.All)
    {
        var state = new NetworkState(distribution);
        foreach (var resource in resources) Change.Put(state, resource);
        var owners = new Dictionary<Guid, CompiledOwner>();
        var probes = new Dictionary<Guid, Probe>();
        Merge(state, owners, probes);
        return (owners, probes);
    }

    private static void Merge(NetworkState state, Dictionary<Guid, CompiledOwner> owners, Dictionary<Guid, Probe> probes)
    {
        foreach (var uid in state.TakeDirtyOwners())
            if (state.Compile(uid) is { } compiled) owners[uid] = compiled;
            else owners.Remove(uid);
        foreach (var uid in state.TakeDirtyInterfaces())
            if (state.ProbeOf(uid) is { } probe) probes[uid] = probe;
            else probes.Remove(uid);
    }

    private static void AssertEqual<T>(Dictionary<Guid, T> expected, Dictionary<Guid, T> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (uid, value) in expected) Assert.Equal(value, actual[uid]);
    }

    private sealed record Change(Guid Uid, object? Resource, Type? Kind = null)
    {
        public void ApplyTo(Dictionary<Guid, object> world)
        {
            if (Resource is null) world.Remove(Uid);
            else world[Uid] = Resource;
        }

        public void ApplyTo(NetworkState state)
        {
            if (Resource is not null) Put(state, Resource);
            else if (Kind == typeof(FloatingIP)) state.RemoveFloatingIP(Uid);
            else if (Kind == typeof(VirtualMachineInterface)) state.RemoveVirtualMachineInterface(Uid);
            else if (Kind == typeof(VirtualRouter)) state.RemoveVirtualRouter(Uid);
            else if (Kind == typeof(ExternalNetwork)) state.RemoveExternalNetwork(Uid);
            else if (Kind == typeof(ServiceHealthCheck)) state.RemoveServiceHealthCheck(Uid);
            else state.RemoveService(Uid);
        }

        public static void Put(NetworkState state, object resource)
        {
            switch (resource)
            {
                case Service service: state.Put(service); break;
                case FloatingIP floatingIP: state.Put(floatingIP); break;
                case ExternalNetwork network: state.Put(network); break;
                case VirtualMachineInterface endpoint: state.Put(endpoint); break;
                case VirtualRouter router: state.Put(router); break;
                default: state.Put((ServiceHealthCheck)resource); break;
            }
        }
    }
}
