using System.Collections.Frozen;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The reader of every kind that is served.</summary>
internal sealed class ObjectReaders(ObjectBindings bindings, IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions, WrittenObjects written, TimeProvider time)
{
    private readonly FrozenDictionary<ResourceDefinition, IObjectReader> _readers = bindings.All.ToFrozenDictionary(
        b => b.Definition, IObjectReader (b) => new BoundObjectReader(b, contexts, versions, written, time), (IEqualityComparer<ResourceDefinition>)ReferenceEqualityComparer.Instance);

    /// <summary>The reader of a kind that is served.</summary>
    public IObjectReader Of(ResourceDefinition resource) => _readers[resource];
}
