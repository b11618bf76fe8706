using System.Net;
using System.Threading.RateLimiting;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Authentication;

/// <summary>
/// What an address may try: a request that does not prove who sends it costs it an attempt, and without attempts nothing new of it is checked. What
/// was found right before still counts, so a neighbour behind the same address goes on.
/// </summary>
internal sealed class FailedAttempts : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> _limiter = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
        IPAddress.IsLoopback(address)
            ? RateLimitPartition.GetNoLimiter(IPAddress.Loopback)
            : RateLimitPartition.GetTokenBucketLimiter(address, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = Limits.FailedAttempts,
                TokensPerPeriod = Limits.FailedAttempts / 10,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                QueueLimit = 0,
            }));

    /// <summary>The address has an attempt left.</summary>
    public bool MayTry(HttpContext http) => _limiter.GetStatistics(Callers.Of(http)) is not { CurrentAvailablePermits: < 1 };

    /// <summary>Takes one; false: there was none.</summary>
    public bool TryTake(HttpContext http)
    {
        using var lease = _limiter.AttemptAcquire(Callers.Of(http));
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();
}
