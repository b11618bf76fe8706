namespace CN2.Api.Kubernetes.Schemas;

/// <summary>All resources of the Kubernetes API (docs/contract.md §8).</summary>
public static class KubernetesResources
{
    /// <summary>In the order in which discovery and the documents name them.</summary>
    public static IReadOnlyList<ResourceDefinition> All { get; } =
    [
        NamespaceSchema.Definition, ServiceSchema.Definition, PodSchema.Definition, NodeSchema.Definition, EventSchema.Definition, EndpointsSchemas.Endpoints,
        EndpointsSchemas.EndpointSlice,
        AccessReviewSchema.Definition, RulesReviewSchema.Definition,
        NetworkSchemas.VirtualNetwork, NetworkSchemas.Subnet, NetworkSchemas.RoutingInstance,
        FloatingIPSchemas.FloatingIP, FloatingIPSchemas.VirtualMachineInterface, FloatingIPSchemas.VirtualRouter,
        BgpRouterSchema.Definition, HealthCheckSchema.Definition,
        KubemanagerSchema.V1, KubemanagerSchema.V1Alpha1,
        NetworkAttachmentSchema.Definition,
    ];

    private static readonly Dictionary<(string Group, string Version, string Plural), ResourceDefinition> ByPath =
        All.ToDictionary(r => (r.Group, r.Version, r.Plural));

    /// <summary>The resource of a path; null: there is none.</summary>
    public static ResourceDefinition? Find(string group, string version, string plural) => ByPath.GetValueOrDefault((group, version, plural));

    /// <summary>The resource of an object by its apiVersion and kind; null: there is none.</summary>
    public static ResourceDefinition? FindKind(string apiVersion, string kind) => All.FirstOrDefault(r => r.ApiVersion == apiVersion && r.Kind == kind);
}
