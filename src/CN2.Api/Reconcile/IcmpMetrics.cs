using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>
/// What agents did with ICMP errors about packets that were too big, as they reported it last. Agents count, so a counter restarts with its agent; an
/// agent that is not connected here has no series.
/// </summary>
internal sealed class IcmpMetrics
{
    private readonly ConcurrentDictionary<string, VRouterIcmpCounters> _counters = new(StringComparer.Ordinal);

    public IcmpMetrics(IMeterFactory meters) => meters.Create("CN2.Icmp").CreateObservableCounter(
        "cn2.icmp.errors", Measure, "{packet}", "ICMP errors about packets that were too big, which came to another node than their flow");

    /// <summary>Replaces the counters of an agent.</summary>
    public void Set(string virtualRouter, VRouterIcmpCounters counters) => _counters[virtualRouter] = counters;

    /// <summary>Removes the series of an agent that disconnected.</summary>
    public void Forget(string virtualRouter) => _counters.TryRemove(virtualRouter, out _);

    private IEnumerable<Measurement<long>> Measure() =>
        from router in _counters
        from counted in new (string What, long Count)[]
        {
            ("no_flow", router.Value.NoFlow),
            ("over_limit", router.Value.OverLimit),
            ("sent", router.Value.Sent),
            ("received", router.Value.Received),
            ("delivered", router.Value.Delivered),
            ("refused", router.Value.Refused),
            ("unmatched", router.Value.Unmatched),
        }
        select new Measurement<long>(counted.Count, new KeyValuePair<string, object?>("virtual_router", router.Key), new("what", counted.What));
}
