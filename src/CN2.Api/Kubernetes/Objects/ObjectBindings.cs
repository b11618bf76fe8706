using System.Collections.Frozen;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>All kinds that are served; <c>AddObjectBinding</c> registers one.</summary>
internal sealed class ObjectBindings(IEnumerable<IObjectBinding> bindings)
{
    private readonly FrozenDictionary<ResourceDefinition, IObjectBinding> _ofDefinition =
        bindings.ToFrozenDictionary(b => b.Definition, (IEqualityComparer<ResourceDefinition>)ReferenceEqualityComparer.Instance);

    /// <summary>In the order of discovery.</summary>
    public IEnumerable<IObjectBinding> All => KubernetesResources.All.Where(_ofDefinition.ContainsKey).Select(d => _ofDefinition[d]);

    /// <summary>By what <see cref="Data.Rows.KubernetesObjectRow.Resource"/> says.</summary>
    public IObjectBinding? Find(string qualifiedName) => All.FirstOrDefault(b => b.Definition.QualifiedName == qualifiedName);

    public IObjectBinding? Find(ResourceDefinition definition) => _ofDefinition.GetValueOrDefault(definition);
}
