using CN2.Api.Data;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.VirtualRouters;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary><c>v1</c> nodes: every VirtualRouter is one.</summary>
internal sealed class NodeBinding(VirtualRouterStore store, AttachedContexts contexts, RequestReader requests) : VirtualRouterObjects(store, contexts, requests)
{
    public override ResourceDefinition Definition => NodeSchema.Definition;

    public override ObjectMapping Mapping { get; } = new NodeMapping();
}
