using CN2.Api.Access;
using CN2.Api.Authorization;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Tables;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Kubernetes.Watch;
using CN2.Api.Options;
using CN2.Api.Watch;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Answers GET of a collection: a list, or with <c>watch=true</c> a watch.</summary>
internal sealed class ObjectCollections(
    ObjectReaders readers, ObjectLists lists, ObjectHub hub, ObjectVersions versions, ChangeFeedReader feed, WatchSlots slots, AccessState access, ControlNodeOptions names, TimeProvider time,
    IHostApplicationLifetime lifetime)
{
    /// <summary>Kubernetes ends a watch without a timeout after 30 to 60 minutes, so that the connections spread again.</summary>
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromMinutes(30);

    /// <param name="http">The request; the answer is written to it.</param>
    /// <param name="binding">Of the path.</param>
    /// <param name="ns">Of the path; null: all namespaces, or the kind is cluster-scoped.</param>
    public async Task ServeAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var resource = binding.Definition;
        var malformed = new List<string>();
        var invalid = new FaultList();
        var request = ListRequestReader.Read(http.Request.Query, resource, ns, malformed, invalid);
        if (Negotiation.IncludeOf(http.Request.Query["includeObject"].ToString()) is not { } include)
        {
            malformed.Add("includeObject must be None, Metadata or Object");
            include = RowObject.Metadata;
        }

        if (ListRequestReader.Refusal(malformed, invalid) is { } problem)
        {
            await ObjectAnswer.WriteAsync(http, problem);
            return;
        }

        if (Negotiation.FormOf(http.Request.Headers.Accept.ToString() is { Length: > 0 } accept ? accept : null, include) is not { } form)
        {
            await ObjectAnswer.WriteAsync(http, new FailureStatus(StatusCodes.Status406NotAcceptable, StatusReason.NotAcceptable, Negotiation.Accepted));
            return;
        }

        var reader = readers.Of(resource);
        FormWriter Writer() => new(form, resource, new TableContext(time.GetUtcNow(), names.ClusterName));
        var scope = NamespaceScope.Of(http, ns);
        if (request.IsWatch) await WatchAsync(http, reader, request, scope, form, Writer);
        else await ListAsync(http, reader, request, scope, Writer());
    }

    private async Task ListAsync(HttpContext http, IObjectReader reader, ListRequest request, NamespaceScope scope, FormWriter writer)
    {
        var (refused, fresh) = await lists.CheckAsync(reader, scope.Namespace, request, http.RequestAborted);
        if (refused is not null)
        {
            var answer = refused.ToJson();
            if (fresh is not null) answer["metadata"]!["continue"] = fresh.ToString();
            await ObjectAnswer.WriteAsync(http, refused.Code, answer);
            return;
        }

        var hasBegun = false;
        try
        {
            await ObjectLists.WriteAsync(reader, scope, request, writer, () =>
            {
                if (!AnswerTurn.TryTake(http)) throw new OperationCanceledException();
                hasBegun = true;
                Begin(http);
            }, http.Response.Body, http.RequestAborted);
        }
        catch (Exception e) when (hasBegun && (e is OperationCanceledException || PostgresErrors.IsAway(e)))
        {
            http.Abort(); // half a list cannot become an error answer
        }
    }

    private async Task WatchAsync(HttpContext http, IObjectReader reader, ListRequest request, NamespaceScope scope, ObjectForm form, Func<FormWriter> writer)
    {
        using var slot = slots.TryTake(CallerKey.Of(http), out var full);
        if (slot is null)
        {
            await ProblemResult.WriteAsync(http, ApiProblem.TooManyRequests(full!, WatchSlots.RetryAfterSeconds));
            return;
        }

        using var rights = new RightsLease(access, http);
        using var ending = CallerLifetime.Of(http).Link(time, http.RequestAborted, lifetime.ApplicationStopping, rights.Ended);
        var isOfVersion = request.Version is not null && request.HasInitialEvents != true;
        // As long as nothing has been sent, a database that does not answer is an answer (503).
        var begin = isOfVersion ? await versions.FindAsync(request.Version!.Value, ending.Token) : await feed.EndAsync(ending.Token);
        Begin(http);
        var body = new BufferedStream(new PatientStream(http.Response.Body, TimeSpan.FromSeconds(Limits.WatchWriteSeconds), time), 16 * 1024);
        using var over = new CancellationTokenSource(request.Timeout ?? ShortestWatch * (1 + Random.Shared.NextDouble()), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, over.Token);
        try
        {
            await http.Response.StartAsync(both.Token); // the client knows that it watches, also while nothing happens
            await http.Response.Body.FlushAsync(both.Token);
            if (begin is null) await ObjectWatch.FailAsync(body, both.Token);
            else await new ObjectWatch(hub, reader, request, scope, form, writer, feed, time).SendAsync(body, begin, isOfVersion, both.Token);
        }
        catch (OperationCanceledException) when (rights.Ended.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            await ObjectWatch.FailAsync(body, http.RequestAborted); // the client lists again: it may see other objects now
        }
        catch (OperationCanceledException)
        {
            // The client is gone, its caller may not go on, the time is over, or the server stops: the client goes on from its last version.
        }
        catch (Exception e) when (e is TimeoutException || PostgresErrors.IsAway(e))
        {
            http.Abort(); // the client hardly reads, or half a stream cannot become an error answer
        }
    }

    private static void Begin(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-cache, private";
        http.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
    }
}
