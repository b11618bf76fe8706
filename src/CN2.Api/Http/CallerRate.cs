using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
using CN2.Api.Options;
using Microsoft.AspNetCore.RateLimiting;

namespace CN2.Api.Http;

/// <summary>
/// <c>RateLimit__PerSecond</c>: a token bucket for each caller, by the framework's rate limiter. It forgets a caller whose bucket has been
/// full for some seconds, so its memory follows the callers of the moment.
/// </summary>
internal static class CallerRate
{
    private static readonly CallerKey Unlimited = new("");
    private static readonly TimeSpan Refill = TimeSpan.FromMilliseconds(100);

    public static IServiceCollection AddCallerRate(this IServiceCollection services)
    {
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<RateLimitOptions>((limiter, options) =>
        {
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, CallerKey>(http => PartitionOf(http, options.PerSecond));
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (rejected, _) => new ValueTask(ProblemResult.WriteAsync(rejected.HttpContext, Refusal(rejected.Lease, options.PerSecond)));
        });
        return services;
    }

    /// <summary>Health, metrics and agents are not limited: nobody must be able to make a replica look dead.</summary>
    private static RateLimitPartition<CallerKey> PartitionOf(HttpContext http, int perSecond)
    {
        if (perSecond == 0 || IPAddress.IsLoopback(Callers.Of(http)) || !IsLimited(http)) return RateLimitPartition.GetNoLimiter(Unlimited);
        return RateLimitPartition.GetTokenBucketLimiter(CallerKey.Of(http), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 2 * perSecond,
            // A tenth of a second's tokens ten times a second; a rate below 10 comes once a second.
            TokensPerPeriod = perSecond < 10 ? perSecond : perSecond / 10,
            ReplenishmentPeriod = perSecond < 10 ? TimeSpan.FromSeconds(1) : Refill,
            QueueLimit = 0,
        });
    }

    private static bool IsLimited(HttpContext http) => KubernetesListener.Has(http)
        ? http.Request.Path.StartsWithSegments("/api") || http.Request.Path.StartsWithSegments("/apis") || http.Request.Path.StartsWithSegments("/openapi")
        : http.Request.Path.StartsWithSegments("/v1") || http.Request.Path.StartsWithSegments("/openapi") || http.Request.Path.StartsWithSegments("/swagger");

    private static ApiProblem Refusal(RateLimitLease lease, int perSecond) => ApiProblem.TooManyRequests(
        string.Create(CultureInfo.InvariantCulture, $"This caller sends more than {perSecond} requests a second; send fewer, or ask the operator for a higher RateLimit__PerSecond."),
        lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1);
}
