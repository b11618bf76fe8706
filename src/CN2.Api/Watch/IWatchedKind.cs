using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;

namespace CN2.Api.Watch;

/// <summary>One kind of resource that can be watched: it loads resources in the form in which GET answers them. Each resource's AddX registers its own.</summary>
public interface IWatchedKind
{
    ResourceKind Kind { get; }

    /// <summary>The resources with these uids, without those that no longer exist.</summary>
    Task<IReadOnlyList<ResourceBody>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken cancellationToken);

    /// <summary>
    /// Resources after <paramref name="after"/> in the order of their uids, that are in <paramref name="scope"/>: <paramref name="count"/> of them,
    /// or fewer when they are large. The uid of the last one; null: there are no more.
    /// </summary>
    Task<(IReadOnlyList<ResourceBody> Resources, Guid? Last)> ListAsync(CN2DbContext db, NamespaceScope scope, Guid after, int count, CancellationToken cancellationToken);
}
