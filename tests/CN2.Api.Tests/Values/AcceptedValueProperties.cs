extern alias agent;
using System.Net;
using CN2.Api.BgpRouters;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Api.ServiceHealthChecks;
using CN2.Api.Services;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Api.VirtualRouters;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.VRouter.V1;
using CsCheck;
using FluentValidation;
using Google.Protobuf;
using AgentMessage = agent::CN2.VRouter.V1.ServerMessage;
using DesiredState = agent::CN2.VRouter.DesiredState;
using EndpointHealth = CN2.Network.Resources.EndpointHealth;
using MonitorType = CN2.Network.Resources.MonitorType;
using RoutingInstance = CN2.Network.Overlay.RoutingInstance;
using VpnRouteKey = CN2.Network.Overlay.VpnRouteKey;

namespace CN2.Api.Tests.Values;

/// <summary>
/// What the API accepts, the BGP driver and the agent accept (<c>docs/contract.md §6</c>). Each property draws a request, and what the
/// validator accepts goes the whole way: document, resource, compiler, then <see cref="PathMapper"/>, <see cref="PeerMapper"/>, and the bytes
/// of the vRouter stream into the agent's own reader. A refusal on that way would be retried for ever or keep every acknowledgement back.
/// </summary>
public sealed class AcceptedValueProperties
{
    private static readonly BgpOptions Bgp = new() { RouterId = IPAddress.Parse("172.27.115.241") };

    // In no pool that is drawn: whether a FloatingIP is a node's own address depends on rows, not on the value.
    private static readonly IPAddress Node = IPAddress.Parse("198.51.100.77");
    private static readonly IPAddress Node6 = IPAddress.Parse("fd00:115::242");
    private static readonly Guid Uid = Guid.Parse("01900000-0000-7000-8000-000000000001");

    [Fact]
    public void The_route_attributes_of_a_network_can_be_announced()
    {
        var validator = new ExternalNetworkRequestValidator(Bgp);
        Sample(
            Gen.Select(
                Draw.Community.List[0, 6], Draw.LargeCommunity.List[0, 4], Gen.Select(Draw.RouteTarget.List[0, 3], Draw.RouteTarget.List[0, 3]), Draw.Number32, Draw.Number32, Gen.Bool,
                (communities, large, targets, preference, med, underlay) => new ExternalNetworkRequest
                {
                    Name = "vn",
                    Subnets = [new SubnetRequest { Cidr = "100.0.0.0/24" }],
                    FabricForwarding = underlay,
                    RouteTargets = targets.Item1,
                    ExportRouteTargets = targets.Item2,
                    Advertisement = new AdvertisementRequest { LocalPreference = preference, Med = med, Communities = communities, LargeCommunities = large },
                }),
            validator,
            request => Announce(IPAddress.Parse("100.0.0.4"), Node, NetworkOf(request)));
    }

    [Fact]
    public void Every_address_of_a_pool_can_be_announced_and_served()
    {
        var validator = new ExternalNetworkRequestValidator(Bgp);
        Sample(
            Gen.Select(Draw.Network, Gen.Bool, (cidr, underlay) => new ExternalNetworkRequest { Name = "vn", Subnets = [new SubnetRequest { Cidr = cidr.ToString() }], FabricForwarding = underlay }),
            validator,
            request =>
            {
                foreach (var range in SubnetPlans.Of(ExternalNetworkStore.ToSpec(request).Subnets[0]).Runs)
                {
                    foreach (var address in new[] { range.First, range.Last })
                    {
                        var network = NetworkOf(request);
                        Announce(address, network.FabricForwarding && address.FamilyOf() == IPFamily.IPv6 ? Node6 : Node, network);
                        var endpoint = address.FamilyOf() == IPFamily.IPv6 ? "fd00::1" : "10.0.0.1";
                        Serve(WebService(), address, network, new VirtualMachineInterfaceRequest { Name = "pod", Addresses = [endpoint], VirtualRouter = "compute1" });
                    }
                }
            });
    }

    [Fact]
    public void The_addresses_of_a_virtual_router_can_be_next_hops_and_its_agent_can_report_them()
    {
        var validator = new VirtualRouterRequestValidator();
        Sample(
            Gen.Select(Draw.V4, Gen.OneOf(Draw.V6.Select(a => (string?)a.ToString()), Gen.Const((string?)null)), (v4, v6) => new VirtualRouterRequest { Name = "compute1", Address = v4.ToString(), Address6 = v6 }),
            validator,
            request =>
            {
                var address = IPAddress.Parse(request.Address!);
                var address6 = request.Address6 is { } text ? IPAddress.Parse(text) : null;
                Announce(IPAddress.Parse("100.0.0.4"), address, NetworkOf(underlay: true));
                Announce(IPAddress.Parse("100.0.0.4"), address, NetworkOf(underlay: false));
                Announce(IPAddress.Parse("2001:db8::4"), address, NetworkOf(underlay: false));
                if (address6 is not null) Announce(IPAddress.Parse("2001:db8::4"), address6, NetworkOf(underlay: true));

                string[] arguments = ["--server", "http://192.0.2.1:8081", "--name", request.Name!, "--address", request.Address!, .. address6 is null ? [] : new[] { "--address6", request.Address6! }];
                Assert.IsType<agent::CN2.VRouter.AgentCommand.Run>(agent::CN2.VRouter.AgentCommandLine.Parse(arguments, _ => null));
                var faults = new List<string>();
                var hello = new Hello { Name = request.Name, Address = ByteString.CopyFrom(address.GetAddressBytes()), Address6 = ByteString.CopyFrom(address6?.GetAddressBytes() ?? []) };
                Assert.True(VRouterMessages.Read(hello, null, faults) is not null, string.Join("; ", faults));
            });
    }

    [Fact]
    public void The_addresses_of_an_endpoint_can_be_served_and_probed()
    {
        var validator = new VirtualMachineInterfaceRequestValidator();
        Sample(
            Draw.Address.List[1, 2].Select(addresses => new VirtualMachineInterfaceRequest { Name = "pod", Addresses = addresses.ConvertAll(a => a.ToString()), VirtualRouter = "compute1" }),
            validator,
            request =>
            {
                Serve(WebService(), IPAddress.Parse("100.0.0.4"), NetworkOf(underlay: true), request);
                Serve(WebService(), IPAddress.Parse("2001:db8::4"), NetworkOf(underlay: false), request);
            });
    }

    [Fact]
    public void The_ports_and_source_ranges_of_a_Service_can_be_served()
    {
        var validator = new ServiceRequestValidator(new NodePortOptions());
        var port = Gen.Select(Gen.Enum<TransportProtocol>(), Draw.Around(1, 65535), Draw.Around(1, 65535), Draw.Around(30000, 32767), (protocol, number, target, node) =>
            new ServicePortRequest { Protocol = protocol, Port = number, TargetPort = target, NodePort = node });
        Sample(
            Gen.Select(port.List[1, 2], Draw.Network.List[0, 4], Gen.Enum<ExternalTrafficPolicy>(), Gen.Enum<SessionAffinity>(), Gen.Enum<ServiceType>(), (ports, ranges, policy, affinity, type) => new ServiceRequest
            {
                Name = "web",
                Type = type,
                Ports = ports,
                LoadBalancerSourceRanges = ranges.ConvertAll(r => r.ToString()),
                ExternalTrafficPolicy = policy,
                SessionAffinity = affinity,
            }),
            validator,
            request =>
            {
                var endpoint = new VirtualMachineInterfaceRequest { Name = "pod", Addresses = ["10.0.0.1", "fd00::1"], VirtualRouter = "compute1" };
                Serve(request, IPAddress.Parse("100.0.0.4"), NetworkOf(underlay: true), endpoint);
                Serve(request, IPAddress.Parse("2001:db8::4"), NetworkOf(underlay: false), endpoint);
            });
    }

    [Fact]
    public void A_health_check_can_be_run()
    {
        var validator = new ServiceHealthCheckRequestValidator();
        var code = Gen.OneOf(Gen.Int[100, 599], Draw.Of(99, 100, 599, 600));
        var codes = Gen.OneOf(code.Select(c => $"{c}"), Gen.Select(code, code, (a, b) => $"{a}-{b}"), Draw.Of("", " 200", "200 -299", "2xx", "200-", "200-250-299"))
            .List[1, 3].Select(parts => (string?)string.Join(',', parts));
        Sample(
            Gen.Select(
                Gen.Enum<MonitorType>(), Draw.Around(1, 3600), Draw.Around(1, 3600), Draw.Around(1, 100), Gen.OneOf(codes, Gen.Const((string?)null)), Draw.Around(1, 65535), Draw.Of<string?>(null, "GET", "HEAD", "OPTIONS", "get"),
                (type, delay, timeout, retries, expected, port, method) => new ServiceHealthCheckRequest
                {
                    Name = "hc",
                    MonitorType = type,
                    Delay = delay,
                    Timeout = timeout,
                    MaxRetries = retries,
                    ExpectedCodes = expected,
                    Port = port,
                    HttpMethod = method,
                }),
            validator,
            request =>
            {
                var spec = Stored(request.ToSpec());
                var check = StateReader.ToServiceHealthCheck(Uid, new NamespacedName("ns1", "hc"), spec, out var fault);
                Assert.Null(fault);
                Assert.Equal(check.ExpectedCodes, Take(new VRouterConfig([], [], [new VRouterProbe(Uid, IPAddress.Parse("10.0.0.1"), check, EndpointHealth.Unknown)], [], [])).Probes[Uid].ExpectedCodes);
            });
    }

    [Fact]
    public void A_BGP_router_can_be_a_peer()
    {
        var validator = new BgpRouterRequestValidator();
        var mapper = new PeerMapper(Bgp);
        string[] families = ["inet", "inet6", "inet-vpn", "inet6-vpn", "route-target", "evpn"];
        Sample(
            Gen.Select(
                Gen.Select(Draw.Address, Draw.Number32), Draw.Around(1, 65535), Draw.Around(0, 3, 65535), Draw.Around(1, 255), Draw.Around(0, 4095), Draw.Of(families).List[1, 3], Gen.Int[0, 15], Gen.Int[0, 82],
                (who, port, hold, ttl, restart, names, flags, key) => new BgpRouterRequest
                {
                    Name = "vmx1",
                    Address = who.Item1.ToString(),
                    AutonomousSystem = who.Item2,
                    Port = port,
                    HoldTime = hold,
                    MultihopTtl = ttl,
                    AddressFamilies = names,
                    Passive = (flags & 1) != 0,
                    AddPath = (flags & 2) != 0,
                    AdminDown = (flags & 4) != 0,
                    GracefulRestart = new GracefulRestartBody { Enabled = (flags & 8) != 0, RestartTime = restart },
                    AuthKey = key == 0 ? null : new string('k', key),
                }),
            validator,
            request =>
            {
                var peer = StateReader.ToBgpPeer(request.Name!, IPAddress.Parse(request.Address!), Stored(request.ToSpec()), request.AuthKey);
                Assert.Null(mapper.Fault(peer));
                Assert.Equal((ulong)(request.HoldTime ?? 90), mapper.Encode(peer, restarting: false).Timers.Config.HoldTime);
            });
    }

    /// <summary>What a router advertises is not checked by the API; the choice of paths must leave out what an agent refuses.</summary>
    [Fact]
    public void Every_imported_route_that_is_used_is_accepted_by_the_agent()
    {
        var used = 0;
        Gen.Select(Draw.Network, Draw.Address, Gen.OneOf(Draw.Of(0u, 3u, 15u, 16u, 1_048_575u, 1_048_576u), Gen.UInt), Draw.Of<ushort>(2, 8, 11, 13).List[0, 2], (prefix, nextHop, label, encapsulations) =>
            new ImportedRoute { Key = new ImportedRouteKey("vmx1", "64512:1", prefix), NextHop = nextHop, Label = label, RouteTargets = [], Encapsulations = encapsulations.ToEquatableList() }).Sample(
            route =>
            {
                if (VpnPathSelection.Select(new VpnRouteKey(5, route.Key.Prefix), [route]) is not { } chosen) return;
                Interlocked.Increment(ref used);
                Assert.Equal([chosen.Key], Take(new VRouterConfig([], [], [], [new(5, MplsLabel.Of(5))], [chosen])).Dataplane.Overlay.Routes.Keys);
            },
            iter: 5000);
        Assert.True(used > 100, $"{used} routes were used");
    }

    /// <summary>Draws requests and follows the accepted ones; a property that accepts too few of them, or all, says nothing.</summary>
    private static void Sample<T>(Gen<T> requests, AbstractValidator<T> validator, Action<T> follow)
    {
        var (accepted, refused) = (0, 0);
        requests.Sample(
            request =>
            {
                var sizes = new FaultList();
                RequestSizes.Check(request!, sizes);
                if (sizes.Count > 0 || !validator.Validate(request).IsValid)
                {
                    Interlocked.Increment(ref refused);
                    return;
                }

                Interlocked.Increment(ref accepted);
                follow(request);
            },
            iter: 5000,
            print: request => System.Text.Json.JsonSerializer.Serialize(request, ApiJson.Options));
        Assert.True(accepted > 100 && refused > 100, $"{accepted} of {accepted + refused} requests were accepted");
    }

    /// <summary>As the database gives it back.</summary>
    private static T Stored<T>(T document) => ApiJson.Read<T>(ApiJson.Text(document));

    private static ServiceRequest WebService() => new() { Name = "web", Ports = [new ServicePortRequest { Port = 8080, TargetPort = 80 }] };

    private static ExternalNetwork NetworkOf(bool underlay) =>
        NetworkOf(new ExternalNetworkRequest { Name = "vn", Subnets = [new SubnetRequest { Cidr = "100.0.0.0/24" }], FabricForwarding = underlay });

    private static ExternalNetwork NetworkOf(ExternalNetworkRequest request)
    {
        var network = StateReader.ToExternalNetwork(
            Uid, new NamespacedName("ns1", "vn"), 5, request.FabricForwarding ?? false, Stored(ExternalNetworkStore.ToSpec(request)), Bgp.AutonomousSystem);
        Assert.Null(network.AdvertisementFault);
        return network;
    }

    private static void Announce(IPAddress address, IPAddress nextHop, ExternalNetwork network) =>
        Announce(SpeakerWorker.ToPath(new FloatingIPRoute(Uid, address, "compute1", nextHop, network)));

    private static void Announce(BgpPath path)
    {
        Assert.Null(PathLimits.Fault(path));
        var (key, hop, attributes) = new PathMapper(64512).Map(path);
        Assert.NotNull(PathMapper.Encode(new PathChange(key, new HeldPath(hop, attributes, hop.Identifier), IsWithdraw: false)));
    }

    /// <summary>Compiles the Service with one endpoint and gives the agent of its node what comes of it.</summary>
    [Fact]
    public void Who_FloatingIPs_and_addresses_belong_to_arrives_at_the_agent()
    {
        var (vip, vip6, pod) = (IPAddress.Parse("100.0.0.2"), IPAddress.Parse("2001:db8::2"), IPAddress.Parse("10.0.0.1"));
        var taken = Take(new VRouterConfig([], [], [], [], [])
        {
            Attachments = [new(new(0, vip), null, [pod]), new(new(5, vip), null, []), new(new(0, vip6), Uid, [])],
            EndpointHolders = [new(pod, Uid)],
        }).Dataplane;
        Assert.Equal(3, taken.Attachments.Count);
        Assert.Null(taken.Attachments[new(0, vip)].Service);
        Assert.Equal([pod], taken.Attachments[new(0, vip)].Endpoints);
        Assert.Null(taken.Attachments[new(5, vip)].Service);
        Assert.Empty(taken.Attachments[new(5, vip)].Endpoints);
        Assert.Equal(Uid, taken.Attachments[new(0, vip6)].Service);
        Assert.Equal(Uid, taken.EndpointHolders[pod]);
    }

    private static void Serve(ServiceRequest request, IPAddress address, ExternalNetwork network, VirtualMachineInterfaceRequest pod)
    {
        var service = ServiceTable.ToState(Uid, new NamespacedName("ns1", "web"), Stored(request.ToSpec("ns1")));
        var floatingIP = new FloatingIP { Uid = Uid, Id = new NamespacedName("ns1", "fip"), Kind = FloatingIPKind.External, Address = address, ExternalNetwork = network.Uid, Service = Uid };
        var endpoint = new VirtualMachineInterface
        {
            Uid = Uid,
            Id = new NamespacedName("ns1", pod.Name!),
            Labels = new Dictionary<string, string>(),
            Addresses = pod.Addresses!.Select(IPAddress.Parse).ToEquatableList(),
            VirtualRouter = pod.VirtualRouter!,
            Ready = true,
        };
        var router = new VirtualRouter { Uid = Uid, Name = pod.VirtualRouter!, Address = Node, Address6 = Node6 };
        var compiled = NetworkCompiler.CompileService(service, [floatingIP], [new ChosenEndpoint(endpoint, router, true)], _ => network);
        var entries = compiled.NatEntries.Select(e => e.On(router.Name)).OfType<VirtualRouterNatEntry>().ToList();
        var check = new ServiceHealthCheck(Uid, new NamespacedName("ns1", "hc"), MonitorType.PING, 2, 5, 5, "GET", "/", ExpectedCodes.Default, null);
        var probes = endpoint.Addresses.Select(a => new VRouterProbe(Uid, a, check, EndpointHealth.Unknown)).Take(1).ToList();
        IPAddress[] guarded = network.FabricForwarding ? [address] : [];
        RoutingInstance[] instances = network.FabricForwarding ? [] : [new(network.Number, MplsLabel.Of(network.Number))];
        var taken = Take(new VRouterConfig(entries, guarded, probes, instances, []));
        Assert.Equal(entries.Select(e => e.Key).Order(), taken.Dataplane.NatEntries.Keys.Order());
    }

    /// <summary>What the agent makes of the bytes.</summary>
    private static DesiredState Take(VRouterConfig config)
    {
        var desired = new DesiredState(Node, Node6);
        foreach (var message in VRouterSnapshot.Encode(1, config, takesInside: true)) desired.Take(AgentMessage.Parser.ParseFrom(message.Bytes.Span));
        Assert.Null(desired.Fault);
        return desired;
    }
}
