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

    /// <summary>Up to <paramref name="count"/> resources after <paramref name="after"/> in the order of their uids, of one namespace or (null) of all.</summary>
    Task<IReadOnlyList<ResourceBody>> ListAsync(CN2DbContext db, string? ns, Guid after, int count, CancellationToken cancellationToken);
}
