namespace CN2.Api.Http;

/// <summary>Which API a port serves. Its connections have it as a feature; nothing of one API is reachable through the port of another.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Hosts">The names that requests may give as their host; null: this port is not for browsers, and any will do.</param>
internal sealed record Listener(ListenerKind Kind, string Name, ListeningNames? Hosts)
{
    /// <summary>Where the request came in; null: not through a port of <see cref="Listeners"/>, as in a test.</summary>
    public static Listener? Of(HttpContext http) => http.Features.Get<Listener>();

    public static ListenerKind KindOf(HttpContext http) => Of(http)?.Kind ?? ListenerKind.Rest;
}
