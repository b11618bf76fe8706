using System.Net;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Resources for tests without a database.</summary>
internal static class Sample
{
    public static readonly ExternalNetwork Network = new()
    {
        Uid = Uid(1000),
        Id = new NamespacedName("ns1", "vn"),
        Number = 1,
        FabricForwarding = true,
        Advertisement = Advertisement.Default,
    };

    public static Guid Uid(int n) => new(n, 0, 0, new byte[8]);

    public static IPAddress AddressOf(int n) => new([100, 0, (byte)(n >> 8), (byte)n]);

    public static VirtualRouterState Router(string name, bool lost = false) =>
        new(new VirtualRouter { Uid = Uid(2000 + name[^1]), Name = name, Address = IPAddress.Parse($"172.27.115.{(int)name[^1]}"), Lost = lost }, !lost, "cn-a", null);

    public static VirtualMachineInterface Endpoint(int n, string router) => new()
    {
        Uid = Uid(3000 + n),
        Id = new NamespacedName("ns1", $"pod{n}"),
        Labels = LabelSet.Of(new Dictionary<string, string> { ["app"] = $"app{n}" }),
        Addresses = [new IPAddress([10, 0, 0, (byte)n])],
        VirtualRouter = router,
        Ready = true,
    };

    /// <summary>A Service whose endpoints are those with the label <c>app{n}</c>.</summary>
    public static Service Service(int n) => new()
    {
        Uid = Uid(4000 + n),
        Id = new NamespacedName("ns1", $"web{n}"),
        Type = ServiceType.LoadBalancer,
        Selector = LabelSet.Of(new Dictionary<string, string> { ["app"] = $"app{n}" }),
        Ports = [new ServicePort(null, TransportProtocol.TCP, 80, 8080, 0)],
    };

    public static FloatingIP FloatingIP(int n, int? service = null, Guid? network = null) => new()
    {
        Uid = Uid(n),
        Id = new NamespacedName("ns1", $"fip{n}"),
        Kind = FloatingIPKind.External,
        Address = AddressOf(n),
        ExternalNetwork = network ?? Network.Uid,
        Service = service is { } s ? Uid(4000 + s) : null,
    };

    public static FloatingIPRoute Route(int floatingIP, string router = "compute1") =>
        new(Uid(floatingIP), AddressOf(floatingIP), router, IPAddress.Parse($"172.27.115.{(int)router[^1]}"), Network);
}
