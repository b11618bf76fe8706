using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Tests.Compilation;

namespace CN2.Network.Tests.Scenarios;

/// <summary>The resources of a scenario in the field names of the API, with names instead of uids. Unknown members are an error.</summary>
internal static class ScenarioResources
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        NumberHandling = JsonNumberHandling.Strict,
        Converters = { new JsonStringEnumConverter() },
    };

    public static IReadOnlyList<Action<NetworkState>> Read(string json)
    {
        var file = JsonSerializer.Deserialize<FileJson>(json, Options)!;
        var puts = new List<Action<NetworkState>>();
        foreach (var n in file.ExternalNetworks) puts.Add(s => s.Put(Given.Network(n.Name, n.FabricForwarding, n.Number, n.RouteTargets)));
        foreach (var r in file.VirtualRouters)
            puts.Add(s => s.Put(Given.VirtualRouter(r.Name, r.Address, r.Address6) with { AdminDown = r.AdminDown, Lost = r.Lost }));
        foreach (var h in file.ServiceHealthChecks) puts.Add(s => s.Put(Given.HealthCheck(h) with { Uid = Given.Uid("health-check", h) }));
        foreach (var e in file.VirtualMachineInterfaces)
        {
            puts.Add(s => s.Put(Given.Endpoint(e.Name, "", e.VirtualRouter, e.Addresses) with
            {
                Labels = e.Labels,
                Ready = e.Ready,
                HealthCheck = e.HealthCheck,
                Health = e.Health,
            }));
        }

        foreach (var v in file.Services)
        {
            puts.Add(s => s.Put(Given.Service(v.Name, "", [.. v.Ports.Select(p => new ServicePort(p.Name, p.Protocol, p.Port, p.TargetPort ?? p.Port, p.NodePort))]) with
            {
                Selector = v.Selector,
                Type = v.Type,
                ExternalTrafficPolicy = v.ExternalTrafficPolicy,
                SessionAffinity = v.SessionAffinity,
                LoadBalancerSourceRanges = v.LoadBalancerSourceRanges.Select(IPNetwork.Parse).ToEquatableList(),
                Deleting = v.Deleting,
            }));
        }

        foreach (var f in file.FloatingIPs)
        {
            puts.Add(s => s.Put(new FloatingIP
            {
                Uid = Given.Uid("floating-ip", f.Name),
                Id = Given.Name(f.Name),
                Kind = f.ExternalNetwork is null ? FloatingIPKind.ClusterIP : FloatingIPKind.External,
                Address = Address(f.Address),
                ExternalNetwork = f.ExternalNetwork is null ? null : Given.Uid("network", f.ExternalNetwork),
                Service = f.Service is null ? null : Given.Uid("service", f.Service),
                Interfaces = f.Interfaces.ToEquatableList(),
                PortMappings = f.PortMappings.Select(p => new PortMapping(p.Protocol, p.Port, p.TargetPort ?? p.Port)).ToEquatableList(),
                Deleting = f.Deleting,
            }));
        }

        return puts;
    }

    private static IPAddress Address(string text) => AddressSyntax.TryParseAddress(text, out var address, out var error) ? address : throw new FormatException(error);

    private sealed record FileJson
    {
        public string? Story { get; init; }
        public NetworkJson[] ExternalNetworks { get; init; } = [];
        public RouterJson[] VirtualRouters { get; init; } = [];
        public string[] ServiceHealthChecks { get; init; } = [];
        public EndpointJson[] VirtualMachineInterfaces { get; init; } = [];
        public ServiceJson[] Services { get; init; } = [];
        public FloatingIPJson[] FloatingIPs { get; init; } = [];
    }

    private sealed record NetworkJson(string Name, bool FabricForwarding)
    {
        public int Number { get; init; } = 1;
        public string[] RouteTargets { get; init; } = [];
    }

    private sealed record RouterJson(string Name, string Address, string? Address6 = null, bool AdminDown = false, bool Lost = false);

    private sealed record EndpointJson(
        string Name,
        Dictionary<string, string> Labels,
        string[] Addresses,
        string VirtualRouter,
        bool Ready = true,
        string? HealthCheck = null,
        EndpointHealth Health = EndpointHealth.Unknown);

    private sealed record PortJson(ushort Port, ushort? TargetPort = null, TransportProtocol Protocol = TransportProtocol.TCP, string? Name = null, ushort NodePort = 0);

    private sealed record ServiceJson
    {
        public required string Name { get; init; }
        public ServiceType Type { get; init; }
        public required Dictionary<string, string> Selector { get; init; }
        public required PortJson[] Ports { get; init; }
        public ExternalTrafficPolicy ExternalTrafficPolicy { get; init; }
        public SessionAffinity SessionAffinity { get; init; }
        public string[] LoadBalancerSourceRanges { get; init; } = [];
        public bool Deleting { get; init; }
    }

    private sealed record FloatingIPJson
    {
        public required string Name { get; init; }
        public required string Address { get; init; }
        public string? ExternalNetwork { get; init; }
        public string? Service { get; init; }
        public string[] Interfaces { get; init; } = [];
        public PortJson[] PortMappings { get; init; } = [];
        public bool Deleting { get; init; }
    }
}
