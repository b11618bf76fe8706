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

    /// <summary>Agents make no further VirtualRouters when there are this many; users still can.</summary>
    [WholeNumber(1, 100_000)]
    public int MaximumFromAgents { get; init; } = 5_000;

    public TimeSpan LostAfter => TimeSpan.FromSeconds(LostAfterSeconds);
}
