namespace CN2.Api.Http;

/// <summary>By which the requests and the watches of a caller are counted: who it is where that is known, else its address.</summary>
/// <param name="Text">Such as <c>Token portal</c> or <c>198.51.100.1</c>. An address has no blank, an identity has one.</param>
public sealed record CallerKey(string Text)
{
    /// <summary>Of a request.</summary>
    public static CallerKey Of(HttpContext http) => http.Features.Get<CallerKey>() ?? new CallerKey(Callers.Of(http).ToString());
}
