using CN2.Api.Data;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.VirtualRouters;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>CN2's virtualrouters.</summary>
internal sealed class VirtualRouterBinding(VirtualRouterStore store, AttachedContexts contexts, RequestReader requests) : VirtualRouterObjects(store, contexts, requests)
{
    public override ResourceDefinition Definition => FloatingIPSchemas.VirtualRouter;

    public override ObjectMapping Mapping { get; } = new VirtualRouterMapping();
}
