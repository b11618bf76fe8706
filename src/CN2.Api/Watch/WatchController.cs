using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Selection;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Watch;

/// <summary>Server-sent events about resources.</summary>
[ApiController]
[Tags("Watch")]
public sealed class WatchController(WatchHub hub, WatchedKinds kinds, ChangeFeedReader feed, TimeProvider time, IHostApplicationLifetime lifetime) : ControllerBase
{
    /// <summary>
    /// Streams changes as server-sent events: <c>added</c>, <c>modified</c>, <c>deleted</c> with the resource as data and a resume token as id.
    /// Without Last-Event-ID everything comes first as <c>added</c>, then one <c>synced</c>.
    /// </summary>
    [HttpGet("v1/watch", Name = "Watch")]
    public async Task<IActionResult> Watch()
    {
        var faults = new FaultList();
        QueryNames.Check(Request, faults, "kinds", "namespace");
        var filter = ReadFilter(faults);
        var (token, isTooOld) = ReadToken(faults);
        if (faults.Count > 0) return new ProblemResult(ApiProblem.Validation(faults));

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(HttpContext.RequestAborted, lifetime.ApplicationStopping);
        using var subscription = await hub.SubscribeAsync(filter, ending.Token);
        if (isTooOld || (token is not null && !await feed.IsKnownAsync(token, ending.Token)))
            return new ProblemResult(new ApiProblem(410, ProblemCodes.TokenTooOld, "The token is too old", "What happened since is no longer kept; begin again without Last-Event-ID."));

        Response.ContentType = "text/event-stream";
        Response.Headers.CacheControl = "no-store";
        Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
        try
        {
            await new WatchStream(subscription, hub, kinds, feed, time).SendAsync(Response.Body, token, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client is gone or the server stops; the client can resume with its token.
        }
        catch (Exception e) when (PostgresErrors.IsAway(e))
        {
            // Half a stream cannot become an error answer: it ends, and the client comes back with its token.
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

    private WatchFilter ReadFilter(FaultList faults)
    {
        var wanted = new HashSet<ResourceKind>();
        foreach (var word in Request.Query["kinds"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (ResourceKinds.TryParse(word, out var kind)) wanted.Add(kind);
            else faults.Add("kinds", $"{word} is no collection; there are {string.Join(", ", ResourceKinds.AllCollections)}");
        }

        var ns = Request.Query["namespace"].ToString();
        if (ns.Length > 0 && NameSyntax.FaultOfDnsLabel(ns) is { } fault) faults.Add("namespace", fault);
        return new WatchFilter(wanted.Count > 0 ? wanted : kinds.Kinds.ToHashSet(), ns.Length > 0 ? ns : null);
    }
}
