using System.Collections.Frozen;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Access;

/// <summary>What an endpoint of the Kubernetes API is about: the resource of <c>/v1</c> that a kind stands for. Subresources count as their object.</summary>
internal sealed class ObjectTargetAttribute(ResourceDefinition definition) : AccessTargetAttribute(ResourceOf(definition))
{
    private static readonly FrozenDictionary<string, AccessResource> Resources = new Dictionary<string, AccessResource>
    {
        ["namespaces"] = AccessResource.Namespaces,
        ["services"] = AccessResource.Services,
        ["endpoints"] = AccessResource.Services,
        ["endpointslices"] = AccessResource.Services,
        ["pods"] = AccessResource.VirtualMachineInterfaces,
        ["virtualmachineinterfaces"] = AccessResource.VirtualMachineInterfaces,
        ["nodes"] = AccessResource.VirtualRouters,
        ["virtualrouters"] = AccessResource.VirtualRouters,
        ["events"] = AccessResource.Events,
        ["virtualnetworks"] = AccessResource.VirtualNetworks,
        ["subnets"] = AccessResource.VirtualNetworks,
        ["network-attachment-definitions"] = AccessResource.VirtualNetworks,
        ["routinginstances"] = AccessResource.NetworkRoutes,
        ["floatingips"] = AccessResource.FloatingIPs,
        ["servicehealthchecks"] = AccessResource.ServiceHealthChecks,
        ["bgprouters"] = AccessResource.BgpRouters,
        ["kubemanagers"] = AccessResource.ExternalNetworkSelectors,
    }.ToFrozenDictionary();

    /// <summary>Of a kind.</summary>
    /// <exception cref="KeyNotFoundException">Nobody has said what the kind stands for; the server does not start with such a one.</exception>
    public static AccessResource ResourceOf(ResourceDefinition definition) => Resources[definition.Plural];

    public override AccessVerb VerbOf(HttpContext http)
    {
        var isOne = http.GetRouteValue("name") is not null;
        return http.Request.Method switch
        {
            "GET" when !isOne => ListRequestReader.IsWatch(http.Request.Query) ? AccessVerb.Watch : AccessVerb.List,
            "DELETE" when !isOne => AccessVerb.DeleteCollection,
            _ => base.VerbOf(http),
        };
    }

    public override string? NamespaceOf(HttpContext http) => base.NamespaceOf(http) ?? (IsFloatingIP && http.GetRouteValue("name") is string name ? FloatingIPObjectName.Split(name)?.Namespace : null);

    /// <summary>FloatingIPs are cluster-scoped in CN2; the name of a reserved one begins with its namespace.</summary>
    public override bool IsNamespaceInBody(HttpContext http) => IsFloatingIP && VerbOf(http) == AccessVerb.Create;

    private bool IsFloatingIP => Resource == AccessResource.FloatingIPs;
}
