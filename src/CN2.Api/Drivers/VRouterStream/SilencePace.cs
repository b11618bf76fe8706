namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The times by which <see cref="NodeWatch"/> works, all from the one that was asked for.</summary>
/// <param name="Limit">A node is gone when its agent was silent for this long and agents of other nodes do not reach it.</param>
internal sealed record SilencePace(TimeSpan Limit)
{
    /// <summary>Agents send a Pulse this often.</summary>
    public TimeSpan Pulse => Limit / 5;

    /// <summary>Who is silent for this long (two and a half pulses) is asked about.</summary>
    public TimeSpan AskAfter => Limit / 2;

    /// <summary>How long agents try to reach a node before they say that they do not.</summary>
    public TimeSpan AnswerWithin => Limit * 0.4;

    /// <summary>A question without an answer is given up then, and others are asked.</summary>
    public TimeSpan GiveUpAfter => Limit * 0.65;

    /// <summary>How often all agents are looked at.</summary>
    public TimeSpan Tick => Limit / 20;

    /// <summary>A look that comes later than this after the one before says that this process stood still.</summary>
    public TimeSpan Stall => Tick + (Limit / 4);
}
