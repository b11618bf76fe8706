using System.Runtime.ExceptionServices;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CN2.Api.Observability;

/// <summary><c>/livez</c> (the process runs), <c>/readyz</c> (it can serve) and <c>/metrics</c> (Prometheus text).</summary>
public static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapChecks("/livez", new HealthCheckOptions { Predicate = _ => false, AllowCachingResponses = true, ResponseWriter = WriteAliveAsync });
        // The framework's headers against caches are three; Cache-Control: no-store says the same.
        app.MapChecks("/readyz", new HealthCheckOptions { AllowCachingResponses = true, ResponseWriter = WriteReadinessAsync });
        app.MapGet("/metrics", (PrometheusText metrics) => Results.Text(metrics.Render(), "text/plain; version=0.0.4; charset=utf-8")).WithMetadata(new AccessTargetAttribute(AccessResource.Metrics)).ExcludeFromDescription();
    }

    /// <summary>MapHealthChecks answers every method; only GET is meant, so that the others get 405.</summary>
    private static void MapChecks(this IEndpointRouteBuilder app, string path, HealthCheckOptions options) =>
        app.MapHealthChecks(path, options).WithMetadata(new HttpMethodMetadata([HttpMethods.Get]), new OpenToAllAttribute()).ExcludeFromDescription();

    private static Task WriteAliveAsync(HttpContext http, HealthReport report) => Results.Text("ok\n").ExecuteAsync(http);

    private static Task WriteReadinessAsync(HttpContext http, HealthReport report)
    {
        http.Response.Headers.CacheControl = "no-store";
        var body = new { Status = report.Status == HealthStatus.Healthy ? "ready" : "not ready", Checks = report.Entries.ToDictionary(e => e.Key, e => WordOf(e.Value)) };
        return Results.Json(body, ApiJson.Options, contentType: null, http.Response.StatusCode).ExecuteAsync(http);
    }

    private static string WordOf(HealthReportEntry entry)
    {
        if (entry.Status == HealthStatus.Healthy) return "ok";
        switch (entry.Exception)
        {
            case null: return entry.Description ?? "failed";
            case OperationCanceledException: return "no answer within a second";
            case var e when PostgresErrors.IsAway(e): return "away";
            default:
                // A bug in a check: the exception handler logs it and answers 500.
                ExceptionDispatchInfo.Throw(entry.Exception);
                return "";
        }
    }
}
