using System.Net;
using System.Threading.RateLimiting;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Authentication;

/// <summary>
/// What an address may try: a token or certificate that proves nothing costs it an attempt, and without attempts nothing new of it is checked. What
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

    public bool MayTry(HttpContext http) => Acquire(http, 0);

    public void Count(HttpContext http) => Acquire(http, 1);

    public void Dispose() => _limiter.Dispose();

    private bool Acquire(HttpContext http, int permits)
    {
        using var lease = _limiter.AttemptAcquire(Callers.Of(http), permits);
        return lease.IsAcquired;
    }
}
