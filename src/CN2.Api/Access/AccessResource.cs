namespace CN2.Api.Access;

/// <summary>What rules are about. Both APIs use the same: an object of the Kubernetes API counts as what it is in <c>/v1</c>.</summary>
public enum AccessResource
{
    Namespaces,
    Grants,
    ExternalNetworks,

    /// <summary>Routes of a network, those of routers among them, and its RoutingInstance.</summary>
    NetworkRoutes,

    /// <summary>Networks and their parts as the Kubernetes API has them: it shows them to those who have a role in their namespace.</summary>
    VirtualNetworks,
    Services,
    FloatingIPs,
    VirtualMachineInterfaces,
    ServiceHealthChecks,
    Events,

    /// <summary>A watch of several kinds; each of them has its own rule.</summary>
    Watch,
    ExternalNetworkSelectors,
    BgpRouters,
    VirtualRouters,
    JoinTokens,
    ControlNodes,
    Metrics,
    Tokens,
    RoleBindings,
    AuditLog,
}
