using System.Threading.RateLimiting;

namespace CN2.Api.Threading;

/// <summary>How many attempts each key has, such as an address: a failed one takes one, and some come back each second. Any thread.</summary>
/// <param name="most">Attempts of a key that has not failed for a while.</param>
/// <param name="perSecond">How many come back each second.</param>
/// <param name="isFree">Keys without a limit; null: there are none.</param>
internal sealed class AttemptLimit<TKey>(int most, int perSecond, Func<TKey, bool>? isFree = null) : IDisposable
    where TKey : notnull
{
    private readonly PartitionedRateLimiter<TKey> _limiter = PartitionedRateLimiter.Create<TKey, TKey>(key =>
        isFree?.Invoke(key) == true
            ? RateLimitPartition.GetNoLimiter(key)
            : RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = most,
                TokensPerPeriod = perSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                QueueLimit = 0,
            }));

    /// <summary>The key has an attempt left.</summary>
    public bool MayTry(TKey key) => _limiter.GetStatistics(key) is not { CurrentAvailablePermits: < 1 };

    /// <summary>Takes one; false: there was none.</summary>
    public bool TryTake(TKey key)
    {
        using var lease = _limiter.AttemptAcquire(key);
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();
}
