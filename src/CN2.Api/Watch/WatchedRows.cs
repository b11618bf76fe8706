using CN2.Api.Access;
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

    public async Task<(IReadOnlyList<ResourceBody> Resources, Guid? Last)> ListAsync(CN2DbContext db, NamespaceScope scope, Guid after, int count, CancellationToken cancellationToken)
    {
        // Of what belongs to no namespace, a caller who does not see everything sees the Namespaces that it may see.
        if (!kind.IsNamespaced() && (scope.Namespace is not null || (scope.Visible is not null && kind != ResourceKind.Namespace))) return ([], null);
        var rows = db.Set<TRow>().AsNoTracking().Where(r => r.Uid > after);
        if (scope.Namespace is { } ns) rows = rows.Where(r => EF.Property<string>(r, nameof(NamespacedRow.Namespace)) == ns);
        else if (scope.Visible?.ToArray() is { } several) rows = kind == ResourceKind.Namespace ? rows.Where(r => several.Contains(r.Name)) : rows.Where(r => several.Contains(EF.Property<string>(r, nameof(NamespacedRow.Namespace))));
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
