using CN2.Api.Access;
using CN2.Api.Authorization;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Selection;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Watch;

/// <summary>Server-sent events about changes of resources.</summary>
[ApiController]
[AccessTarget(AccessResource.Watch)]
[Tags("Watch")]
public sealed class WatchController(WatchHub hub, WatchedKinds kinds, WatchSlots slots, ChangeFeedReader feed, AccessState access, TimeProvider time, IHostApplicationLifetime lifetime) : ControllerBase
{
    /// <summary>
    /// Streams changes as server-sent events: <c>added</c>, <c>modified</c>, <c>deleted</c> with the resource as data and a resume token as id.
    /// Without Last-Event-ID, all resources come first as <c>added</c>, then one <c>synced</c>.
    /// </summary>
    [HttpGet("v1/watch", Name = "Watch")]
    [LongRunning]
    public async Task<IActionResult> Watch()
    {
        var faults = new FaultList();
        QueryNames.Check(Request, faults, "kinds", "namespace");
        var filter = ReadFilter(faults);
        var (token, isTooOld) = ReadToken(faults);
        if (faults.Count > 0) return new ProblemResult(ApiProblem.Validation(faults));
        (filter, var refused) = Restrict(filter);
        if (refused is not null) return new ProblemResult(refused);

        using var slot = slots.TryTake(CallerKey.Of(HttpContext), out var full);
        if (slot is null) return new ProblemResult(ApiProblem.TooManyRequests(full!, WatchSlots.RetryAfterSeconds));
        using var rights = new RightsLease(access, HttpContext);
        using var ending = CallerLifetime.Of(HttpContext).Link(time, HttpContext.RequestAborted, lifetime.ApplicationStopping, rights.Ended);
        if (isTooOld || (token is not null && !await feed.IsKnownAsync(token, ending.Token)))
            return new ProblemResult(new ApiProblem(410, ProblemCodes.TokenTooOld, "The token is too old", "What happened since is no longer kept; begin again without Last-Event-ID."));

        Response.ContentType = "text/event-stream";
        Response.Headers.CacheControl = "no-store";
        Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
        try
        {
            await new WatchStream(filter, ct => hub.SubscribeAsync(filter, ct), hub, kinds, feed, time).SendAsync(Response.Body, token, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client is gone, its caller may not go on or may do something else, or the server stops; the client can resume with its token.
        }
        catch (Exception e) when (PostgresErrors.IsAway(e) && Response.HasStarted)
        {
            // Half a stream cannot become an error answer, and a client that hardly reads would take none: it comes back with its token.
            HttpContext.Abort();
        }

        return new EmptyResult();
    }

    /// <summary>The token to resume from; null: begin with the list.</summary>
    private (FeedPosition? Token, bool IsTooOld) ReadToken(FaultList faults)
    {
        var text = Request.Headers["Last-Event-ID"].ToString();
        if (text is "" or WatchStream.Beginning) return (null, false);
        if (FeedPosition.TryParse(text, out var token)) return (token, token is null);
        faults.Add("Last-Event-ID", "must be the id of an event of this stream");
        return (null, false);
    }

    /// <summary>A kind that the client names must be one that it may watch; without names it gets those that it may.</summary>
    private (WatchFilter Filter, ApiProblem? Refused) Restrict(WatchFilter asked)
    {
        var (rights, ns) = (CallerRights.Of(HttpContext), asked.Scope.Namespace);
        bool May(ResourceKind kind) => AccessRules.Decide(rights, AccessVerb.Watch, KindAccess.Of(kind), ns) != AccessDecision.Refused;
        var refused = asked.Kinds.Where(k => !May(k)).Order().Select(k => (AccessResource?)KindAccess.Of(k)).FirstOrDefault();
        var filter = asked.Kinds.Count > 0 ? asked : asked with { Kinds = kinds.Kinds.Where(May).ToHashSet() };
        if (filter.Kinds.Count == 0) refused = AccessResource.Watch;
        return (filter, refused is { } resource ? ApiProblem.Forbidden(Caller.Of(HttpContext), AccessVerb.Watch, resource, ns) : null);
    }

    private WatchFilter ReadFilter(FaultList faults)
    {
        var wanted = new HashSet<ResourceKind>();
        var words = Request.Query["kinds"] is { Count: > 0 } given ? given.ToString().Split(',', StringSplitOptions.TrimEntries) : [];
        foreach (var word in words)
        {
            if (ResourceKinds.TryParse(word, out var kind) && kinds.Kinds.Contains(kind)) wanted.Add(kind);
            else faults.Add("kinds", $"{word} is no collection that can be watched; there are {string.Join(", ", kinds.Kinds.Select(k => k.Collection()).Order(StringComparer.Ordinal))}");
        }

        var ns = Request.Query["namespace"].ToString();
        if (ns.Length > 0 && NameSyntax.FaultOfDnsLabel(ns) is { } fault) faults.Add("namespace", fault);
        return new WatchFilter(wanted, NamespaceScope.Of(HttpContext, ns.Length > 0 ? ns : null));
    }
}
