using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Api.Http;

/// <summary>
/// The validated <c>limit</c>, <c>cursor</c> and <c>labelSelector</c> of a collection. The order is (namespace, name). A cursor holds the
/// last pair of its page and a hash of the collection and its filters, so that a cursor of another query is refused.
/// </summary>
public sealed class ListQuery
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = Limits.PageItems;
    private readonly byte[] _binding;

    private ListQuery(int limit, LabelSelector? selector, (string Namespace, string Name)? after, byte[] binding)
    {
        Limit = limit;
        Selector = selector;
        After = after;
        _binding = binding;
    }

    /// <summary>The most items of this page.</summary>
    public int Limit { get; private set; }

    /// <summary>Null: all resources.</summary>
    public LabelSelector? Selector { get; }

    /// <summary>The page begins after this pair; the namespace is empty in a collection without namespaces.</summary>
    public (string Namespace, string Name)? After { get; }

    /// <summary>
    /// Reads the query. <paramref name="filters"/> names the collection's own query parameters, such as <c>address</c>. Exactly one of the
    /// results is set.
    /// </summary>
    public static (ListQuery? Query, ApiProblem? Refused) Read(HttpRequest request, params ReadOnlySpan<string> filters) => Read(request, ["limit", "cursor", "labelSelector"], filters);

    /// <summary>Of a collection whose items have no labels.</summary>
    public static (ListQuery? Query, ApiProblem? Refused) ReadWithoutSelector(HttpRequest request, params ReadOnlySpan<string> filters) => Read(request, ["limit", "cursor"], filters);

    private static (ListQuery? Query, ApiProblem? Refused) Read(HttpRequest request, ReadOnlySpan<string> ofEach, ReadOnlySpan<string> filters)
    {
        var faults = new FaultList();
        QueryNames.Check(request, faults, [.. ofEach, .. filters]);
        var limit = DefaultLimit;
        if (request.Query["limit"] is { Count: > 0 } limitText
            && !(int.TryParse(limitText.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaxLimit))
            faults.Add("limit", $"must be a whole number from 1 to {MaxLimit}");

        LabelSelector? selector = null;
        var selectorText = request.Query["labelSelector"].ToString();
        if (selectorText.Length > 0 && !LabelSelector.TryParse(selectorText, out selector, out var error))
            faults.Add("labelSelector", error);

        var bound = new StringBuilder(request.Path.Value).Append('\n').Append(selectorText);
        foreach (var filter in filters) bound.Append('\n').Append(filter).Append('=').Append(request.Query[filter].ToString());
        var binding = SHA256.HashData(Encoding.UTF8.GetBytes(bound.ToString()))[..8];

        (string, string)? after = null;
        if (request.Query["cursor"] is { Count: > 0 } cursor && !TryReadCursor(cursor.ToString(), binding, out after))
            faults.Add("cursor", "must be the nextCursor of an answer to the same query; leave it out to begin again");

        return faults.Count > 0 ? (null, ApiProblem.Validation(faults)) : (new ListQuery(limit, selector, after, binding), null);
    }

    /// <summary>A page that another front asks for; it has no cursor.</summary>
    /// <param name="limit">The most items, at least 1.</param>
    /// <param name="selector">Null: all resources.</param>
    /// <param name="after">The page begins after this pair; null: at the first.</param>
    internal static ListQuery Of(int limit, LabelSelector? selector, (string Namespace, string Name)? after) => new(limit, selector, after, []);

    /// <summary>Ends the page after this many items, because what comes next would make it larger than <see cref="Limits.Page"/>.</summary>
    public void EndAfter(int items) => Limit = Math.Min(Limit, items);

    /// <summary>Makes a page of up to <see cref="Limit"/> + 1 items; the last one only shows that there is a next page.</summary>
    public Page<T> ToPage<T>(IReadOnlyList<T> found, Func<T, (string? Namespace, string Name)> identity)
    {
        if (found.Count <= Limit) return new Page<T>(found, null);
        var items = found.Take(Limit).ToList();
        var (ns, name) = identity(items[^1]);
        return new Page<T>(items, Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new[] { Convert.ToHexString(_binding), ns ?? "", name })));
    }

    private static bool TryReadCursor(string text, byte[] binding, out (string Namespace, string Name)? after)
    {
        after = null;
        try
        {
            if (JsonSerializer.Deserialize<string[]>(Base64Url.DecodeFromChars(text)) is not [{ } hash, { } ns, { } name]
                || hash != Convert.ToHexString(binding) || ns.Contains('\0', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                return false;
            after = (ns, name);
            return true;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
