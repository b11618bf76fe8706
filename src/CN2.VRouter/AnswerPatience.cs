using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// How long an agent waits for the answer to its hello from a server of which it has heard something on this connection. When none of its servers has answered in time, they
/// have more to do than they can: each wait is twice as long as those of the round before, because an attempt that is given up costs a server as much as one that it answers.
/// One agent's; one thread at a time.
/// </summary>
/// <param name="servers">How many the agent has.</param>
internal sealed class AnswerPatience(int servers)
{
    private const int MostDoublings = 2;

    private int _unanswered;

    public TimeSpan Current => HeartbeatProtocol.Patience * (1 << Math.Min(_unanswered / servers, MostDoublings));

    /// <summary>An attempt has ended.</summary>
    /// <param name="isUnanswered">Something was heard of the server, but no answer within <see cref="Current"/>.</param>
    public void Ended(bool isUnanswered) => _unanswered = isUnanswered ? _unanswered + 1 : 0;
}
