using CN2.Api.Kubernetes.Documents;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Statuses;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Kubernetes.Views;

/// <summary>Answers with documents that stay as they are while the server runs. Clients keep them and ask again with their ETag.</summary>
internal static class DocumentAnswer
{
    private const string Revalidated = "no-cache, private";

    /// <summary>For a path that has the document's hash in it.</summary>
    public const string Immutable = "public, immutable, max-age=31536000";

    /// <summary>Takes GET alone; null is 406.</summary>
    /// <param name="http">The request.</param>
    /// <param name="document">The document in the form that the client takes.</param>
    /// <param name="cacheControl">How long the client may keep it without asking.</param>
    public static Task WriteAsync(HttpContext http, ApiDocument? document, string cacheControl = Revalidated)
    {
        if (!HttpMethods.IsGet(http.Request.Method)) return ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed());
        if (document is null) return ObjectAnswer.WriteAsync(http, NotAcceptable());
        var response = http.Response;
        var tag = $"\"{document.Hash}\"";
        response.Headers.ETag = tag;
        response.Headers.Vary = HeaderNames.Accept;
        response.Headers.CacheControl = cacheControl;
        if (Matches(http.Request.Headers.IfNoneMatch, tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = document.ContentType;
        response.ContentLength = document.Bytes.Length;
        return response.Body.WriteAsync(document.Bytes, http.RequestAborted).AsTask();
    }

    public static FailureStatus NotAcceptable() => new(StatusCodes.Status406NotAcceptable, StatusReason.NotAcceptable, Negotiation.Accepted);

    /// <summary>Weak and strong tags are the same here: only GET asks.</summary>
    private static bool Matches(StringValues given, string tag) =>
        given.ToString().Split(',', StringSplitOptions.TrimEntries).Any(t => t == "*" || (t.StartsWith("W/", StringComparison.Ordinal) ? t[2..] : t) == tag);
}
