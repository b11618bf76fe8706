namespace CN2.Api.Drivers;

/// <summary>Counters of the agent's overlay engine since it started: traffic, and dropped packets by reason.</summary>
public sealed record VRouterOverlayCounters(
    IReadOnlyList<VRouterInstanceCounters> Instances, long UnknownLabel, long UnknownSource, long Malformed, long TtlExpired, long Oversize, long SendErrors);
