using System.Net;
using System.Security.Cryptography;
using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Tests.Compilation;

/// <summary>Resources for tests. A uid is derived from kind and name, so the same name is the same resource.</summary>
internal static class Given
{
    public static Guid Uid(string kind, string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind} {name}")).AsSpan(0, 16));

    public static NamespacedName Name(string text) => NamespacedName.TryParse(text, "ns1", out var id) ? id : throw new ArgumentException(text);

    public static Dictionary<string, string> Labels(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Split('='))
        .ToDictionary(p => p[0], p => p[1]);

    public static Service Service(string name, string selector, params ServicePort[] ports) => new()
    {
        Uid = Uid("service", name),
        Id = Name(name),
        Type = ServiceType.LoadBalancer,
        Selector = Labels(selector),
        Ports = EquatableList.Create<ServicePort>(ports.Length == 0 ? [Port(8080, 80)] : ports),
    };

    public static ServicePort Port(ushort port, ushort target, ushort nodePort = 0, TransportProtocol protocol = TransportProtocol.TCP) =>
        new(null, protocol, port, target, nodePort);

    public static FloatingIP External(string address, string network, string? service = null) => new()
    {
        Uid = Uid("floating-ip", address),
        Id = Name($"fip-{address.Replace('.', '-').Replace(':', '-')}"),
        Kind = FloatingIPKind.External,
        Address = IPAddress.Parse(address),
        ExternalNetwork = Uid("network", network),
        Service = service is null ? null : Uid("service", service),
    };

    public static FloatingIP ClusterIP(string address, string service) => new()
    {
        Uid = Uid("floating-ip", address),
        Id = Name($"fip-{address.Replace('.', '-').Replace(':', '-')}"),
        Kind = FloatingIPKind.ClusterIP,
        Address = IPAddress.Parse(address),
        Service = Uid("service", service),
    };

    public static ExternalNetwork Network(string name, bool underlay = true, int number = 1, params string[] targets)
    {
        EquatableList<RouteTarget> all = [.. targets.Select(Target).Append(RouteTarget.Automatic(64512, number)!.Value).Order()];
        return new()
        {
            Uid = Uid("network", name),
            Id = Name(name),
            Number = number,
            FabricForwarding = underlay,
            Advertisement = Advertisement.Default,
            ImportRouteTargets = all,
            ExportRouteTargets = all,
        };
    }

    public static RouteTarget Target(string text) => RouteTarget.TryParse(text, out var target, out var error) ? target : throw new ArgumentException(error);

    public static VirtualMachineInterface Endpoint(string name, string labels, string virtualRouter, params string[] addresses) => new()
    {
        Uid = Uid("interface", name),
        Id = Name(name),
        Labels = Labels(labels),
        Addresses = addresses.Select(IPAddress.Parse).ToEquatableList(),
        VirtualRouter = virtualRouter,
        Ready = true,
    };

    public static VirtualRouter VirtualRouter(string name, string address, string? address6 = null) => new()
    {
        Uid = Uid("virtual-router", name),
        Name = name,
        Address = IPAddress.Parse(address),
        Address6 = address6 is null ? null : IPAddress.Parse(address6),
    };

    public static ServiceHealthCheck HealthCheck(string name) =>
        new(Uid("health-check", name), Name(name), MonitorType.HTTP, 2, 5, 5, "GET", "/health", ExpectedCodes.Default, 80);
}
