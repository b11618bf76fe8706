using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>The counters of a RoutingInstance. They live as long as it does, also when its device and routes are replaced.</summary>
internal sealed class InstanceCounters
{
    public DirectionCounters In;
    public DirectionCounters Out;

    public RoutingInstanceCounters Read() => new(
        Volatile.Read(ref In.Packets), Volatile.Read(ref In.Bytes), Volatile.Read(ref Out.Packets), Volatile.Read(ref Out.Bytes), Volatile.Read(ref Out.NoRoute));
}
