using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using CN2.Network.Resources;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>How often agents are refused with a line in the log and a note in the database: a refusal costs its agent an attempt. Any thread.</summary>
internal sealed class RefusedAgents : IDisposable
{
    private readonly PartitionedRateLimiter<(string? Name, IPAddress Source)> _limiter = PartitionedRateLimiter.Create<(string? Name, IPAddress Source), (string?, IPAddress)>(
        agent => RateLimitPartition.GetTokenBucketLimiter(agent, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Limits.AgentRefusals,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    private long _unsaid;

    /// <summary>The agent has attempts left.</summary>
    /// <param name="name">The VirtualRouter of its certificate; null: it has none.</param>
    public bool MayTry(string? name, IPAddress? source) => _limiter.GetStatistics((name, Prefix(source))) is not { CurrentAvailablePermits: < 1 };

    /// <summary>Takes an attempt; null: there was none, and nothing is said of this refusal. Else the number of those that nothing was said of since the last call with an answer.</summary>
    public long? Take(string? name, IPAddress? source)
    {
        using var lease = _limiter.AttemptAcquire((name, Prefix(source)));
        if (lease.IsAcquired) return Interlocked.Exchange(ref _unsaid, 0);
        Interlocked.Increment(ref _unsaid);
        return null;
    }

    public void Dispose() => _limiter.Dispose();

    /// <summary>Of IPv6 the /64: a host has as many addresses in it as it likes.</summary>
    private static IPAddress Prefix(IPAddress? source)
    {
        if (source is null) return IPAddress.None;
        if (source.AddressFamily != AddressFamily.InterNetworkV6) return source;
        var bytes = source.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
