using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using CN2.Api.Drivers;

namespace CN2.Api.Overlay;

/// <summary>
/// The overlay's packet counters as the agents reported them last: per vRouter and RoutingInstance, and per vRouter for packets that
/// belong to no RoutingInstance. Agents count, so a counter restarts with its agent; an agent that is not connected here has no series.
/// </summary>
public sealed class OverlayMetrics
{
    private readonly ConcurrentDictionary<string, VRouterOverlayCounters> _counters = new(StringComparer.Ordinal);
    private readonly RoutingInstances _instances;

    public OverlayMetrics(IMeterFactory meters, RoutingInstances instances)
    {
        _instances = instances;
        var meter = meters.Create("CN2.Overlay");
        meter.CreateObservableCounter("cn2.routing_instance.packets", () => InBothDirections(i => i.PacketsIn, i => i.PacketsOut), "{packet}",
            "Packets taken out of tunnels (in) and put into them (out)");
        meter.CreateObservableCounter("cn2.routing_instance", () => InBothDirections(i => i.BytesIn, i => i.BytesOut), "By", "Bytes of the packets inside the tunnels");
        meter.CreateObservableCounter("cn2.routing_instance.dropped", Dropped, "{packet}", "Packets of a RoutingInstance that were dropped");
        meter.CreateObservableCounter("cn2.overlay.dropped", DroppedByEngine, "{packet}", "Packets the overlay engine dropped before or after they belonged to a RoutingInstance");
    }

    /// <summary>Replaces the counters of an agent.</summary>
    public void Set(string virtualRouter, VRouterOverlayCounters counters) => _counters[virtualRouter] = counters;

    /// <summary>Removes the series of an agent that disconnected.</summary>
    public void Forget(string virtualRouter) => _counters.TryRemove(virtualRouter, out _);

    private IEnumerable<Measurement<long>> InBothDirections(Func<VRouterInstanceCounters, long> received, Func<VRouterInstanceCounters, long> sent) =>
        from router in _counters
        from instance in router.Value.Instances
        from measured in new[]
        {
            Of(received(instance), router.Key, instance.RoutingInstance, "direction", "in"),
            Of(sent(instance), router.Key, instance.RoutingInstance, "direction", "out"),
        }
        select measured;

    private IEnumerable<Measurement<long>> Dropped() =>
        from router in _counters
        from instance in router.Value.Instances
        select Of(instance.NoRoute, router.Key, instance.RoutingInstance, "reason", "no_route");

    private IEnumerable<Measurement<long>> DroppedByEngine() =>
        from router in _counters
        from dropped in new (string Reason, long Count)[]
        {
            ("unknown_label", router.Value.UnknownLabel),
            ("unknown_source", router.Value.UnknownSource),
            ("malformed", router.Value.Malformed),
            ("ttl_expired", router.Value.TtlExpired),
            ("oversize", router.Value.Oversize),
            ("send_error", router.Value.SendErrors),
            ("not_from_uplink", router.Value.NotFromUplink),
        }
        select new Measurement<long>(dropped.Count, new KeyValuePair<string, object?>("virtual_router", router.Key), new("reason", dropped.Reason));

    /// <summary>Labels a value with the network's name, or with its number when this replica does not know the network (any more).</summary>
    private Measurement<long> Of(long value, string virtualRouter, int instance, string tag, string tagged) => new(
        value,
        new KeyValuePair<string, object?>("virtual_router", virtualRouter),
        new("routing_instance", _instances.NameOf(instance) ?? instance.ToString(CultureInfo.InvariantCulture)),
        new(tag, tagged));
}
