using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>A RoutingInstance's counters, for as long as it is there, whatever becomes of its device and routes.</summary>
internal sealed class InstanceCounters
{
    public DirectionCounters In;
    public DirectionCounters Out;

    public RoutingInstanceCounters Read() => new(
        Volatile.Read(ref In.Packets), Volatile.Read(ref In.Bytes), Volatile.Read(ref Out.Packets), Volatile.Read(ref Out.Bytes), Volatile.Read(ref Out.NoRoute));
}
