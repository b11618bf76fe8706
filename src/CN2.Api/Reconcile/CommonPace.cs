namespace CN2.Api.Reconcile;

/// <summary>
/// How often vRouters without a change of their own get the changes for all. Each message to an agent, with its answer and what that causes, costs about 25 microseconds of
/// this process, however little is in it, so a large fleet gets more at once.
/// </summary>
/// <param name="OfAgent">For each agent that is connected here: an eighth of a processor is spent on these messages at most.</param>
/// <param name="Longest">However many there are.</param>
/// <param name="Unpaced">Below so many agents there is no pace.</param>
/// <param name="SharedFrom">
/// From so many NAT entries for all on, they are encoded once, also for agents that get something of their own with them: an entry costs a microsecond or two for each message that it
/// is encoded for.
/// </param>
internal sealed record CommonPace(TimeSpan OfAgent, TimeSpan Longest, int Unpaced, int SharedFrom)
{
    public static readonly CommonPace Default = new(TimeSpan.FromMicroseconds(200), TimeSpan.FromMilliseconds(500), 50, 500);

    /// <summary>The time between two of these messages.</summary>
    public TimeSpan Of(int agents)
    {
        if (agents < Unpaced) return TimeSpan.Zero;
        var time = agents * OfAgent;
        return time < Longest ? time : Longest;
    }
}
