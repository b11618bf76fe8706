using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Resources;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Writes;

/// <summary>
/// Pages of a collection as EF queries: the label selector, the keyset after the cursor, the order, and one row more than the limit. A page
/// of large rows ends early (<see cref="Limits.Page"/>); the answer's cursor goes on behind it.
/// </summary>
public static class Listing
{
    /// <summary>Rows of one statement. It bounds what is read in vain when the rows are so large that the page ends early.</summary>
    private const int Step = 128;

    /// <summary>The rows of one namespace; null: of all.</summary>
    public static IQueryable<T> In<T>(this IQueryable<T> rows, string? ns) where T : NamespacedRow =>
        ns is null ? rows : rows.Where(r => r.Namespace == ns);

    /// <summary>The rows of one namespace, or of all that the caller may see.</summary>
    public static IQueryable<T> In<T>(this IQueryable<T> rows, NamespaceScope scope) where T : NamespacedRow =>
        scope.Several?.ToArray() is { } several ? rows.Where(r => several.Contains(r.Namespace)) : rows.In(scope.Namespace);

    /// <summary>Those of the names; null: all.</summary>
    public static IQueryable<NamespaceRow> Named(this IQueryable<NamespaceRow> rows, IReadOnlySet<string>? names) =>
        names?.ToArray() is { } some ? rows.Where(r => some.Contains(r.Name)) : rows;

    public static Task<List<T>> NamespacedPageAsync<T>(this IQueryable<T> rows, ListQuery query, CancellationToken cancellationToken) where T : NamespacedRow
    {
        var ordered = rows.Matching(query.Selector).OrderBy(r => r.Namespace).ThenBy(r => r.Name);
        return ReadAsync<T>(query, last => (last is null ? query.After : (last.Namespace, last.Name)) is var (ns, name)
            ? ordered.Where(r => EF.Functions.GreaterThan(ValueTuple.Create(r.Namespace, r.Name), ValueTuple.Create(ns, name)))
            : ordered, cancellationToken);
    }

    public static Task<List<T>> PageAsync<T>(this IQueryable<T> rows, ListQuery query, CancellationToken cancellationToken) where T : ResourceRow
    {
        var ordered = rows.Matching(query.Selector).OrderBy(r => r.Name);
        return ReadAsync<T>(query, last => (last is null ? query.After?.Name : last.Name) is { } name
            ? ordered.Where(r => string.Compare(r.Name, name) > 0)
            : ordered, cancellationToken);
    }

    /// <summary>The rows whose labels match. As in Kubernetes, <c>!=</c> and <c>notin</c> also match rows without the label.</summary>
    public static IQueryable<T> Matching<T>(this IQueryable<T> rows, LabelSelector? selector) where T : ResourceRow =>
        LabelPath.Of(selector) is { } path ? rows.Where(r => CN2DbContext.LabelsMatch(r.Labels, path)) : rows;

    /// <param name="after">The rows after the last one that was read, in order; null: those of the page's beginning.</param>
    private static async Task<List<T>> ReadAsync<T>(ListQuery query, Func<T?, IQueryable<T>> after, CancellationToken cancellationToken) where T : ResourceRow
    {
        var page = new List<T>();
        long size = 0;
        while (true)
        {
            var wanted = Math.Min(Step, query.Limit + 1 - page.Count);
            var read = 0;
            await foreach (var row in after(page.LastOrDefault()).Take(wanted).AsAsyncEnumerable().WithCancellation(cancellationToken))
            {
                read++;
                page.Add(row);
                size += RowSize.Of(row);
                if (size <= Limits.Page || page.Count == 1) continue;
                // This row only shows that there is a next page.
                query.EndAfter(page.Count - 1);
                return page;
            }

            if (read < wanted || page.Count > query.Limit) return page;
        }
    }
}
