using CN2.Network.Resources;

namespace CN2.Api.Audit;

/// <summary>The <c>X-Request-Id</c> of a request: the client's own, or a new one. Every answer has it, and so has every log line of the request.</summary>
public static class RequestIds
{
    public const string Header = "X-Request-Id";

    public static string Of(HttpContext http) => http.TraceIdentifier;

    /// <summary>Takes the client's id when it is one value of visible ASCII characters. What else stands there is nobody's.</summary>
    internal static void Take(HttpContext http)
    {
        http.TraceIdentifier = http.Request.Headers.TryGetValue(Header, out var given) && given is [{ Length: > 0 and <= Limits.RequestId } id] && id.All(c => c is > ' ' and <= '~') ? id : New();
        // When the answer starts: one that ends in an exception begins anew, without the headers it had.
        http.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            context.Response.Headers[Header] = context.TraceIdentifier;
            return Task.CompletedTask;
        }, http);
    }

    internal static string New() => Guid.CreateVersion7().ToString("N");
}
