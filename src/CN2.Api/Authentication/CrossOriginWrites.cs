using CN2.Api.Http;
using CN2.Api.Options;

namespace CN2.Api.Authentication;

/// <summary>
/// A page of another origin must not write in the name of whoever looks at it. A bearer token is in a header that such a page cannot set; a client certificate is sent by the
/// browser itself, and where nobody is asked nothing needs to be sent. So a write without a token that a browser sends says where its page is from
/// (<c>Origin</c>, <c>Sec-Fetch-Site</c>), and that must be this server or one of <c>Http__CorsOrigins</c>. Other clients send neither header.
/// </summary>
internal sealed class CrossOriginWrites(BrowserOptions browsers)
{
    private const string FetchSite = "Sec-Fetch-Site";

    public Task RunAsync(HttpContext http, RequestDelegate next) =>
        Listener.KindOf(http) != ListenerKind.Agents && !IsSafe(http.Request.Method) && BearerToken.Read(http.Request.Headers.Authorization).Token is null && IsForeign(http.Request)
            ? ProblemResult.WriteAsync(http, ApiProblem.CrossOrigin())
            : next(http);

    private static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Origin decides where it is there; several, or <c>null</c>, are no origin that counts.</summary>
    private bool IsForeign(HttpRequest request)
    {
        if (request.Headers.Origin is { Count: > 0 } origins) return origins is not [{ } origin] || !(IsOwn(origin, request) || browsers.CorsOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase));
        return request.Headers[FetchSite] is { Count: > 0 } sites && sites is not ["same-origin" or "none"];
    }

    /// <summary>The host is a name of this server: others were refused before. A browser leaves out the port that the scheme has anyway, in both headers.</summary>
    private static bool IsOwn(string origin, HttpRequest request) => origin.Equals($"{request.Scheme}://{request.Host.Value}", StringComparison.OrdinalIgnoreCase);
}
