using CN2.Api.Http;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Statuses;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Kubernetes.Views;

/// <summary>Answers with documents that stay as they are while the server runs. Clients keep them and ask again with their ETag.</summary>
internal static class DocumentAnswer
{
    /// <summary>For a path that has the document's hash in it.</summary>
    public const string Immutable = "public, immutable, max-age=31536000";

    /// <summary>Takes GET alone; null is 406.</summary>
    /// <param name="http">The request.</param>
    /// <param name="document">The document in the form that the client takes.</param>
    /// <param name="cacheControl">How long the client may keep it without asking.</param>
    public static Task WriteAsync(HttpContext http, ApiDocument? document, string cacheControl = ApiDocument.Revalidated)
    {
        if (!HttpMethods.IsGet(http.Request.Method)) return ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed());
        if (document is null) return ObjectAnswer.WriteAsync(http, NotAcceptable());
        http.Response.Headers.Vary = HeaderNames.Accept;
        return document.WriteAsync(http, cacheControl);
    }

    public static FailureStatus NotAcceptable() => new(StatusCodes.Status406NotAcceptable, StatusReason.NotAcceptable, Negotiation.Accepted);
}
