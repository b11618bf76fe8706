namespace CN2.VRouter.Dataplane;

/// <summary>
/// Packets that the engine carried and dropped. In: from the tunnels to the endpoints; out: the other direction. Dropped on the way in:
/// <paramref name="UnknownLabel"/> (no RoutingInstance has it), <paramref name="UnknownSource"/> (the sender is no next hop of that
/// RoutingInstance), <paramref name="Malformed"/> (label stack, GRE header or inner packet), <paramref name="TtlExpired"/>
/// (label TTL 0 or 1). Dropped in both directions: <paramref name="Oversize"/> (too long for the tunnel or a buffer) and
/// <paramref name="SendErrors"/> (the kernel refused the packet).
/// </summary>
public sealed record OverlayCounters(
    IReadOnlyDictionary<int, RoutingInstanceCounters> RoutingInstances,
    long UnknownLabel,
    long UnknownSource,
    long Malformed,
    long TtlExpired,
    long Oversize,
    long SendErrors)
{
    /// <summary>Outer packets that did not come by the uplink, to this node or through it: a pod sent them, most likely with a forged source address.</summary>
    public long NotFromUplink { get; init; }

    public static OverlayCounters None { get; } = new(new Dictionary<int, RoutingInstanceCounters>(), 0, 0, 0, 0, 0, 0);
}
