using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Watch;

/// <summary>An <see cref="IWatchedKind"/> over one table; <paramref name="toResources"/> is the mapping that the resource's GET uses.</summary>
public sealed class WatchedRows<TRow>(
    ResourceKind kind, Func<CN2DbContext, IReadOnlyList<TRow>, CancellationToken, Task<IReadOnlyList<ResourceBody>>> toResources) : IWatchedKind
    where TRow : ResourceRow
{
    public ResourceKind Kind => kind;

    public async Task<IReadOnlyList<ResourceBody>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken cancellationToken) =>
        await toResources(db, await db.Set<TRow>().AsNoTracking().Where(r => uids.Contains(r.Uid)).ToListAsync(cancellationToken), cancellationToken);

    public async Task<IReadOnlyList<ResourceBody>> ListAsync(CN2DbContext db, string? ns, Guid after, int count, CancellationToken cancellationToken)
    {
        if (ns is not null && !kind.IsNamespaced()) return [];
        var rows = db.Set<TRow>().AsNoTracking().Where(r => r.Uid > after);
        if (ns is not null) rows = rows.Where(r => EF.Property<string>(r, nameof(NamespacedRow.Namespace)) == ns);
        return await toResources(db, await rows.OrderBy(r => r.Uid).Take(count).ToListAsync(cancellationToken), cancellationToken);
    }
}
