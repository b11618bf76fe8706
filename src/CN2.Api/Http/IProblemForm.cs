namespace CN2.Api.Http;

/// <summary>How a port of the server writes errors, a feature of its connections. A connection without one gets RFC 9457.</summary>
internal interface IProblemForm
{
    /// <summary>The media type of the body.</summary>
    string ContentType { get; }

    /// <summary>The HTTP status.</summary>
    int StatusOf(ApiProblem problem);

    /// <summary>The body of an error answer, as UTF-8 JSON.</summary>
    byte[] Write(ApiProblem problem, HttpContext http);
}
