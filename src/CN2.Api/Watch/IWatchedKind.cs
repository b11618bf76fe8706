using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;

namespace CN2.Api.Watch;

/// <summary>What a resource gives to be watched: its representations, exactly as GET answers them. Registered by the resource's AddX.</summary>
public interface IWatchedKind
{
    ResourceKind Kind { get; }

    /// <summary>Those of these that exist.</summary>
    Task<IReadOnlyList<ResourceBody>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken cancellationToken);

    /// <summary>Up to <paramref name="count"/> in the order of uid after <paramref name="after"/>, of one namespace or (null) all.</summary>
    Task<IReadOnlyList<ResourceBody>> ListAsync(CN2DbContext db, string? ns, Guid after, int count, CancellationToken cancellationToken);
}
