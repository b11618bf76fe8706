namespace CN2.Api.Options;

/// <summary>Section <c>VRouters</c>.</summary>
public sealed record VRouterOptions
{
    /// <summary>How long an agent may be away before its routes are withdrawn.</summary>
    [WholeNumber(1, 3600)]
    public int LostAfterSeconds { get; init; } = 10;

    /// <summary>
    /// When this many vRouters that carry routes would be lost within <see cref="LostAfterSeconds"/>, none is: the cut is on the control plane's
    /// side. 0: half of those that carry routes, rounded up, but 2 at least.
    /// </summary>
    [WholeNumber(0, 100_000)]
    public int LostAtOnceLimit { get; init; }

    /// <summary>
    /// How long an agent that is connected may leave unacknowledged what it was sent. After that it counts as away, so that it is lost
    /// <see cref="LostAfterSeconds"/> later: nobody waits for it, and its routes go.
    /// </summary>
    [WholeNumber(5, 3600)]
    public int AcknowledgeWithinSeconds { get; init; } = 600;

    /// <summary>Agents make no further VirtualRouters when there are this many; users still can.</summary>
    [WholeNumber(1, 100_000)]
    public int MaximumFromAgents { get; init; } = 5_000;

    public TimeSpan AcknowledgeWithin => TimeSpan.FromSeconds(AcknowledgeWithinSeconds);

    public TimeSpan LostAfter => TimeSpan.FromSeconds(LostAfterSeconds);
}
