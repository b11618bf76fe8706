using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Views;

/// <summary>The resources that this server really answers for, in the order of discovery: those with a binding, and the reviews of access.</summary>
internal sealed class ServedResources(ObjectBindings bindings)
{
    public IReadOnlyList<ResourceDefinition> All { get; } =
    [
        .. KubernetesResources.All.Where(r => ReferenceEquals(r, AccessReviewSchema.Definition) || ReferenceEquals(r, RulesReviewSchema.Definition) || bindings.Find(r) is not null),
    ];
}
