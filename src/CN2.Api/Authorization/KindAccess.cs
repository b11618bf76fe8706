using CN2.Api.Access;
using CN2.Api.Data.Rows;

namespace CN2.Api.Authorization;

/// <summary>Which rule is for changes and events of a kind.</summary>
public static class KindAccess
{
    /// <exception cref="ArgumentOutOfRangeException">It is no kind of resource.</exception>
    public static AccessResource Of(ResourceKind kind) => kind switch
    {
        ResourceKind.Namespace => AccessResource.Namespaces,
        ResourceKind.ExternalNetwork => AccessResource.ExternalNetworks,
        ResourceKind.ExternalNetworkSelector => AccessResource.ExternalNetworkSelectors,
        ResourceKind.Service => AccessResource.Services,
        ResourceKind.FloatingIP => AccessResource.FloatingIPs,
        ResourceKind.VirtualMachineInterface => AccessResource.VirtualMachineInterfaces,
        ResourceKind.VirtualRouter => AccessResource.VirtualRouters,
        ResourceKind.BgpRouter => AccessResource.BgpRouters,
        ResourceKind.ServiceHealthCheck => AccessResource.ServiceHealthChecks,
        ResourceKind.ControlNode => AccessResource.ControlNodes,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "It is no kind of resource."),
    };
}
