using System.Text.Json.Serialization;
using CN2.Api.Json;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Http;

/// <summary>Answers with a <see cref="ApiProblem"/> as <c>application/problem+json</c>.</summary>
public sealed class ProblemResult(ApiProblem problem) : IActionResult
{
    public ApiProblem Problem { get; } = problem;

    public Task ExecuteResultAsync(ActionContext context) => WriteAsync(context.HttpContext, Problem);

    /// <summary>Writes the answer outside of a controller (middleware, unknown paths).</summary>
    public static async Task WriteAsync(HttpContext http, ApiProblem problem)
    {
        var response = http.Response;
        response.StatusCode = problem.Status;
        response.ContentType = "application/problem+json";
        if (problem.RetryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var body = ApiJson.Bytes(ProblemBody.Of(problem, http.Request.Path.Value ?? "/"));
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method)) await response.Body.WriteAsync(body, http.RequestAborted);
    }
}

/// <summary>An error (RFC 9457).</summary>
/// <param name="Type"><c>urn:cn2:error:</c> and the code.</param>
/// <param name="Title">The same for every error of the code.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong here and what to do about it.</param>
/// <param name="Instance">The path that was asked for.</param>
/// <param name="Code">Stable, for programs to branch on.</param>
/// <param name="Errors">For 400: every fault by the path of its member, such as <c>ports[0].port</c>.</param>
public sealed record ProblemBody(
    string Type, string Title, int Status, string Detail, string Instance, string Code,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors)
{
    public static ProblemBody Of(ApiProblem problem, string path) =>
        new($"urn:cn2:error:{problem.Code}", problem.Title, problem.Status, problem.Detail, path, problem.Code, problem.Errors);
}
