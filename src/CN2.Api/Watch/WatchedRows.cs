using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Resources;
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

    public async Task<(IReadOnlyList<ResourceBody> Resources, Guid? Last)> ListAsync(CN2DbContext db, string? ns, Guid after, int count, CancellationToken cancellationToken)
    {
        if (ns is not null && !kind.IsNamespaced()) return ([], null);
        var rows = db.Set<TRow>().AsNoTracking().Where(r => r.Uid > after);
        if (ns is not null) rows = rows.Where(r => EF.Property<string>(r, nameof(NamespacedRow.Namespace)) == ns);
        var page = new List<TRow>();
        long size = 0;
        await foreach (var row in rows.OrderBy(r => r.Uid).Take(count).AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            page.Add(row);
            size += RowSize.Of(row);
            if (size > Limits.Page) break;
        }

        return (await toResources(db, page, cancellationToken), page.Count == count || size > Limits.Page ? page[^1].Uid : null);
    }
}
