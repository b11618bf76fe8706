using System.Globalization;
using CN2.Api.Access;
using CN2.Api.Authorization;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Events;

/// <summary>Events: what happened and why. They are kept for 24 hours by default.</summary>
[ApiController]
[AccessTarget(AccessResource.Events)]
[Tags("Events")]
public sealed class EventsController(CN2DbContext db) : ControllerBase
{
    /// <summary>Lists events, the newest first: of all resources, or of the resource in <c>regarding</c>.</summary>
    [HttpGet("v1/events", Name = "ListEvents")]
    [ProducesResponseType<Page<EventBody>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request, "regarding");
        if (refused is not null) return new ProblemResult(refused);
        if (query!.Selector is not null) return new ProblemResult(ApiProblem.Validation("labelSelector", "means nothing here: events have no labels; name what they regard"));
        var rights = CallerRights.Of(HttpContext);
        var rows = db.Events.AsQueryable();
        if (rights.Visible?.ToArray() is { } visible) rows = rows.Where(e => visible.Contains(e.Namespace!) || (e.Kind == ResourceKind.Namespace && visible.Contains(e.Name)));
        if (Request.Query["regarding"].ToString() is { Length: > 0 } regarding)
        {
            if (!TryParse(regarding, out var kind, out var ns, out var name))
                return new ProblemResult(ApiProblem.Validation("regarding", "must be collection/namespace/name or collection/name, such as services/ns1/my-service"));
            var where = kind == ResourceKind.Namespace ? name : ns;
            if (AccessRules.Decide(rights, AccessVerb.List, KindAccess.Of(kind), where) == AccessDecision.Refused)
                return new ProblemResult(ApiProblem.Forbidden(Caller.Of(HttpContext), AccessVerb.List, AccessResource.Events, where));
            rows = rows.Where(e => e.Kind == kind && e.Namespace == ns && e.Name == name);
        }

        if (query.After is var (_, last) && long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var before)) rows = rows.Where(e => e.Id < before);
        var found = await rows.OrderByDescending(e => e.Id).Take(query.Limit + 1).ToListAsync(cancellationToken);
        var page = query.ToPage(found, e => (null, e.Id.ToString(CultureInfo.InvariantCulture)));
        return Answer.Json(200, new Page<EventBody>([.. page.Items.Select(ToBody)], page.NextCursor));
    }

    private static EventBody ToBody(EventRow row) => new(
        row.Namespace is null ? $"{row.Kind.Collection()}/{row.Name}" : $"{row.Kind.Collection()}/{row.Namespace}/{row.Name}", row.At, row.Type, row.Reason, row.Message);

    private static bool TryParse(string text, out ResourceKind kind, out string? ns, out string name)
    {
        var parts = text.Split('/');
        ns = parts.Length == 3 ? parts[1] : null;
        name = parts[^1];
        return ResourceKinds.TryParse(parts[0], out kind) && parts.Length == (kind.IsNamespaced() ? 3 : 2)
            && ResourceRules.IsLongName(name) && (ns is null || ResourceRules.IsName(ns));
    }
}
