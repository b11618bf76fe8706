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
    void Publish(string name, ulong revision, VRouterDelta delta);
    VRouterPublisherCounters Counters { get; }
}
