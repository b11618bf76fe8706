using System.Collections.Frozen;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The reader of every kind that is served.</summary>
internal sealed class ObjectReaders : IDisposable
{
    private readonly FrozenDictionary<ResourceDefinition, IObjectReader> _readers;
    private readonly List<HeldObjects> _held = [];

    public ObjectReaders(ObjectBindings bindings, IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions, ChangeFeedReader feed, TimeProvider time)
    {
        _readers = bindings.All.ToFrozenDictionary(
            b => b.Definition, IObjectReader (b) => new BoundObjectReader(b, contexts, versions, HeldOf(b)), (IEqualityComparer<ResourceDefinition>)ReferenceEqualityComparer.Instance);

        HeldObjects? HeldOf(IObjectBinding binding)
        {
            if (binding is not IIdentifiedBinding identified) return null;
            var held = new HeldObjects(identified, contexts, versions, feed, time);
            _held.Add(held);
            return held;
        }
    }

    /// <summary>The reader of a kind that is served.</summary>
    public IObjectReader Of(ResourceDefinition resource) => _readers[resource];

    public void Dispose() => _held.ForEach(h => h.Dispose());
}
