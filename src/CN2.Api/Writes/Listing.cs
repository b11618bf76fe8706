using System.Linq.Expressions;
using System.Text.Json;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Writes;

/// <summary>Pages of a collection as EF queries: the label selector, the keyset after the cursor, the order, and one row more than the limit.</summary>
public static class Listing
{
    /// <summary>The rows of one namespace; null: of all.</summary>
    public static IQueryable<T> In<T>(this IQueryable<T> rows, string? ns) where T : NamespacedRow =>
        ns is null ? rows : rows.Where(r => r.Namespace == ns);

    public static Task<List<T>> NamespacedPageAsync<T>(this IQueryable<T> rows, ListQuery query, CancellationToken cancellationToken) where T : NamespacedRow
    {
        if (query.After is var (ns, name))
            rows = rows.Where(r => EF.Functions.GreaterThan(ValueTuple.Create(r.Namespace, r.Name), ValueTuple.Create(ns, name)));
        return rows.Matching(query.Selector).OrderBy(r => r.Namespace).ThenBy(r => r.Name).Take(query.Limit + 1).ToListAsync(cancellationToken);
    }

    public static Task<List<T>> PageAsync<T>(this IQueryable<T> rows, ListQuery query, CancellationToken cancellationToken) where T : ResourceRow
    {
        if (query.After is var (_, name)) rows = rows.Where(r => string.Compare(r.Name, name) > 0);
        return rows.Matching(query.Selector).OrderBy(r => r.Name).Take(query.Limit + 1).ToListAsync(cancellationToken);
    }

    /// <summary>The rows whose labels match. As in Kubernetes, <c>!=</c> and <c>notin</c> also match rows without the label.</summary>
    public static IQueryable<T> Matching<T>(this IQueryable<T> rows, LabelSelector? selector) where T : ResourceRow
    {
        foreach (var requirement in selector?.Requirements ?? [])
        {
            var key = requirement.Key;
            rows = requirement.Operator switch
            {
                LabelOperator.Exists => rows.Where(r => EF.Functions.JsonExists(r.Labels, key)),
                LabelOperator.DoesNotExist => rows.Where(r => !EF.Functions.JsonExists(r.Labels, key)),
                LabelOperator.In => rows.Where(AnyOf<T>(key, requirement.Values)),
                LabelOperator.NotIn => rows.Where(Not(AnyOf<T>(key, requirement.Values))),
                _ => throw new InvalidOperationException($"Unknown operator {requirement.Operator}"),
            };
        }

        return rows;
    }

    private static Expression<Func<T, bool>> AnyOf<T>(string key, IReadOnlyList<string> values) where T : ResourceRow
    {
        // The GIN index serves the form labels @> '{"key":"value"}'.
        Expression? any = null;
        var row = Expression.Parameter(typeof(T), "r");
        foreach (var value in values)
        {
            var json = JsonSerializer.Serialize(new Dictionary<string, string> { [key] = value });
            Expression<Func<T, bool>> one = r => EF.Functions.JsonContains(r.Labels, json);
            var body = new Rename(one.Parameters[0], row).Visit(one.Body);
            any = any is null ? body : Expression.OrElse(any, body);
        }

        return Expression.Lambda<Func<T, bool>>(any ?? Expression.Constant(false), row);
    }

    private static Expression<Func<T, bool>> Not<T>(Expression<Func<T, bool>> predicate) =>
        Expression.Lambda<Func<T, bool>>(Expression.Not(predicate.Body), predicate.Parameters);

    private sealed class Rename(ParameterExpression from, ParameterExpression to) : ExpressionVisitor
    {
        protected override Expression VisitParameter(ParameterExpression node) => node == from ? to : node;
    }
}
