using CN2.Api.Data;
using CN2.Api.Json;
using CN2.Api.Secrets;
using Microsoft.AspNetCore.Diagnostics;

namespace CN2.Api.Http;

/// <summary>
/// Answers exceptions: the database is away (503), the request is broken below HTTP (4xx), or a bug (500; the stack trace is logged and
/// not answered).
/// </summary>
public sealed partial class ProblemExceptions(ILogger<ProblemExceptions> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested) return true;
        await ProblemResult.WriteAsync(httpContext, ProblemOf(httpContext, exception));
        return true;
    }

    private ApiProblem ProblemOf(HttpContext http, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return ApiProblem.PayloadTooLarge(RequestBody.LimitOf(http.Request));
            case BadHttpRequestException bad:
                return new ApiProblem(bad.StatusCode, ProblemCodes.BadRequest, "Bad request", "The request could not be read.",
                    new Dictionary<string, string[]> { ["$"] = ["The request could not be read."] });
        }

        if (exception is SecretsLockedException) return ApiProblem.Unavailable() with { Title = "Secrets cannot be protected", Detail = exception.Message };
        if (exception is DocumentUnreadableException) return ApiProblem.DocumentUnreadable(exception.Message);

        if (PostgresErrors.IsAway(exception))
        {
            Away(logger, exception.GetBaseException().Message);
            // What was not answered in time may wait for a lock, and the database answers others.
            if (exception is not OutcomeUnknownException && PostgresErrors.IsTimeout(exception)) return ApiProblem.Overdue();
            return exception is OutcomeUnknownException
                ? ApiProblem.Unavailable() with { Detail = "The database went away while the change was being committed: it may have been made or not. Read before you send it again; a POST with an Idempotency-Key can be sent again as it is." }
                : ApiProblem.Unavailable();
        }

        if (PostgresErrors.Find(exception) is { } error && ConstraintProblems.For(error, http) is { } problem) return problem;
        Unexpected(logger, exception, http.Request.Method, http.Request.Path);
        return new ApiProblem(500, ProblemCodes.InternalError, "Internal error", "This is a fault of the server; its log says more.");
    }

    [LoggerMessage(EventId = 110, Level = LogLevel.Warning, Message = "The database is away: {Reason}")]
    private static partial void Away(ILogger logger, string reason);

    [LoggerMessage(EventId = 111, Level = LogLevel.Error, Message = "Unexpected failure of {Method} {Path}")]
    private static partial void Unexpected(ILogger logger, Exception exception, string method, string path);
}
