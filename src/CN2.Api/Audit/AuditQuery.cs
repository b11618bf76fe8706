using System.Globalization;
using CN2.Api.Http;

namespace CN2.Api.Audit;

/// <summary>The validated query of <c>GET /v1/audit</c>.</summary>
/// <param name="Page">The limit, and the cursor.</param>
/// <param name="Caller">Only entries of the caller of this name.</param>
/// <param name="Namespace">Only entries about what is in this namespace.</param>
/// <param name="Name">Only entries about what has this name.</param>
/// <param name="Resource">Only entries about this collection, or this kind of the Kubernetes API.</param>
/// <param name="RequestId">Only entries of the request of this id.</param>
/// <param name="From">Only entries at this time or later.</param>
/// <param name="To">Only entries before this time.</param>
/// <param name="After">The page begins behind this entry; null: at the newest.</param>
internal sealed record AuditQuery(
    ListQuery Page, string? Caller, string? Namespace, string? Name, string? Resource, string? RequestId, DateTimeOffset? From, DateTimeOffset? To, (DateTimeOffset At, long Id)? After)
{
    private static readonly string[] Texts = ["caller", "namespace", "name", "resource", "requestId"];
    private static readonly string[] Filters = [.. Texts, "from", "to"];
    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz"];

    /// <summary>One more than the limit only shows that there is a next page.</summary>
    public int Rows => Page.Limit + 1;

    /// <summary>Exactly one of the results is set.</summary>
    public static (AuditQuery? Query, ApiProblem? Refused) Read(HttpRequest request)
    {
        var (page, refused) = ListQuery.ReadWithoutSelector(request, Filters);
        if (refused is not null) return (null, refused);
        var faults = new FaultList();
        foreach (var name in Texts)
        {
            if (request.Query[name].ToString().Contains('\0', StringComparison.Ordinal)) faults.Add(name, "must not contain U+0000");
        }

        var (from, to) = (TimeOf(request, "from", faults), TimeOf(request, "to", faults));
        (DateTimeOffset, long)? after = null;
        if (page!.After is var (at, id))
        {
            if (long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTimeOffset.MaxValue.Ticks && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                after = (new DateTimeOffset(ticks, TimeSpan.Zero), number);
            else faults.Add("cursor", "must be the nextCursor of an answer to the same query; leave it out to begin again");
        }

        if (faults.Count > 0) return (null, ApiProblem.Validation(faults));
        return (new AuditQuery(page, Text(request, "caller"), Text(request, "namespace"), Text(request, "name"), Text(request, "resource"), Text(request, "requestId"), from, to, after), null);
    }

    private static string? Text(HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    private static DateTimeOffset? TimeOf(HttpRequest request, string name, FaultList faults)
    {
        if (Text(request, name) is not { } text) return null;
        if (DateTimeOffset.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time;
        faults.Add(name, "must be a time such as 2026-01-31T12:00:00Z (RFC 3339); + is written %2B in a query");
        return null;
    }
}
