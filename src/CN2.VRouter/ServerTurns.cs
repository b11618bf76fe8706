using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// Which server an agent tries next: one after another in its order (<see cref="ServerOrder"/>), and after a longer stay at one, or when a server has sent the
/// agent on, the first of the others again. So an agent that was away from its first server comes back to it.
/// </summary>
/// <param name="order">At least one.</param>
internal sealed class ServerTurns(IReadOnlyList<Uri> order, TimeProvider time)
{
    /// <summary>An agent that a stream has served for less goes on in its order: several servers may be up and of no use.</summary>
    internal static readonly TimeSpan LongerStay = TimeSpan.FromMinutes(1);

    /// <summary>So long an agent that was sent on is not to be sent on again.</summary>
    internal static readonly TimeSpan ShortestRest = TimeSpan.FromMinutes(10);

    internal static readonly TimeSpan LongestRest = TimeSpan.FromDays(1);

    private Queue<Uri> _turns = new(order);
    private Uri _server = order[0];
    private TimeSpan _rest;
    private long _sentOnAt;

    public int Count => order.Count;

    public Uri Next()
    {
        _server = _turns.Dequeue();
        _turns.Enqueue(_server);
        return _server;
    }

    /// <summary>What the hello to the server of this turn says of the others; null: there are none.</summary>
    public OtherServers? Others => order.Count == 1 ? null : new OtherServers { Preferred = _server != order[0], StaysSeconds = (uint)Math.Ceiling(Rest.TotalSeconds) };

    /// <summary>The stream of this turn has ended after so long.</summary>
    /// <param name="sentOn">It has ended as if the server had too many agents. No server sends an agent on that has said that it stays, so it was something else then.</param>
    public void Ended(TimeSpan after, bool sentOn)
    {
        sentOn &= Rest == TimeSpan.Zero;
        // Where servers send it on and on, such as replicas that divide a fleet with one that the agents do not know, that becomes rare.
        if (sentOn) (_rest, _sentOnAt) = (_rest > TimeSpan.Zero && SinceSentOn < 2 * _rest ? Shorter(2 * _rest, LongestRest) : ShortestRest, time.GetTimestamp());
        if (sentOn || after >= LongerStay) _turns = new(order.Where(s => s != _server).Append(_server));
    }

    private TimeSpan SinceSentOn => time.GetElapsedTime(_sentOnAt);

    private TimeSpan Rest => _rest > SinceSentOn ? _rest - SinceSentOn : TimeSpan.Zero;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
