namespace CN2.Api.Options;

/// <summary>Section <c>VRouters</c>.</summary>
public sealed record VRouterOptions
{
    /// <summary>From here on, silence alone is enough to call a node lost.</summary>
    private const double BelievedSeconds = 3;

    private const double DefaultSeconds = 10;

    /// <summary>
    /// How long an agent may be away before its routes are withdrawn. Below 3 s the silence of an agent is believed only with a witness
    /// (<see cref="VanishedAfter"/>), and every other absence counts after the default (<see cref="LostAfter"/>).
    /// </summary>
    [Number(0.3, 3600)]
    public double LostAfterSeconds { get; init; } = DefaultSeconds;

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

    /// <summary>An agent that is away for this long is lost, whatever else is known of its node.</summary>
    public TimeSpan LostAfter => TimeSpan.FromSeconds(LostAfterSeconds < BelievedSeconds ? DefaultSeconds : LostAfterSeconds);

    /// <summary>
    /// An agent that is silent for this long is lost when agents of other nodes find that its node is gone; null: nobody asks them, because
    /// <see cref="LostAfter"/> is what was asked for.
    /// </summary>
    public TimeSpan? VanishedAfter => LostAfterSeconds < BelievedSeconds ? TimeSpan.FromSeconds(LostAfterSeconds) : null;

    /// <summary>
    /// Where there are several control nodes, a node that has vanished is lost this much later, so that those that vanished with it and are watched
    /// by another control node count too: their last pulses were up to a fifth of the time apart, and a witness that says nothing takes a part of it.
    /// </summary>
    public TimeSpan VanishedSettle => TimeSpan.FromSeconds(0.5 * LostAfterSeconds);

    /// <summary>How long an agent must be silent when there is no agent of another node to ask.</summary>
    public static TimeSpan VanishedAloneAfter => TimeSpan.FromSeconds(BelievedSeconds);

    /// <summary>This many at once are too many to be lost, when so many carry routes.</summary>
    public int AtOnceOf(int carriers) => LostAtOnceLimit > 0 ? LostAtOnceLimit : Math.Max(2, (carriers + 1) / 2);

    /// <summary>vRouters that are lost within this time are lost at once (<see cref="LostAtOnceLimit"/>).</summary>
    public TimeSpan AtOnceWithin => TimeSpan.FromSeconds(LostAfterSeconds);
}
