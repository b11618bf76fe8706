namespace CN2.VRouter.Dataplane;

/// <summary>Inner packets and their bytes; <paramref name="NoRoute"/>: on the way out, no imported route matched.</summary>
public readonly record struct RoutingInstanceCounters(long PacketsIn, long BytesIn, long PacketsOut, long BytesOut, long NoRoute);
