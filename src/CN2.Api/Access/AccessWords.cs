using System.Collections.Frozen;

namespace CN2.Api.Access;

/// <summary>Resources and verbs as refusals name them.</summary>
public static class AccessWords
{
    private static readonly FrozenDictionary<AccessResource, string> Resources = new Dictionary<AccessResource, string>
    {
        [AccessResource.Namespaces] = "namespaces",
        [AccessResource.Grants] = "grant",
        [AccessResource.ExternalNetworks] = "external-networks",
        [AccessResource.NetworkRoutes] = "external-networks/routes",
        [AccessResource.VirtualNetworks] = "external-networks",
        [AccessResource.Services] = "services",
        [AccessResource.FloatingIPs] = "floating-ips",
        [AccessResource.VirtualMachineInterfaces] = "virtual-machine-interfaces",
        [AccessResource.ServiceHealthChecks] = "service-health-checks",
        [AccessResource.Events] = "events",
        [AccessResource.Watch] = "watch",
        [AccessResource.ExternalNetworkSelectors] = "external-network-selectors",
        [AccessResource.BgpRouters] = "bgp-routers",
        [AccessResource.VirtualRouters] = "virtual-routers",
        [AccessResource.JoinTokens] = "virtual-routers:join-token",
        [AccessResource.ControlNodes] = "control-nodes",
        [AccessResource.Metrics] = "metrics",
        [AccessResource.Tokens] = "tokens",
        [AccessResource.RoleBindings] = "role-bindings",
        [AccessResource.AuditLog] = "audit",
    }.ToFrozenDictionary();

    /// <summary>As in paths of <c>/v1</c>.</summary>
    public static string Word(this AccessResource resource) => Resources[resource];

    public static string Word(this AccessVerb verb) => verb.ToString().ToLowerInvariant();

    /// <summary>It changes nothing.</summary>
    public static bool IsRead(this AccessVerb verb) => verb is AccessVerb.Get or AccessVerb.List or AccessVerb.Watch;
}
