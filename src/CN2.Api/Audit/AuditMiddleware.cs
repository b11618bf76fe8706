using CN2.Api.Data;
using CN2.Api.Http;

namespace CN2.Api.Audit;

/// <summary>
/// Around everything else: gives a request its id, and puts into the audit log what no transaction can: that it was refused, or a dry run. Of requests that only read, those that nobody
/// let in.
/// </summary>
internal sealed class AuditMiddleware(RequestDelegate next, AuditQueue queue, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http)
    {
        // Agents' calls have no answers of HTTP; what they write says so itself. By the port and not by the request, which could claim to be one of them.
        if (Listener.KindOf(http) == ListenerKind.Agents)
        {
            await next(http);
            return;
        }

        RequestIds.Take(http);
        await next(http);
        var status = http.Response.StatusCode;
        var isWrite = !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method) && !HttpMethods.IsOptions(http.Request.Method);
        if (status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden || (isWrite && status >= 400 && IsApi(http.Request.Path)))
        {
            var origin = AuditOrigin.Of(http);
            queue.Add(new AuditEntry(origin, time.GetStorableNow(), AuditSubject.Of(origin.Target), status) { Code = AnswerCode.Of(http) });
        }
        else if (http.Features.Get<AuditOrigin>() is { DryRuns: var runs })
        {
            foreach (var entry in runs) queue.Add(entry with { IsDryRun = true });
        }
    }

    private static bool IsApi(PathString path) => path.StartsWithSegments("/v1") || path.StartsWithSegments("/api") || path.StartsWithSegments("/apis");
}
