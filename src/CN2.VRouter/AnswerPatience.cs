using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>How an attempt to reach a server has ended.</summary>
internal enum AttemptEnd
{
    /// <summary>No connection came about, or nothing was heard on it.</summary>
    NotReached,

    /// <summary>Something was heard of the server, and no answer within <see cref="AnswerPatience.Current"/>.</summary>
    Unanswered,

    /// <summary>The server has taken the agent, or has refused it.</summary>
    Answered,
}

/// <summary>
/// How long an agent waits for the answer to its hello from a server of which it has heard something on this connection. Another server may serve the agent sooner, so of several each gets
/// half of the time at first. When none has answered in time, they have more to do than they can: each wait is twice as long as those of the round before, because an attempt that is given up
/// costs a server as much as one that it answers. One agent's; one thread at a time.
/// </summary>
/// <param name="servers">How many the agent has.</param>
internal sealed class AnswerPatience(int servers)
{
    private static readonly TimeSpan Longest = 4 * HeartbeatProtocol.Patience;

    private readonly TimeSpan _first = servers == 1 ? HeartbeatProtocol.Patience : HeartbeatProtocol.Patience / 2;
    private int _unanswered;

    public TimeSpan Current
    {
        get
        {
            var patience = _first;
            for (var rounds = _unanswered / servers; rounds > 0 && patience < Longest; rounds--) patience *= 2;
            return patience;
        }
    }

    public void Ended(AttemptEnd end)
    {
        // A server that is away says nothing of what the others have to do.
        if (end == AttemptEnd.Answered) _unanswered = 0;
        if (end == AttemptEnd.Unanswered) _unanswered++;
    }
}
