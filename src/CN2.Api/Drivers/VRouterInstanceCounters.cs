namespace CN2.Api.Drivers;

/// <summary>Traffic of a RoutingInstance on a vRouter since its agent started.</summary>
public sealed record VRouterInstanceCounters(int RoutingInstance, long PacketsIn, long BytesIn, long PacketsOut, long BytesOut, long NoRoute);
