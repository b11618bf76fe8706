namespace CN2.Api.Drivers;

/// <summary>Counters of the agent's overlay engine since it started: traffic, and dropped packets by reason.</summary>
public sealed record VRouterOverlayCounters(
    IReadOnlyList<VRouterInstanceCounters> Instances, long UnknownLabel, long UnknownSource, long Malformed, long TtlExpired, long Oversize, long SendErrors)
{
    /// <summary>Outer packets that came by another interface than the uplink; 0 from agents of the version before.</summary>
    public long NotFromUplink { get; init; }
}
