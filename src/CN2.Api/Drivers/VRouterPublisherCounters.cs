namespace CN2.Api.Drivers;

/// <summary>What was sent to agents since the start.</summary>
public sealed record VRouterPublisherCounters(long Snapshots, long Deltas, long NatEntriesSent)
{
    /// <summary>Agents that were sent on to another replica (<see cref="IVRouterPublisher.SendOn"/>).</summary>
    public long SentOn { get; init; }
}
