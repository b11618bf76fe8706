namespace CN2.VRouter.Dataplane;

/// <summary>Inner packets and their bytes. <paramref name="NoRoute"/>: packets on the way out that no imported route matched.</summary>
public readonly record struct RoutingInstanceCounters(long PacketsIn, long BytesIn, long PacketsOut, long BytesOut, long NoRoute);
