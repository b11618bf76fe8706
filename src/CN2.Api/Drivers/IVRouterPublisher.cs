namespace CN2.Api.Drivers;

/// <summary>
/// The agents that are connected to this replica. A vRouter that connects gets nothing until a <c>Publish</c> with its whole
/// configuration; changes follow in order. It never blocks: the stream of a slow agent is closed, and the agent connects again for the
/// whole configuration.
/// </summary>
public interface IVRouterPublisher
{
    void Listen(IVRouterListener listener);
    void Publish(string name, ulong revision, VRouterConfig config);

    /// <summary>False: the change is too large for this agent, which wants the whole configuration instead.</summary>
    bool Publish(string name, ulong revision, VRouterDelta delta);

    /// <summary>
    /// The same with a change that many agents get alike and that nobody awaits from this one in particular: it may be written a moment later, when it is this agent's
    /// turn, or before what is published for it next.
    /// </summary>
    bool PublishInTurn(string name, ulong revision, VRouterDelta delta);

    /// <summary>Ends the connection that began with this hello, if it is still the one that counts. The agent gets the reason.</summary>
    void End(VRouterHello hello, string reason);

    /// <summary>The same for an agent that has other servers (<see cref="VRouterHello.OtherServers"/>): it goes to one of them, and stays there for a while. False: the connection had ended before.</summary>
    bool SendOn(VRouterHello hello, string reason);

    /// <summary>The same for an agent whose node has vanished (<see cref="IVRouterListener.Vanished"/>). False: something was heard of it since, and it stays.</summary>
    bool EndVanished(VRouterHello hello, string reason);
    VRouterPublisherCounters Counters { get; }
}
