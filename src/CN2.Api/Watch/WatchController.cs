using System.Buffers;
using System.Text;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Selection;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Watch;

/// <summary>Server-sent events about resources.</summary>
[ApiController]
[Tags("Watch")]
public sealed class WatchController(WatchHub hub, WatchedKinds kinds, ChangeFeedReader feed, IHostApplicationLifetime lifetime) : ControllerBase
{
    /// <summary>The id of what comes before <c>synced</c>: a client that was cut off there has not everything yet, and gets it anew.</summary>
    private static readonly FeedPosition Beginning = new(0, 0);

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

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
        var token = default(FeedPosition);
        var resumes = Request.Headers.TryGetValue("Last-Event-ID", out var given) && given.ToString().Length > 0;
        if (resumes && !FeedPosition.TryParse(given.ToString(), out token)) faults.Add("Last-Event-ID", "must be the id of an event of this stream");
        if (token == Beginning) resumes = false;
        if (faults.Count > 0) return new ProblemResult(ApiProblem.Validation(faults));

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(HttpContext.RequestAborted, lifetime.ApplicationStopping);
        using var subscription = await hub.SubscribeAsync(filter, ending.Token);
        // A token from the future belongs to another database.
        if (resumes && (token.CompareTo(await feed.HorizonAsync(ending.Token)) < 0 || token.Xid > (await feed.EndAsync(ending.Token)).Xid + 1))
            return new ProblemResult(new ApiProblem(410, ProblemCodes.TokenTooOld, "The token is too old", "What happened since is no longer kept; begin again without Last-Event-ID."));

        Response.ContentType = "text/event-stream";
        Response.Headers.CacheControl = "no-store";
        Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await StreamAsync(subscription, resumes ? token : null, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client is gone or the server stops; the client's token carries it on.
        }
        catch (Exception e) when (PostgresErrors.IsAway(e))
        {
            // Half a stream cannot become an error answer: it ends, and the client comes back with its token.
            HttpContext.Abort();
        }

        return new EmptyResult();
    }

    private async Task StreamAsync(WatchHub.Subscription subscription, FeedPosition? token, CancellationToken cancellationToken)
    {
        FeedSnapshot? seen = null;
        if (token is { } from) await CatchUpAsync(subscription, from, cancellationToken);
        else seen = await ListAsync(subscription.Filter, cancellationToken);
        await Response.BodyWriter.FlushAsync(cancellationToken);

        while (true)
        {
            while (subscription.Events.TryRead(out var e))
            {
                if (seen is null || !seen.Sees(e.Position.Xid)) Write(e.Verb, e.Position, e.Data);
            }

            await Response.BodyWriter.FlushAsync(cancellationToken);
            var more = subscription.Events.WaitToReadAsync(cancellationToken).AsTask();
            while (await Task.WhenAny(more, Task.Delay(Heartbeat, cancellationToken)) != more)
            {
                Response.BodyWriter.Write(": heartbeat\n\n"u8);
                await Response.BodyWriter.FlushAsync(cancellationToken);
            }

            if (!await more) return; // too slow: closed by the hub
        }
    }

    private async Task<FeedSnapshot> ListAsync(WatchFilter filter, CancellationToken cancellationToken)
    {
        FeedSnapshot? snapshot = null;
        var count = 0;
        await foreach (var (at, body) in kinds.ListAsync(filter, cancellationToken))
        {
            snapshot = at;
            if (body is { } data) Write("added", Beginning, data);
            if (++count % 100 == 0) await Response.BodyWriter.FlushAsync(cancellationToken);
        }

        Write("synced", new FeedPosition(snapshot!.Xmin - 1, long.MaxValue), "{}"u8.ToArray());
        return snapshot;
    }

    private async Task CatchUpAsync(WatchHub.Subscription subscription, FeedPosition from, CancellationToken cancellationToken)
    {
        while (from.CompareTo(subscription.Start) < 0)
        {
            var rows = await feed.ReadAsync(from, 500, cancellationToken);
            rows.RemoveAll(r => new FeedPosition(r.Xid, r.Id).CompareTo(subscription.Start) > 0);
            if (rows.Count == 0) return;
            foreach (var (_, e) in await hub.ToEventsAsync(rows, subscription.Filter.Matches, cancellationToken)) Write(e.Verb, e.Position, e.Data);
            await Response.BodyWriter.FlushAsync(cancellationToken);
            from = new FeedPosition(rows[^1].Xid, rows[^1].Id);
        }
    }

    private void Write(string verb, FeedPosition position, ReadOnlyMemory<byte> data)
    {
        var writer = Response.BodyWriter;
        writer.Write(Encoding.ASCII.GetBytes($"id: {position}\nevent: {verb}\ndata: "));
        writer.Write(data.Span);
        writer.Write("\n\n"u8);
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
