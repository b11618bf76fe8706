using CN2.Api.Access;
using CN2.Api.Json;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Http;

/// <summary>Answers with a <see cref="ApiProblem"/> as <c>application/problem+json</c>.</summary>
public sealed class ProblemResult(ApiProblem problem) : IActionResult
{
    public ApiProblem Problem { get; } = problem;

    public Task ExecuteResultAsync(ActionContext context) => WriteAsync(context.HttpContext, Problem);

    /// <summary>Writes the answer outside of a controller (middleware, unknown paths); nothing when the request is answered already.</summary>
    public static Task WriteAsync(HttpContext http, ApiProblem problem) => AnswerTurn.TryTake(http) ? WriteOnceAsync(http, problem) : Task.CompletedTask;

    internal static async Task WriteOnceAsync(HttpContext http, ApiProblem problem)
    {
        if (problem.DetailOfRead is { } detail && HttpMethods.IsGet(http.Request.Method)) problem = problem with { Detail = detail };
        problem = problem.WithoutHiddenNames(http.Features.Get<CallerRights>());
        var response = http.Response;
        response.StatusCode = problem.Status;
        AnswerCode.Set(http, problem.Code);
        var form = KubernetesListener.Has(http) ? http.RequestServices.GetRequiredService<IProblemForm>() : null;
        response.ContentType = form is null ? "application/problem+json" : "application/json";
        if (problem.RetryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        byte[] body;
        if (form is null) body = ApiJson.Bytes(ProblemBody.Of(problem, http.Request.Path.Value ?? "/"));
        else (response.StatusCode, body) = form.Write(http, problem);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method)) await response.Body.WriteAsync(body, http.RequestAborted);
    }
}
