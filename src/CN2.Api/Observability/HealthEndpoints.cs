using CN2.Api.Data;
using CN2.Api.Json;

namespace CN2.Api.Observability;

/// <summary>/livez (the process runs), /readyz (it can serve), /metrics (Prometheus text).</summary>
public static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/livez", () => Results.Text("ok\n")).ExcludeFromDescription();
        app.MapGet("/readyz", async (IEnumerable<IReadinessCheck> checks, IHostApplicationLifetime lifetime, HttpContext http) =>
        {
            var results = await Task.WhenAll(checks.Select(c => AskAsync(c, http.RequestAborted)));
            var faults = results.Where(r => r.Fault is not null).ToDictionary(r => r.Name, r => r.Fault!);
            if (lifetime.ApplicationStopping.IsCancellationRequested) faults["process"] = "stopping";
            var body = new { Status = faults.Count == 0 ? "ready" : "not ready", Checks = results.ToDictionary(r => r.Name, r => r.Fault ?? "ok") };
            http.Response.Headers.CacheControl = "no-store";
            return Results.Json(body, ApiJson.Options, statusCode: faults.Count == 0 ? 200 : 503);
        }).ExcludeFromDescription();
        app.MapGet("/metrics", (PrometheusText metrics) => Results.Text(metrics.Render(), "text/plain; version=0.0.4; charset=utf-8")).ExcludeFromDescription();
    }

    private static async Task<(string Name, string? Fault)> AskAsync(IReadinessCheck check, CancellationToken aborted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            return (check.Name, await check.FindFaultAsync(limit.Token).WaitAsync(limit.Token));
        }
        catch (OperationCanceledException)
        {
            return (check.Name, "no answer within a second");
        }
        catch (Exception e) when (PostgresErrors.IsAway(e))
        {
            return (check.Name, "away");
        }
    }
}
