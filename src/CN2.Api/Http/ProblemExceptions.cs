using System.Net.Sockets;
using CN2.Api.Data;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace CN2.Api.Http;

/// <summary>
/// What is left as an exception: the database is away (503), a request broken below HTTP (4xx), a bug (500, logged, without its
/// stack trace in the answer).
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
                return ApiProblem.PayloadTooLarge(RequestBody.Limit);
            case BadHttpRequestException bad:
                return new ApiProblem(bad.StatusCode, ProblemCodes.BadRequest, "Bad request", "The request could not be read.",
                    new Dictionary<string, string[]> { ["$"] = ["The request could not be read."] });
        }

        if (IsDatabaseAway(exception))
        {
            Away(logger, exception.GetBaseException().Message);
            return ApiProblem.Unavailable();
        }

        if (WritePipeline.Postgres(exception) is { } error && ConstraintProblems.For(error, http) is { } problem) return problem;
        Unexpected(logger, exception, http.Request.Method, http.Request.Path);
        return new ApiProblem(500, ProblemCodes.InternalError, "Internal error", "This is a fault of the server; its log says more.");
    }

    /// <summary>Connection refused, lost, timed out or used up; PostgreSQL starting, stopping or failing over.</summary>
    public static bool IsDatabaseAway(Exception exception)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case PostgresException pg:
                    // 08 connection, 53 out of resources, 57P shutdown, 25006 read-only (a standby that was a primary), 3D000 not created yet
                    return pg.SqlState.StartsWith("08", StringComparison.Ordinal) || pg.SqlState.StartsWith("53", StringComparison.Ordinal)
                        || pg.SqlState.StartsWith("57P", StringComparison.Ordinal) || pg.SqlState is "57014" or "25006" or "3D000";
                case NpgsqlException or SocketException or TimeoutException:
                    return true;
            }
        }

        return false;
    }

    [LoggerMessage(EventId = 110, Level = LogLevel.Warning, Message = "The database is away: {Reason}")]
    private static partial void Away(ILogger logger, string reason);

    [LoggerMessage(EventId = 111, Level = LogLevel.Error, Message = "Unexpected failure of {Method} {Path}")]
    private static partial void Unexpected(ILogger logger, Exception exception, string method, string path);
}
